//! Writing what happened: rows of requests with what belongs to them, in one transaction.
//!
//! A batch is written whole or not at all, and a row that is there already is left out: a batch may be written
//! again after a crash, and nothing counts twice.

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entities::{capture, request, request_detail};
use super::fresh::Fresh;
use super::insertion::insert;
use super::rolling::{self, Hold};
use super::rollups::{self, Sums};
use super::tray::{Put, Tray};
use super::{Store, StoreError};

/// Rows in one question: far below what any database takes as parameters.
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

/// What a writer knows of the database: the dimensions that are there, and sums that are still to be added. Who loses
/// it has it looked up.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    pub(super) dimensions: HashSet<i64>,
    pub(super) fresh: Fresh,
    tray: Tray,
}

impl Store {
    /// Writes a batch and adds it to the sums. Says how many rows were new.
    ///
    /// # Errors
    /// When the database does not take it; then nothing of the batch is there.
    pub async fn keep(
        &self,
        batch: impl Into<Arc<[Entry]>>,
        again: Try,
        known: &mut Knowledge,
    ) -> Result<usize, StoreError> {
        let batch = batch.into();
        if again == Try::First && self.put(&batch, known).await? == Put::Done {
            known.fresh.add(batch.iter().map(|entry| &entry.request));
            return Ok(batch.len());
        }
        let database = self.begin().await?;
        // Held from before the first row: nobody moves it past rows that are not there yet.
        let mark = rolling::mark(&database, Hold::Shared).await?;
        let fresh = match again {
            Try::First => batch.iter().collect(),
            Try::Again => missing(&database, &batch).await?,
        };
        if !fresh.is_empty() {
            let rows: Vec<_> = fresh.iter().map(|entry| &entry.request).collect();
            insert(&database, &rows).await?;
            let rows: Vec<_> = fresh
                .iter()
                .filter_map(|entry| entry.details.as_ref())
                .collect();
            insert(&database, &rows).await?;
            let rows: Vec<_> = fresh
                .iter()
                .filter_map(|entry| entry.capture.as_ref())
                .collect();
            insert(&database, &rows).await?;
        }
        // What the sums have passed already is added to them here; all else when they come to it.
        let is_late = |row: &&request::Model| mark.is_some_and(|mark| row.at < mark);
        let rows = || fresh.iter().map(|entry| &entry.request);
        let sums = Sums::of(rows().filter(is_late));
        let news = if sums.is_empty() {
            Vec::new()
        } else {
            rollups::add(&database, &sums, known).await?
        };
        database.commit().await?;
        known.learn(news);
        known.fresh.add(rows().filter(|row| !is_late(row)));
        Ok(fresh.len())
    }

    /// The short way, where there is one.
    async fn put(&self, batch: &Arc<[Entry]>, known: &Knowledge) -> Result<Put, StoreError> {
        let Some(file) = &self.file else {
            return Ok(Put::Left);
        };
        // A place in the line of writers, and nothing else: it takes no lock until there is something to do.
        let place = self.begin().await?;
        let (file, tray, batch) = (Arc::clone(file), known.tray.clone(), Arc::clone(batch));
        let put = tokio::task::spawn_blocking(move || tray.put(&file, &batch)).await;
        place.rollback().await?;
        put.map_err(|error| DbErr::Custom(error.to_string()))?
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
