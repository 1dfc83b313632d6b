//! Leave to call a target: its gate, its breaker, a key. Given back when the call is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::{BreakerPass, GatePass, KeyIndex, KeyLease, KeyOutcome, PoolExhausted};
use crate::routing::PlannedTarget;
use crate::snapshot::Snapshot;

use super::hub::Hub;

/// Why a target may not be called now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It has enough to do.
    #[error("{0}")]
    Busy(#[from] crate::pool::Busy),
    /// It has failed too often.
    #[error("the breaker is open for another {} s", .0.as_secs().max(1))]
    Open(Duration),
    /// There is no key for it.
    #[error("{0}")]
    NoKey(#[from] PoolExhausted),
}

impl Refused {
    /// When to come back.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(_) => Some(Duration::from_secs(1)),
            Self::Open(wait) => Some(*wait),
            Self::NoKey(exhausted) => exhausted.retry_after,
        }
    }
}

/// A place at a target, kept for all tries at it.
#[derive(Debug)]
pub(super) struct Place {
    _gate: GatePass,
}

impl Place {
    pub(super) fn take(hub: &Hub, target: &PlannedTarget) -> Result<Self, Refused> {
        Ok(Self {
            _gate: hub.gates.enter(&target.provider)?,
        })
    }
}

/// Leave for one call.
#[derive(Debug)]
pub(super) struct Leave {
    breaker: Option<BreakerPass>,
    lease: Option<KeyLease>,
}

impl Leave {
    /// Asks for leave; keys in `tried` are passed over.
    pub(super) fn ask(
        hub: &Hub,
        snapshot: &Snapshot,
        target: &PlannedTarget,
        tried: &[KeyIndex],
    ) -> Result<Self, Refused> {
        let now = Instant::now();
        // The key first: a probe of a half-open breaker must not be spent on a call that cannot be made.
        let lease = hub.pools.lease(&target.pool, &target.model, now, tried)?;
        let breaker = hub
            .breakers
            .admit(&target.provider.name, &target.model, snapshot.breaker, now)
            .map_err(Refused::Open)?;
        Ok(Self {
            breaker: Some(breaker),
            lease: Some(lease),
        })
    }

    /// The key.
    pub(super) const fn lease(&self) -> Option<&KeyLease> {
        self.lease.as_ref()
    }

    /// The target works: the breaker closes, the key stays taken until the end of the answer.
    pub(super) fn works(&mut self, now: Instant) {
        if let Some(breaker) = self.breaker.take() {
            breaker.success(now);
        }
    }

    /// The call is over.
    pub(super) fn settle(&mut self, outcome: KeyOutcome, healthy: Health) {
        let now = Instant::now();
        if let Some(lease) = self.lease.take() {
            lease.settle(outcome, now);
        }
        if let Some(breaker) = self.breaker.take() {
            match healthy {
                Health::Well => breaker.success(now),
                Health::Ill => breaker.failure(now),
                Health::Unknown => {}
            }
        }
    }
}

/// What a call says about its target, as distinct from its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered.
    Well,
    /// It failed.
    Ill,
    /// Neither.
    Unknown,
}

/// Everything that is given back at the end of an answer.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) leave: Leave,
    pub(super) _place: Arc<Place>,
}
