//! Everything that requests share.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use super::allowance::wall_ms;
use super::background::Background;
use super::memory::{ResponseMemory, ResponseStore, StateMemory, StateStore};
use super::retry::RetryBudget;
use super::talk::History;
use super::tuning::Tuning;
use crate::ledger::{Ledger, Outlets};
use crate::pool::limits::Meters;
use crate::pool::news::Subject;
use crate::pool::{Breakers, Gates, Latencies, Pools, Resets, Selection};
use crate::snapshot::SnapshotStore;
use crate::telemetry::Metrics;
use crate::upstream::Client;

/// Everything that requests share.
pub struct Hub {
    /// The configuration in force.
    pub snapshots: Arc<SnapshotStore>,
    /// Provider keys.
    pub pools: Arc<Pools>,
    /// Circuit breakers.
    pub breakers: Arc<Breakers>,
    /// What people have reset lately.
    pub resets: Resets,
    /// Concurrency per provider.
    pub gates: Arc<Gates>,
    /// What each client key uses.
    pub meters: Arc<Meters>,
    /// Recent latencies.
    pub latencies: Arc<Latencies>,
    /// What routing asks when it has a choice.
    pub selection: Selection,
    /// The way out.
    pub client: Client,
    /// The request log.
    pub ledger: Ledger,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Answers that Responses clients may refer to.
    pub responses: Arc<dyn ResponseStore>,
    /// Vendor state for clients that drop it.
    pub states: Arc<dyn StateStore>,
    /// Whose conversations are kept.
    pub history: History,
    /// Times and sizes.
    pub tuning: Tuning,
    pub(super) retries: RetryBudget,
    pub(super) background: Background,
    /// When a hub that is about to stop gives up what still goes on.
    stop_at: OnceLock<Instant>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("tuning", &self.tuning)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub that serves from `snapshots` and logs to `log`.
    ///
    /// # Errors
    /// When the writer of the request log cannot be started.
    pub fn new(
        snapshots: Arc<SnapshotStore>,
        log: impl Into<Outlets>,
        tuning: Tuning,
    ) -> std::io::Result<Self> {
        let gates = Arc::new(Gates::default());
        let latencies = Arc::new(Latencies::default());
        let metrics = Arc::new(Metrics::default());
        let observed = Arc::clone(&metrics);
        Ok(Self {
            snapshots,
            pools: Arc::new(Pools::new(Instant::now(), SystemTime::now())),
            breakers: Arc::new(Breakers::default()),
            resets: Resets::default(),
            selection: Selection::new(Arc::clone(&gates), Arc::clone(&latencies)),
            gates,
            meters: Arc::new(Meters::new(Instant::now())),
            latencies,
            client: Client::default(),
            ledger: Ledger::start(log, move |record| observed.observe(record))?,
            metrics,
            responses: Arc::new(ResponseMemory::default()),
            states: Arc::new(StateMemory::default()),
            history: History::default(),
            tuning,
            retries: RetryBudget::default(),
            background: Background::default(),
            stop_at: OnceLock::new(),
        })
    }

    /// Makes known what the snapshot in force says of things that outlive it: key pools, client keys, captures.
    pub fn adopt(&self) {
        let snapshot = self.snapshots.load_full();
        self.pools.adopt(snapshot.pools());
        let known: HashSet<&str> = snapshot.client_keys.iter().map(|key| &*key.id).collect();
        self.meters.retain(wall_ms(), |id| known.contains(id));
        self.ledger.set_capture_mode(snapshot.capture);
    }

    /// Ends cool-down and quarantine of one key of a pool, or of all, in this hub and those it shares with; says how
    /// many keys it touched here.
    pub fn reset_keys(&self, pool: &str, key: Option<&str>) -> usize {
        let touched = self.pools.reset(pool, key);
        let (pool, key) = (pool.to_owned(), key.map(ToOwned::to_owned));
        self.resets
            .note(Subject::Keys { pool, key }, Instant::now());
        touched
    }

    /// Closes the breakers of a provider, or of one of its models, in this hub and those it shares with; says how
    /// many it touched here.
    pub fn reset_breakers(&self, provider: &str, model: Option<&str>) -> usize {
        let touched = self.breakers.reset(provider, model);
        let (provider, model) = (provider.to_owned(), model.map(ToOwned::to_owned));
        self.resets
            .note(Subject::Breakers { provider, model }, Instant::now());
        touched
    }

    /// From now on `/health/ready` says no, so that load balancers go elsewhere. Streams that go on after the grace
    /// are told so, and have the last twentieth of it to say it to their clients.
    pub fn begin_stop(&self, grace: Duration) {
        let _ = self.stop_at.set(Instant::now() + grace - grace / 20);
    }

    /// True after [`Hub::begin_stop`].
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop_at.get().is_some()
    }

    /// How long a stream may still go on; nothing when the hub is not about to stop.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let stop_at = self.stop_at.get()?;
        Some(stop_at.saturating_duration_since(Instant::now()))
    }
}
