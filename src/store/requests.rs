//! Writing what happened: rows of requests with what belongs to them, in one transaction.
//!
//! A batch is written whole or not at all, and a row that is there already is left out: a batch may be written
//! again after a crash, and nothing counts twice.

use std::collections::HashSet;

use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entities::{capture, request, request_detail};
use super::rolling::{self, Hold};
use super::rollups::{self, Sums};
use super::{Store, StoreError};

/// Rows in one statement: far below what any database takes as parameters.
const ROWS: usize = 100;

/// Everything that is written for one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The row.
    pub request: request::Model,
    /// What belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<request_detail::Model>,
    /// Its bodies, already sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<capture::Model>,
}

/// Whether a batch may have been written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// Nobody has seen it.
    First,
    /// It comes from a file, or it is not known what became of the last try.
    Again,
}

/// The dimensions that are known to be in the database.
#[derive(Clone, Debug, Default)]
pub struct KnownDimensions(pub(super) HashSet<i64>);

impl Store {
    /// Writes a batch and adds it to the sums. Says how many rows were new.
    ///
    /// # Errors
    /// When the database does not take it; then nothing of the batch is there.
    pub async fn keep(
        &self,
        batch: &[Entry],
        again: Try,
        known: &mut KnownDimensions,
    ) -> Result<usize, StoreError> {
        let database = self.begin().await?;
        // Held from before the first row: nobody moves it past rows that are not there yet.
        let mark = rolling::mark(&database, Hold::Shared).await?;
        let fresh = match again {
            Try::First => batch.iter().collect(),
            Try::Again => missing(&database, batch).await?,
        };
        if !fresh.is_empty() {
            insert(&database, fresh.iter().map(|entry| &entry.request)).await?;
            insert(
                &database,
                fresh.iter().filter_map(|entry| entry.details.as_ref()),
            )
            .await?;
            insert(
                &database,
                fresh.iter().filter_map(|entry| entry.capture.as_ref()),
            )
            .await?;
        }
        // What the sums have passed already is added to them here; all else when they come to it.
        let late = fresh
            .iter()
            .map(|entry| &entry.request)
            .filter(|row| mark.is_some_and(|mark| row.at < mark));
        let sums = Sums::of(late);
        let news = if sums.is_empty() {
            Vec::new()
        } else {
            rollups::add(&database, &sums, known).await?
        };
        database.commit().await?;
        known.learn(news);
        Ok(fresh.len())
    }

    /// Whether the database takes writes at all.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.write().ping().await?)
    }
}

/// Those of a batch that are not in the database, each once.
async fn missing<'b>(
    database: &impl ConnectionTrait,
    batch: &'b [Entry],
) -> Result<Vec<&'b Entry>, StoreError> {
    let mut seen = HashSet::with_capacity(batch.len());
    for part in batch.chunks(ROWS) {
        let ids = part.iter().map(|entry| entry.request.id.as_str());
        let there: Vec<String> = request::Entity::find()
            .select_only()
            .column(request::Column::Id)
            .filter(request::Column::Id.is_in(ids))
            .into_tuple()
            .all(database)
            .await?;
        seen.extend(there);
    }
    Ok(batch
        .iter()
        .filter(|entry| seen.insert(entry.request.id.clone()))
        .collect())
}

async fn insert<'m, M, A>(
    database: &impl ConnectionTrait,
    rows: impl Iterator<Item = &'m M>,
) -> Result<(), StoreError>
where
    M: Clone + IntoActiveModel<A> + 'm,
    A: ActiveModelTrait,
{
    let rows: Vec<&M> = rows.collect();
    for part in rows.chunks(ROWS) {
        let models = part
            .iter()
            .map(|row| (*row).clone().into_active_model().reset_all());
        <A::Entity as EntityTrait>::insert_many(models)
            .exec_without_returning(database)
            .await?;
    }
    Ok(())
}
