//! The one that writes batches to the database.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, timeout};

use super::book::{Batch, Book, BookSettings, Fate};
use super::{Keep, entry};
use crate::store::requests::{Entry, Knowledge, Try};
use crate::store::{Store, StoreError, Vault, now_ms};

/// A batch that takes longer has failed; it is written again, which does no harm.
const DEADLINE: Duration = Duration::from_secs(10);
/// So often in a row a batch is refused before its entries are tried one by one.
const PATIENCE: u32 = 3;
/// How often rows become sums.
const OFTEN: Duration = Duration::from_secs(20);
/// So many refused entries side by side are the database's fault.
const RUN: u32 = 8;

/// Writes batches to the database.
#[derive(Debug)]
pub struct Recorder {
    inbox: tokio::sync::mpsc::Receiver<Batch>,
    fates: mpsc::SyncSender<Fate>,
    known: Knowledge,
    refusals: u32,
    /// Comes with the database. Until then no bodies are kept, since nothing could seal them.
    vault: Arc<OnceLock<Vault>>,
}

/// The way of records to the database, with a file at `spill` for the time when it is away, and the recorder that
/// must run for them to arrive.
///
/// # Errors
/// When the file cannot be used.
pub fn to_database(spill: &Path) -> io::Result<((Book, Keep), Recorder)> {
    let (book, recorder) = book(BookSettings::at(spill))?;
    let vault = Arc::clone(&recorder.vault);
    Ok((
        (book, Box::new(move |record| entry(record, vault.get()))),
        recorder,
    ))
}

/// A book, and the recorder that must run for its entries to reach the database.
///
/// # Errors
/// When there is a spill file that cannot be opened.
pub fn book(settings: BookSettings) -> io::Result<(Book, Recorder)> {
    let (to, inbox) = tokio::sync::mpsc::channel(1);
    // One batch is under way at a time, so there is always room for its fate.
    let (fates, told) = mpsc::sync_channel(2);
    let book = Book::new(settings, to, told)?;
    let recorder = Recorder {
        inbox,
        fates,
        known: Knowledge::default(),
        refusals: 0,
        vault: Arc::default(),
    };
    Ok((book, recorder))
}

impl Recorder {
    /// Writes until the book is closed.
    pub async fn run(mut self, store: Store) {
        let _ = self.vault.set(store.vault().clone());
        let mut often = tokio::time::interval(OFTEN);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let batch = tokio::select! {
                biased;
                batch = self.inbox.recv() => batch,
                _ = often.tick() => {
                    self.roll(&store).await;
                    continue;
                }
            };
            let Some(batch) = batch else { return };
            let fate = self.write(&store, &batch).await;
            if self.fates.try_send(fate).is_err() {
                return;
            }
        }
    }

    /// Adds to the sums what is old enough. Entries that come meanwhile wait no longer than a stride.
    async fn roll(&mut self, store: &Store) {
        loop {
            match timeout(DEADLINE, store.roll(now_ms(), &mut self.known)).await {
                Ok(Ok(true)) if self.inbox.is_empty() => {}
                Ok(Ok(_)) => return,
                Ok(Err(error)) => {
                    self.known = Knowledge::default();
                    return tracing::debug!(%error, "statistics were not brought up to date");
                }
                Err(_) => {
                    self.known = Knowledge::default();
                    return tracing::debug!("statistics were not brought up to date in time");
                }
            }
        }
    }

    async fn write(&mut self, store: &Store, batch: &Batch) -> Fate {
        let again = if self.refusals > 0 {
            Try::Again
        } else {
            batch.again
        };
        match self.keep(store, Arc::clone(&batch.entries), again).await {
            Ok(()) => {
                self.refusals = 0;
                Ok(0)
            }
            Err(error) => {
                // What is known may be of a transaction that was never completed, or of another database.
                self.known = Knowledge::default();
                self.refusals += 1;
                if self.refusals < PATIENCE {
                    return Err(error);
                }
                self.one_by_one(store, &batch.entries).await.ok_or(error)
            }
        }
    }

    /// Finds entries that can never be written, if others can. Says how many; `None` when it looks as if the
    /// database were at fault and not they: then all of it is tried again later.
    async fn one_by_one(&mut self, store: &Store, entries: &[Entry]) -> Option<u64> {
        let mut refused = 0_u64;
        let mut in_a_row = 0;
        for entry in entries {
            match self
                .keep(store, Arc::from([entry.clone()]), Try::Again)
                .await
            {
                Ok(()) => in_a_row = 0,
                Err(why) => {
                    refused += 1;
                    in_a_row += 1;
                    if in_a_row >= RUN {
                        return None;
                    }
                    let id = &entry.request.id;
                    tracing::debug!(%id, %why, "a request record was refused");
                }
            }
        }
        // The last ones may have met a database that has just gone away.
        let is_sure = in_a_row == 0 || self.refusals >= 2 * PATIENCE;
        if !is_sure || refused == entries.len() as u64 {
            return None;
        }
        self.refusals = 0;
        if refused > 0 {
            tracing::warn!(refused, "the database refused request records for good");
        }
        Some(refused)
    }

    async fn keep(
        &mut self,
        store: &Store,
        entries: Arc<[Entry]>,
        again: Try,
    ) -> Result<(), String> {
        match timeout(DEADLINE, store.keep(entries, again, &mut self.known)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(said(&error)),
            Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
        }
    }
}

fn said(error: &StoreError) -> String {
    error.to_string()
}
