//! Behind the memory of answers that Responses clients refer to: the database, written behind the requests.
//!
//! What waits to be written is bounded, found by those who ask for it, and waits on while the database is away; of what
//! would be too much the oldest is not written, and stays in memory alone. No request waits for a write.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::gateway::{Later, ResponseArchive, StoredResponse};
use crate::store::{ResponseRecord, Store, StoreError, now_ms};

/// What may wait: so many, and so much room.
const MOST: usize = 10_000;
const LARGEST: usize = 64 << 20;
/// A write that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after one that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long a database that failed is not asked by requests, in milliseconds.
const REST: i64 = 3_000;
/// A client key's newest answers are read whole once in this time, in milliseconds; after that only those since: item
/// ids that somebody makes up must not cost a read of megabytes each.
const WHOLE: i64 = 60_000;
/// How much later than it was given an answer may be written, by another hub with another clock.
const DELAY: i64 = 60_000;
/// How long the end waits for what is left.
const FAREWELL: Duration = Duration::from_secs(5);

/// Client key and answer id.
type Key = (Arc<str>, Box<str>);

/// What waits to be written; `None` is to be forgotten.
#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<(Key, u64)>,
    wishes: HashMap<Key, (u64, Option<Arc<StoredResponse>>)>,
    bytes: usize,
    serial: u64,
}

fn size(response: Option<&Arc<StoredResponse>>) -> usize {
    response.map_or(0, |kept| kept.input.len() + kept.response.len()) + 256
}

impl Waiting {
    fn wish(&mut self, key: Key, response: Option<Arc<StoredResponse>>) {
        self.serial += 1;
        self.bytes += size(response.as_ref());
        self.order.push_back((key.clone(), self.serial));
        let before = self.wishes.insert(key, (self.serial, response));
        if let Some((_, before)) = before {
            self.bytes -= size(before.as_ref());
        }
    }

    /// Lets go of the oldest while there is too much; says how many of them were to be kept.
    fn shrink(&mut self) -> u64 {
        let mut gone = 0;
        while self.wishes.len() > MOST || self.bytes > LARGEST {
            let Some((key, serial)) = self.order.pop_front() else {
                break;
            };
            gone += u64::from(self.done(&key, serial));
        }
        gone
    }

    /// The oldest wish.
    fn first(&mut self) -> Option<(Key, u64, Option<Arc<StoredResponse>>)> {
        while let Some((key, serial)) = self.order.front() {
            match self.wishes.get(key) {
                Some((now, response)) if now == serial => {
                    return Some((key.clone(), *serial, response.clone()));
                }
                _ => drop(self.order.pop_front()),
            }
        }
        None
    }

    /// Strikes a wish out unless there is a newer one for the same answer.
    fn done(&mut self, key: &Key, serial: u64) -> bool {
        if self.wishes.get(key).is_none_or(|(now, _)| *now != serial) {
            return false;
        }
        if let Some((_, response)) = self.wishes.remove(key) {
            self.bytes -= size(response.as_ref());
        }
        true
    }
}

/// The database behind the memory.
struct Archive {
    store: Store,
    waiting: Mutex<Waiting>,
    news: Notify,
    /// Until when requests do not ask, in milliseconds since 1970.
    resting: AtomicI64,
    lost: AtomicU64,
    /// How old an answer may be, in milliseconds; 0 is no bound.
    oldest: AtomicI64,
    /// Whose newest answers were read whole lately, and when.
    looked: Mutex<HashMap<Arc<str>, i64>>,
}

