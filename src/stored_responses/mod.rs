//! Behind the memory of answers that Responses clients refer to: the database, written behind the requests.
//!
//! What waits to be written is bounded, found by those who ask for it, and waits on while the database is away; of what
//! would be too much the oldest is not written, and stays in memory alone. What is to be forgotten is written first and
//! makes no room for what is to be kept. No request waits for a write.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::control::Control;
use crate::gateway::{Later, ResponseArchive, StoredResponse};
use crate::store::rollups::DAY;
use crate::store::{ResponseRecord, Store, StoreError, now_ms};

/// What may wait: so many to be kept and as many to be forgotten, and so much room.
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

/// What is to become of an answer; `None` is to be forgotten.
type Wish = Option<Arc<StoredResponse>>;

/// What waits to be written, the oldest first: one wish for an answer, its last.
#[derive(Debug, Default)]
struct Waiting {
    /// What is to be kept.
    kept: BTreeMap<u64, (Key, Arc<StoredResponse>)>,
    /// What is to be forgotten.
    forgotten: BTreeMap<u64, Key>,
    places: HashMap<Key, u64>,
    /// Room that those take which are to be kept.
    bytes: usize,
    serial: u64,
}

fn size(response: &StoredResponse) -> usize {
    response.input.len() + response.response.len() + 256
}

impl Waiting {
    fn wish(&mut self, key: Key, wish: Wish) {
        self.serial += 1;
        if let Some(before) = self.places.insert(key.clone(), self.serial) {
            self.take(before);
        }
        match wish {
            Some(response) => {
                self.bytes += size(&response);
                self.kept.insert(self.serial, (key, response));
            }
            None => drop(self.forgotten.insert(self.serial, key)),
        }
    }

    /// What is wished for an answer, where something is.
    fn of(&self, key: &Key) -> Option<Wish> {
        let serial = self.places.get(key)?;
        Some(
            self.kept
                .get(serial)
                .map(|(_, response)| Arc::clone(response)),
        )
    }

    /// Lets go of the oldest while there is too much; says how many.
    fn shrink(&mut self) -> u64 {
        let mut gone = 0;
        while self.kept.len() > MOST || self.bytes > LARGEST {
            let Some(serial) = self.kept.keys().next().copied() else {
                break;
            };
            self.done(serial);
            gone += 1;
        }
        while self.forgotten.len() > MOST {
            let Some(serial) = self.forgotten.keys().next().copied() else {
                break;
            };
            self.done(serial);
            gone += 1;
        }
        gone
    }

    /// What to write next.
    fn first(&self) -> Option<(u64, Key, Wish)> {
        if let Some((serial, key)) = self.forgotten.first_key_value() {
            return Some((*serial, key.clone(), None));
        }
        let (serial, (key, response)) = self.kept.first_key_value()?;
        Some((*serial, key.clone(), Some(Arc::clone(response))))
    }

    /// Strikes a wish out unless there is a newer one for the same answer.
    fn done(&mut self, serial: u64) {
        if let Some(key) = self.take(serial) {
            self.places.remove(&key);
        }
    }

    fn take(&mut self, serial: u64) -> Option<Key> {
        if let Some(key) = self.forgotten.remove(&serial) {
            return Some(key);
        }
        let (key, response) = self.kept.remove(&serial)?;
        self.bytes -= size(&response);
        Some(key)
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
    /// Says how old an answer may be. It holds the memory that holds this.
    control: Weak<Control>,
    /// Whose newest answers were read whole lately, and when.
    looked: Mutex<HashMap<Arc<str>, i64>>,
}

impl Archive {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wish(&self, scope: &Arc<str>, id: &str, wish: Wish) {
        let gone = {
            let mut waiting = self.waiting();
            waiting.wish((Arc::clone(scope), id.into()), wish);
            waiting.shrink()
        };
        if gone > 0 && self.lost.fetch_add(gone, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "answers wait too long for the database; the oldest are not written or removed there"
            );
        }
        self.news.notify_one();
    }

    /// Since when answers are found: older ones may go at any moment.
    fn since(&self) -> i64 {
        let control = self.control.upgrade();
        let days = control.map_or(0, |control| {
            control.in_force().settings.retention.response_days
        });
        match i64::try_from(days).unwrap_or(i64::MAX) {
            0 => i64::MIN,
            days => now_ms().saturating_sub(days.saturating_mul(DAY)),
        }
    }

