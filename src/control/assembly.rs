//! From what files say and what is defined to one set of settings and its snapshot.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::client_keys;
use crate::config::{
    ClientKeySettings, ConfigError, ConfigErrors, DefinedSecret, Definition, DigestKey, Kind,
    Settings,
};
use crate::gateway::HistoryStore;
use crate::snapshot::Snapshot;
use crate::store::conversation_switches;
use crate::store::definitions::{Stored, all, revision};
use crate::store::{Purpose, Store, StoreError, Vault};

/// What the database holds of the configuration, as it was last read.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    /// The revision it was read at.
    pub revision: i64,
    /// All definitions.
    pub definitions: Vec<Definition>,
    /// Client keys that work.
    pub client_keys: Vec<ClientKeySettings>,
    /// Where the conversations of client keys are kept.
    pub histories: HashMap<Arc<str>, HistoryStore>,
    /// What their digests are made under.
    pub digest_key: Option<DigestKey>,
}

impl Stock {
    /// Reads it.
    ///
    /// # Errors
    /// When the database is away or a secret does not open.
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        Self::read_from(store.read(), store.vault()).await
    }

    /// Reads it, as a transaction sees it.
    ///
    /// # Errors
    /// When the database is away or a secret does not open.
    pub async fn read_from(
        database: &impl ConnectionTrait,
        vault: &Vault,
    ) -> Result<Self, StoreError> {
        // The revision first: a change in between shows as a newer one and is read next time.
        let revision = revision(database).await?;
        let stored = all(database, vault).await?;
        Ok(Self {
            revision,
            definitions: stored.into_iter().filter_map(definition).collect(),
            client_keys: client_keys::in_force(database).await?,
            histories: conversation_switches::all(database).await?,
            digest_key: Some(DigestKey::new(*vault.key(Purpose::ClientKey))),
        })
    }
}

fn definition(stored: Stored) -> Option<Definition> {
    let row = stored.row;
    Some(Definition {
        // A newer hub may keep kinds that this one does not know.
        kind: Kind::parse(&row.kind)?,
        document: serde_json::from_str(&row.document).unwrap_or_default(),
        name: row.name,
        enabled: row.enabled,
        position: row.position,
        secrets: stored
            .secrets
            .into_iter()
            .map(|secret| DefinedSecret {
                field: secret.row.field,
                enabled: secret.row.enabled,
                weight: u32::try_from(secret.row.weight).unwrap_or(1),
                value: secret.value,
            })
            .collect(),
    })
}

/// Settings of all sources.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// Everything that is in force.
    pub settings: Settings,
    /// Definitions that were left out, and why.
    pub problems: Vec<ConfigError>,
}

impl Assembly {
    /// Puts everything together. Definitions that do not fit are left out, so that one bad row does not
    /// stop the hub; errors are those of the files alone.
    ///
    /// # Errors
    /// When the files do not fit together.
    pub fn lenient(
        files: &Settings,
        stock: &Stock,
        demo: Option<SocketAddr>,
    ) -> Result<(Self, Snapshot), ConfigErrors> {
        let mut kept = stock.clone();
        let mut problems = Vec::new();
        // Each round leaves at least one definition or key out.
        for _ in 0..=stock.definitions.len() + stock.client_keys.len() {
            match together(files, &kept, demo) {
                Ok((settings, snapshot)) => {
                    return Ok((Self { settings, problems }, snapshot));
                }
                Err(errors) => {
                    let bad: BTreeSet<(String, String)> =
                        errors.0.iter().filter_map(named).collect();
                    if bad.is_empty() {
                        return Err(errors);
                    }
                    let is_bad =
                        |kind: &str, name: &str| bad.contains(&(kind.to_owned(), name.to_owned()));
                    kept.definitions
                        .retain(|definition| !is_bad(definition.kind.as_str(), &definition.name));
                    kept.client_keys.retain(|key| {
                        let place = key.place.definition();
                        !place.is_some_and(|(kind, name)| is_bad(kind, name))
                    });
                    problems.extend(errors.0);
                }
            }
        }
        Err(ConfigErrors(problems))
    }
}

fn named(error: &ConfigError) -> Option<(String, String)> {
    let (kind, name) = error.place.definition()?;
    Some((kind.to_owned(), name.to_owned()))
}

fn together(
    files: &Settings,
    stock: &Stock,
    demo: Option<SocketAddr>,
) -> Result<(Settings, Snapshot), ConfigErrors> {
    let (settings, errors) = files.clone().complete(&stock.definitions, demo);
    let mut settings = errors.or(settings)?;
    settings
        .client_keys
        .extend(stock.client_keys.iter().cloned());
    settings.digest_key.clone_from(&stock.digest_key);
    let snapshot = Snapshot::build(&settings, 0)?;
    Ok((settings, snapshot))
}
