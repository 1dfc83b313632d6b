//! One change of what is defined: checked as a whole before it counts, written together with its audit row.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait as _, DatabaseTransaction, Set};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::{Assembly, Control, Stock};
use crate::config::{ConfigError, ConfigErrors};
use crate::snapshot::Snapshot;
use crate::store::entities::audit;
use crate::store::{StoreError, Vault, announce, definitions, new_id, now_ms};

/// Who changes something.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// The user, if it is one.
    pub id: Option<String>,
    /// The user's address, or `system`.
    pub name: String,
    /// Where the request came from.
    pub address: Option<String>,
}

/// What is written down of a change.
#[derive(Clone, Debug)]
pub struct AuditEntry<'a> {
    /// `create`, `update`, `delete`, ...
    pub action: &'a str,
    /// Which kind of thing.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it was; never with a secret in it.
    pub before: Option<&'a Value>,
    /// What it became; never with a secret in it.
    pub after: Option<&'a Value>,
}

/// Why a change was refused.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What it asks for does not fit together.
    #[error("{0}")]
    Invalid(ConfigErrors),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A change under way. Dropped without a commit, nothing has happened.
pub struct Change {
    control: Arc<Control>,
    work: DatabaseTransaction,
    actor: Actor,
    _turn: OwnedMutexGuard<()>,
}

impl Control {
    /// Begins a change; the next one waits until this one is over.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin(self: &Arc<Self>, actor: Actor) -> Result<Change, StoreError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        Ok(Change {
            work: self.store.begin().await?,
            control: Arc::clone(self),
            actor,
            _turn: turn,
        })
    }
}

impl Change {
    /// The transaction that everything belongs into.
    #[must_use]
    pub const fn work(&self) -> &DatabaseTransaction {
        &self.work
    }

    /// What seals.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        self.control.store.vault()
    }

    /// Writes down who did what.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn note(&self, entry: AuditEntry<'_>) -> Result<(), StoreError> {
        let text = |value: Option<&Value>| value.map(ToString::to_string);
        let row = audit::ActiveModel {
            id: Set(new_id()),
            at: Set(now_ms()),
            actor_id: Set(self.actor.id.clone()),
            actor: Set(self.actor.name.clone()),
            action: Set(entry.action.to_owned()),
            kind: Set(entry.kind.to_owned()),
            target_id: Set(entry.id.to_owned()),
            target: Set(entry.name.to_owned()),
            before: Set(text(entry.before)),
            after: Set(text(entry.after)),
            address: Set(self.actor.address.clone()),
        };
        row.insert(&self.work).await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Makes it count: only if everything still fits together, and then at once.
    ///
    /// # Errors
    /// What would not fit together, or that the database is away.
    pub async fn commit(self) -> Result<(), ChangeError> {
        definitions::advance(&self.work).await?;
        let (stock, assembly, snapshot) = self.outcome().await?;
        let control = &self.control;
        announce(&self.work).await?;
        self.work.commit().await.map_err(StoreError::from)?;
        control.stock.store(Arc::new(stock));
        control.put_in_force(assembly, snapshot);
        Ok(())
    }

    /// Says whether it could count, and undoes it.
    ///
    /// # Errors
    /// What would not fit together, or that the database is away.
    pub async fn rehearse(self) -> Result<(), ChangeError> {
        self.outcome().await?;
        self.work.rollback().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// What would be in force.
    async fn outcome(&self) -> Result<(Stock, Assembly, Snapshot), ChangeError> {
        let control = &self.control;
        let stock = Stock::read_from(&self.work, control.store.vault()).await?;
        let (assembly, snapshot) = Assembly::lenient(&control.files.load(), &stock, control.demo)
            .map_err(ChangeError::Invalid)?;
        // What was wrong before is not this change's fault.
        let known: BTreeSet<String> = control
            .in_force()
            .problems
            .iter()
            .map(ToString::to_string)
            .collect();
        let new: Vec<ConfigError> = assembly
            .problems
            .iter()
            .filter(|problem| !known.contains(&problem.to_string()))
            .cloned()
            .collect();
        if new.is_empty() {
            Ok((stock, assembly, snapshot))
        } else {
            Err(ChangeError::Invalid(ConfigErrors(new)))
        }
    }

    /// Makes it count where the data plane is not concerned, such as a user's name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn commit_quietly(self) -> Result<(), StoreError> {
        self.work.commit().await.map_err(StoreError::from)
    }
}