    fn looked(&self) -> MutexGuard<'_, HashMap<Arc<str>, i64>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when a client key's answers are to be read now.
    fn unseen(&self, scope: &Arc<str>) -> i64 {
        let now = now_ms();
        let mut looked = self.looked();
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
    async fn ask<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if now_ms() < self.resting.load(Ordering::Relaxed) {
            return None;
        }
        match asked.await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(%error, "stored answers cannot be read");
                self.resting.store(now_ms() + REST, Ordering::Relaxed);
                None
            }
        }
    }

    /// Writes what waits; false when something is left since the database failed.
    async fn write(&self) -> bool {
        loop {
            let first = self.waiting().first();
            let Some((serial, key, wish)) = first else {
                return true;
            };
            let (scope, id) = (&*key.0, &*key.1);
            let written = async {
                match &wish {
                    None => self.store.remove_response(scope, id).await,
                    Some(response) => self.store.keep_response(scope, &record(id, response)).await,
                }
            };
            match timeout(PATIENCE, written).await {
                Ok(Ok(())) => {
                    self.waiting().done(serial);
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
            let waits = self.waiting().of(&key);
            if let Some(wish) = waits {
                return wish.map(|response| stored(record(id, &response)));
            }
            let found = self.ask(self.store.response(scope, id, self.since())).await;
            found.flatten().map(stored)
        })
    }

    fn newest<'a>(&'a self, scope: &'a Arc<str>) -> Later<'a, Vec<(String, StoredResponse)>> {
        Box::pin(async move {
            let asked = self.store.newest_responses(scope, self.unseen(scope));
            let Some(mut records) = self.ask(asked).await else {
                // It was no look at all.
                self.looked().remove(scope);
                return Vec::new();
            };
            let waiting = self.waiting();
            records.retain(|record| {
                let key: Key = (Arc::clone(scope), record.id.as_str().into());
                !waiting.places.contains_key(&key)
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
    /// Begins to write into the control's database. Answers are found for as long as its settings say.
    #[must_use]
    pub fn start(control: &Arc<Control>) -> Self {
        let archive = Arc::new(Archive {
            store: control.store().clone(),
            waiting: Mutex::default(),
            news: Notify::new(),
            resting: AtomicI64::new(0),
            lost: AtomicU64::new(0),
            control: Arc::downgrade(control),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: usize) -> Key {
        ("k".into(), id.to_string().into())
    }

    fn answer(bytes: usize) -> Wish {
        Some(Arc::new(StoredResponse {
            input: "[]".into(),
            response: "x".repeat(bytes).into(),
            origin: None,
        }))
    }

    #[test]
    fn what_is_to_be_forgotten_is_not_let_go_for_what_is_to_be_kept() {
        let mut waiting = Waiting::default();
        waiting.wish(key(0), None);
        for id in 1..=MOST + 5 {
            waiting.wish(key(id), answer(0));
        }
        assert_eq!(waiting.shrink(), 5);
        waiting.wish(key(MOST + 6), answer(LARGEST / 2));
        waiting.wish(key(MOST + 7), answer(LARGEST / 2));
        assert!(waiting.shrink() > 0 && waiting.bytes <= LARGEST);
        let (serial, first, wish) = waiting.first().expect("it waits");
        assert_eq!((&first, wish.is_none()), (&key(0), true));
        waiting.done(serial);
        assert!(waiting.of(&key(0)).is_none());
        assert!(waiting.of(&key(MOST + 7)).flatten().is_some());
    }

    #[test]
    fn the_last_wish_for_an_answer_counts_and_is_the_only_one() {
        let mut waiting = Waiting::default();
        for _ in 0..100 {
            waiting.wish(key(1), answer(10));
        }
        let (serial, ..) = waiting.first().expect("it waits");
        waiting.wish(key(1), None);
        assert!(waiting.of(&key(1)).is_some_and(|wish| wish.is_none()));
        assert_eq!((waiting.kept.len(), waiting.bytes), (0, 0));
        // What was written meanwhile is not what is wished now.
        waiting.done(serial);
        assert_eq!((waiting.forgotten.len(), waiting.places.len()), (1, 1));
    }
}
