//! Behind the memory of answers that Responses clients refer to: the database, written behind the requests.
//!
//! What waits to be written is bounded, found by those who ask for it, and waits on while the database is away; of what
//! would be too much the oldest is not written, and stays in memory alone. What is to be forgotten is written first and
//! makes no room for what is to be kept. No request waits for a write, and what another hub has removed leaves the
//! memory of this one soon.

mod waiting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use self::waiting::{Key, Waiting, Wish};
use crate::control::Control;
use crate::gateway::{Archived, Later, ResponseArchive, ResponseStore, StoredResponse};
use crate::store::rollups::DAY;
use crate::store::{ResponseRecord, Store, StoreError, now_ms};

/// A write that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after one that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for an answer of the database.
const ASKED: Duration = Duration::from_secs(2);
/// How often to look what other hubs have removed.
const LOOK: Duration = Duration::from_secs(2);
/// For how long a database that failed or hangs is not asked by requests, in milliseconds.
const REST: i64 = 3_000;
/// A client key's newest answers are read whole once in this time, in milliseconds; after that only those since: item
/// ids that somebody makes up must not cost a read of megabytes each.
const WHOLE: i64 = 60_000;
/// How much later than it happened something may be written, by another hub with another clock.
const DELAY: i64 = 60_000;
/// How long the end waits for what is left.
const FAREWELL: Duration = Duration::from_secs(5);

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

    /// Asks the database unless it has just failed, and not for long.
    async fn ask<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if now_ms() < self.resting.load(Ordering::Relaxed) {
            return None;
        }
        match timeout(ASKED, asked).await {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => tracing::warn!(%error, "stored answers cannot be read"),
            Err(_) => tracing::warn!("the database takes too long to find stored answers"),
        }
        self.resting.store(now_ms() + REST, Ordering::Relaxed);
        None
    }

    /// Lets the memory forget what other hubs have removed since a time; false when the database does not say.
    async fn follow(&self, memory: &dyn ResponseStore, since: i64) -> bool {
        let Some(removed) = self.ask(self.store.removed_responses(since)).await else {
            return false;
        };
        if removed.is_empty() {
            return true;
        }
        for key in memory.known() {
            // What is wished here is newer.
            if removed.has(&key.0, &key.1) && !self.waiting().has(&key) {
                memory.forget(&key.0, &key.1);
            }
        }
        true
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
        at: now_ms(),
    }
}

fn archived(record: ResponseRecord) -> Archived {
    Archived {
        at_ms: record.at,
        response: StoredResponse {
            input: record.input.into(),
            response: record.response.into(),
            origin: record.origin.map(Arc::from),
        },
    }
}

impl ResponseArchive for Archive {
    fn put(&self, scope: &Arc<str>, id: &str, response: &Arc<StoredResponse>) {
        self.wish(scope, id, Some(Arc::clone(response)));
    }

    fn delete(&self, scope: &Arc<str>, id: &str) {
        self.wish(scope, id, None);
    }

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

    fn get<'a>(&'a self, scope: &'a Arc<str>, id: &'a str) -> Later<'a, Option<Archived>> {
        Box::pin(async move {
            let key: Key = (Arc::clone(scope), id.into());
            // What is not written yet is newer than what is.
            let waits = self.waiting().of(&key);
            if let Some(wish) = waits {
                return wish.map(|response| archived(record(id, &response)));
            }
            let found = self.ask(self.store.response(scope, id, self.since())).await;
            found.flatten().map(archived)
        })
    }

    fn newest<'a>(&'a self, scope: &'a Arc<str>) -> Later<'a, Vec<(String, Archived)>> {
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
                !waiting.has(&key)
            });
            drop(waiting);
            let named = |record: ResponseRecord| (record.id.clone(), archived(record));
            records.into_iter().map(named).collect()
        })
    }
}

/// Who writes answers down. Dropping it ends the work; [`ResponseKeeper::stop`] completes it first.
pub struct ResponseKeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for ResponseKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseKeeper")
    }
}

impl ResponseKeeper {
    /// Puts the control's database behind a memory. Answers are found for as long as its settings say.
    #[must_use]
    pub fn start(control: &Arc<Control>, memory: &Arc<dyn ResponseStore>) -> Self {
        let archive = Arc::new(Archive {
            store: control.store().clone(),
            waiting: Mutex::default(),
            news: Notify::new(),
            resting: AtomicI64::new(0),
            lost: AtomicU64::new(0),
            control: Arc::downgrade(control),
            looked: Mutex::default(),
        });
        memory.attach(Arc::<Archive>::clone(&archive));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(archive, Arc::downgrade(memory), stopped));
        Self { stop, task }
    }

    /// Writes down what is left and ends. Call it when no request is under way any more.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn keep(
    archive: Arc<Archive>,
    memory: Weak<dyn ResponseStore>,
    mut stopped: oneshot::Receiver<()>,
) {
    let work = async { tokio::join!(write(&archive), follow(&archive, &memory)) };
    // Whatever is let go of half way is written again.
    tokio::select! {
        _ = work => {}
        _ = &mut stopped => {
            if timeout(FAREWELL, archive.write()).await != Ok(true) {
                tracing::warn!("some answers were not written down before the end");
            }
        }
    }
}

/// Writes what comes, for good.
async fn write(archive: &Archive) {
    loop {
        if archive.write().await {
            archive.news.notified().await;
        } else {
            sleep(PAUSE).await;
        }
    }
}

/// Looks what other hubs have removed, as long as there is a memory.
async fn follow(archive: &Archive, memory: &Weak<dyn ResponseStore>) {
    let mut looked = now_ms();
    loop {
        sleep(LOOK).await;
        let Some(memory) = memory.upgrade() else {
            return;
        };
        let now = now_ms();
        if archive.follow(&*memory, looked - DELAY).await {
            looked = now;
        }
    }
}