impl Archive {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wish(&self, scope: &Arc<str>, id: &str, response: Option<Arc<StoredResponse>>) {
        let gone = {
            let mut waiting = self.waiting();
            waiting.wish((Arc::clone(scope), id.into()), response);
            waiting.shrink()
        };
        if gone > 0 && self.lost.fetch_add(gone, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "answers wait too long for the database; the oldest stay in memory alone"
            );
        }
        self.news.notify_one();
    }

    fn since(&self) -> i64 {
        match self.oldest.load(Ordering::Relaxed) {
            0 => i64::MIN,
            age => now_ms().saturating_sub(age),
        }
    }

    /// Since when a client key's answers are to be read now.
    fn unseen(&self, scope: &Arc<str>) -> i64 {
        let now = now_ms();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.retain(|_, at| now.saturating_sub(*at) < WHOLE);
        match looked.get(scope) {
            Some(at) => self.since().max(at - DELAY),
            None => {
                looked.insert(Arc::clone(scope), now);
                self.since()
            }
        }
    }

    /// Asks the database unless it has just failed.
    async fn ask<T: Default>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> T {
        if now_ms() < self.resting.load(Ordering::Relaxed) {
            return T::default();
        }
        asked.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "stored answers cannot be read");
            self.resting.store(now_ms() + REST, Ordering::Relaxed);
            T::default()
        })
    }

    /// Writes what waits; false when something is left since the database failed.
    async fn write(&self) -> bool {
        loop {
            let first = self.waiting().first();
            let Some((key, serial, response)) = first else {
                return true;
            };
            let (scope, id) = (&*key.0, &*key.1);
            let written = async {
                match &response {
                    None => self.store.remove_response(scope, id).await,
                    Some(response) => self.store.keep_response(scope, &record(id, response)).await,
                }
            };
            match timeout(PATIENCE, written).await {
                Ok(Ok(())) => {
                    self.waiting().done(&key, serial);
                }
                Ok(Err(error)) => {
                    tracing::debug!(%error, "an answer was not written down yet");
                    return false;
                }
                Err(_) => return false,
            }
        }
    }
}

fn record(id: &str, response: &StoredResponse) -> ResponseRecord {
    ResponseRecord {
        id: id.to_owned(),
        input: response.input.to_string(),
        response: response.response.to_string(),
        origin: response.origin.as_deref().map(str::to_owned),
    }
}

fn stored(record: ResponseRecord) -> StoredResponse {
    StoredResponse {
        input: record.input.into(),
        response: record.response.into(),
        origin: record.origin.map(Arc::from),
    }
}

impl ResponseArchive for Archive {
    fn put(&self, scope: &Arc<str>, id: &str, response: &Arc<StoredResponse>) {
        self.wish(scope, id, Some(Arc::clone(response)));
    }

    fn delete(&self, scope: &Arc<str>, id: &str) {
        self.wish(scope, id, None);
    }

    fn get<'a>(&'a self, scope: &'a Arc<str>, id: &'a str) -> Later<'a, Option<StoredResponse>> {
        Box::pin(async move {
            let key: Key = (Arc::clone(scope), id.into());
            // What is not written yet is newer than what is.
            let waits = self.waiting().wishes.get(&key).cloned();
            if let Some((_, wish)) = waits {
                return wish.map(|response| stored(record(id, &response)));
            }
            let found = self.ask(self.store.response(scope, id, self.since())).await;
            found.map(stored)
        })
    }

    fn newest<'a>(&'a self, scope: &'a Arc<str>) -> Later<'a, Vec<(String, StoredResponse)>> {
        Box::pin(async move {
            let asked = self.store.newest_responses(scope, self.unseen(scope));
            let mut records = self.ask(asked).await;
            let waiting = self.waiting();
            records.retain(|record| {
                let key: Key = (Arc::clone(scope), record.id.as_str().into());
                !waiting.wishes.contains_key(&key)
            });
            drop(waiting);
            let named = |record: ResponseRecord| (record.id.clone(), stored(record));
            records.into_iter().map(named).collect()
        })
    }
}

/// Who writes answers down. Dropping it ends the work; [`ResponseKeeper::stop`] completes it first.
pub struct ResponseKeeper {
    archive: Arc<Archive>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for ResponseKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseKeeper")
    }
}

impl ResponseKeeper {
    /// Begins to write into this database. Answers that are older than `days` are not found any more; 0 is no bound.
    #[must_use]
    pub fn start(store: Store, days: u64) -> Self {
        let archive = Arc::new(Archive {
            store,
            waiting: Mutex::default(),
            news: Notify::new(),
            resting: AtomicI64::new(0),
            lost: AtomicU64::new(0),
            oldest: AtomicI64::new(
                i64::try_from(days)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(86_400_000),
            ),
            looked: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(Arc::clone(&archive), stopped));
        Self {
            archive,
            stop,
            task,
        }
    }

    /// What the memory asks.
    #[must_use]
    pub fn archive(&self) -> Arc<dyn ResponseArchive> {
        Arc::<Archive>::clone(&self.archive)
    }

    /// Writes down what is left and ends. Call it when no request is under way any more.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn keep(archive: Arc<Archive>, mut stopped: oneshot::Receiver<()>) {
    loop {
        let is_written = archive.write().await;
        let next = async {
            if is_written {
                archive.news.notified().await;
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = next => {}
            _ = &mut stopped => {
                if timeout(FAREWELL, archive.write()).await != Ok(true) {
                    tracing::warn!("some answers were not written down before the end");
                }
                return;
            }
        }
    }
}
