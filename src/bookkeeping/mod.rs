//! Between the meters of client keys and the database: what was spent is written down behind the requests, and
//! what other hubs have spent is learned.
//!
//! No request waits for anything here. Amounts that cannot be written stay with the meters, which go on counting
//! with them, and are written when the database is back. A process that is killed loses what was settled since the
//! last round, one second at most; one that is stopped loses nothing: what the database does not take then waits in a
//! file for the next start.

mod waiting;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sea_orm::DbErr;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::pool::limits::{Due, Meters, Period};
use crate::store::spend::{self, Increment};
use crate::store::{Store, StoreError, is_id};

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// A round that takes longer is given up; its amounts are due again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end waits for the database, however much is left.
const FAREWELL: Duration = Duration::from_secs(5);
/// What one transaction adds.
const BATCH: usize = 1_000;

/// Who writes down what client keys spend. Dropping it ends the work; [`Bookkeeper::stop`] completes it first.
#[derive(Debug)]
pub struct Bookkeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Bookkeeper {
    /// Learns what was spent so far, takes up what [`leave`] has left in a folder, then begins to write down what is
    /// spent from now on.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn start(
        meters: Arc<Meters>,
        store: Store,
        folder: &Path,
    ) -> Result<Self, StoreError> {
        learn_all(&meters, &store).await?;
        meters.owe(&waiting::take_up(folder));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(meters, store, stopped));
        Ok(Self { stop, task })
    }

    /// Writes down what is left and ends. Call it when no request is under way any more, and then [`leave`].
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Leaves what the database did not take in a folder, for the next start. Call it when nobody writes any more.
pub fn leave(meters: &Meters, folder: &Path) {
    let due = meters.give_up();
    if due.is_empty() {
        return;
    }
    match waiting::leave(folder, &due) {
        Ok(path) => tracing::warn!(
            "what client keys spent last waits in {} for the next start",
            path.display()
        ),
        Err(error) => tracing::error!(%error, "what client keys spent last is lost"),
    }
}

async fn keep(meters: Arc<Meters>, store: Store, mut stopped: oneshot::Receiver<()>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_away = false;
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            _ = &mut stopped => return end(&meters, &store, Instant::now() + FAREWELL).await,
        }
        // Not let go of half way: then nobody would know whether its amounts have arrived.
        let mut work = pin!(round(&meters, &store));
        let ended = tokio::select! {
            ended = &mut work => ended,
            _ = &mut stopped => {
                let deadline = Instant::now() + FAREWELL;
                let _ = timeout_at(deadline, work).await;
                return end(&meters, &store, deadline).await;
            }
        };
        match ended {
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
    }
}

/// The last round.
async fn end(meters: &Meters, store: &Store, deadline: Instant) {
    match timeout_at(deadline, round(meters, store)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what client keys spent last is not written down"),
        Err(_) => tracing::warn!("what client keys spent last is not written down in time"),
    }
}

/// One round: writes, learns, notes uses.
///
/// # Errors
/// When the database is away.
pub async fn round(meters: &Meters, store: &Store) -> Result<(), StoreError> {
    let due = meters.collect();
    let mut first_error = Ok(());
    let mut parts = due.chunks(BATCH);
    for some in parts.by_ref() {
        let written = timeout(PATIENCE, write(meters, store, some)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => first_error = first_error.and(Err(error)),
            Err(_) => {
                // A database that hangs would make each of the others wait as long.
                meters.bounced(some);
                parts.for_each(|rest| meters.bounced(rest));
                return Err(slow());
            }
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
    timeout(PATIENCE, spend::note_uses(store, &uses))
        .await
        .map_err(|_| slow())?
}

fn slow() -> StoreError {
    StoreError::Database(DbErr::Custom("no answer in time".to_owned()))
}

async fn write(meters: &Meters, store: &Store, due: &[Due]) -> Result<(), StoreError> {
    let increments: Vec<_> = due.iter().map(Increment::from).collect();
    match spend::add(store, &increments).await {
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

impl From<&Due> for Increment {
    fn from(due: &Due) -> Self {
        Self {
            client_key_id: due.key.as_ref().to_owned(),
            period: due.period.to_string(),
            nano_usd: due.delta.nano_usd,
            tokens: due.delta.tokens,
            requests: due.delta.requests,
        }
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
