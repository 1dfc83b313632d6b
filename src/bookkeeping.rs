//! Between the meters of client keys and the database: what was spent is written down behind the requests, and
//! what other hubs have spent is learned.
//!
//! No request waits for anything here. Amounts that cannot be written stay with the meters, which go on counting
//! with them, and are written when the database is back. A process that is killed loses what was settled since the
//! last round, one second at most; one that is stopped loses nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sea_orm::DbErr;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::pool::limits::{Due, Meters, Period};
use crate::store::spend::{self, Increment};
use crate::store::{Store, StoreError, is_id};

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// A round that takes longer is given up; its amounts are due again.
const PATIENCE: Duration = Duration::from_secs(10);
/// What one transaction adds.
const BATCH: usize = 1_000;

/// Who writes down what client keys spend. Dropping it ends the work; [`Bookkeeper::stop`] completes it first.
#[derive(Debug)]
pub struct Bookkeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Bookkeeper {
    /// Learns what was spent so far, then begins to write down what is spent from now on.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn start(meters: Arc<Meters>, store: Store) -> Result<Self, StoreError> {
        learn_all(&meters, &store).await?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(meters, store, stopped));
        Ok(Self { stop, task })
    }

    /// Writes down what is left and ends. Call it when no request is under way any more.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn keep(meters: Arc<Meters>, store: Store, mut stopped: oneshot::Receiver<()>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_away = false;
    loop {
        let is_last = tokio::select! {
            _ = rounds.tick() => false,
            _ = &mut stopped => true,
        };
        match round(&meters, &store).await {
            Ok(()) if is_away => {
                tracing::info!("what client keys spend is written down again");
                is_away = false;
            }
            Ok(()) => {}
            Err(error) if is_away => tracing::debug!(%error, "spending is still not written down"),
            Err(error) => {
                tracing::warn!(%error, "what client keys spend cannot be written down; it is kept in memory");
                is_away = true;
            }
        }
        if is_last {
            return;
        }
    }
}

/// One round: writes, learns, notes uses.
///
/// # Errors
/// When the database is away.
pub async fn round(meters: &Meters, store: &Store) -> Result<(), StoreError> {
    let due = meters.collect();
    let mut first_error = Ok(());
    for some in due.chunks(BATCH) {
        match write(meters, store, some).await {
            Ok(()) => {}
            Err(error) => first_error = first_error.and(Err(error)),
        }
    }
    first_error?;
    let uses: Vec<_> = meters
        .uses()
        .into_iter()
        .filter(|(key, _)| is_id(key))
        .map(|(key, at)| (key.as_ref().to_owned(), at))
        .collect();
    if uses.is_empty() {
        return Ok(());
    }
    spend::note_uses(store, &uses).await
}

async fn write(meters: &Meters, store: &Store, due: &[Due]) -> Result<(), StoreError> {
    let increments: Vec<_> = due.iter().map(increment).collect();
    let slow = || StoreError::Database(DbErr::Custom("no answer in time".to_owned()));
    let written = timeout(PATIENCE, spend::add(store, &increments)).await;
    match written.unwrap_or_else(|_| Err(slow())) {
        Ok(()) => meters.arrived(due),
        Err(error) => {
            meters.bounced(due);
            return Err(error);
        }
    }
    let keys: HashMap<&str, &Arc<str>> = due.iter().map(|due| (&*due.key, &due.key)).collect();
    let names = keys.keys().map(|key| (*key).to_owned()).collect();
    let periods: BTreeSet<String> = due.iter().map(|due| due.period.to_string()).collect();
    for row in spend::of_keys(store, &names, &periods).await? {
        if let (Some(key), Some(period)) =
            (keys.get(&*row.client_key_id), Period::parse(&row.period))
        {
            meters.learn(key, period, row.nano_usd);
        }
    }
    Ok(())
}

fn increment(due: &Due) -> Increment {
    Increment {
        client_key_id: due.key.as_ref().to_owned(),
        period: due.period.to_string(),
        nano_usd: due.delta.nano_usd,
        tokens: due.delta.tokens,
        requests: due.delta.requests,
    }
}

/// What was spent today and this month.
async fn learn_all(meters: &Meters, store: &Store) -> Result<(), StoreError> {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let periods = [Period::day(now_ms), Period::month(now_ms)].map(|period| period.to_string());
    for row in spend::of_periods(store, &periods).await? {
        if let Some(period) = Period::parse(&row.period) {
            meters.learn(&row.client_key_id.into(), period, row.nano_usd);
        }
    }
    Ok(())
}
