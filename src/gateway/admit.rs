//! Leave to call a target: its gate, its breaker, a key. Given back when the call is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};

use crate::pool::{BreakerPass, GatePass, KeyIndex, KeyLease, KeyOutcome, PoolExhausted};
use crate::routing::PlannedTarget;
use crate::snapshot::Snapshot;

use super::hub::Hub;

/// A credential header.
pub(super) type Credential<'c> = (&'c HeaderName, &'c HeaderValue);

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

/// Leave for one try: a single call, or one for each alternative that is asked for by itself.
#[derive(Debug)]
pub(super) struct Leave {
    breaker: Option<BreakerPass>,
    /// A key for each call.
    leases: Vec<KeyLease>,
    /// Places for the calls beside the first, which has that of the request.
    _places: Vec<Place>,
}

impl Leave {
    /// Asks for leave for one call; keys in `tried` are passed over.
    pub(super) fn ask(
        hub: &Hub,
        snapshot: &Snapshot,
        target: &PlannedTarget,
        tried: &[KeyIndex],
    ) -> Result<Self, Refused> {
        Self::ask_for(1, hub, snapshot, target, tried)
    }

    /// Asks for leave for several calls at once. The breaker takes them for one: they fail together.
    pub(super) fn ask_for(
        calls: usize,
        hub: &Hub,
        snapshot: &Snapshot,
        target: &PlannedTarget,
        tried: &[KeyIndex],
    ) -> Result<Self, Refused> {
        let now = Instant::now();
        // The keys first: a probe of a half-open breaker must not be spent on a call that cannot be made.
        let mut leases = Vec::with_capacity(calls);
        for _ in 0..calls {
            leases.push(hub.pools.lease(&target.pool, &target.model, now, tried)?);
        }
        let places = (1..calls)
            .map(|_| Place::take(hub, target))
            .collect::<Result<_, _>>()?;
        let breaker = hub
            .breakers
            .admit(&target.provider.name, &target.model, snapshot.breaker, now)
            .map_err(Refused::Open)?;
        Ok(Self {
            breaker: Some(breaker),
            leases,
            _places: places,
        })
    }

    /// The key of the first call.
    pub(super) fn lease(&self) -> Option<&KeyLease> {
        self.leases.first()
    }

    /// The key of a call.
    pub(super) fn lease_of(&self, call: usize) -> Option<&KeyLease> {
        self.leases.get(call)
    }

    /// The credential header of a call.
    pub(super) fn credential(&self, call: usize) -> Option<Credential<'_>> {
        self.leases.get(call).and_then(KeyLease::header)
    }

    /// There is content; whether the target is well shows at the end of the answer.
    pub(super) fn answering(&mut self) {
        if let Some(breaker) = &mut self.breaker {
            breaker.answering();
        }
    }

    /// One of the calls has failed, and the others were given up for it: they say nothing about their keys.
    pub(super) fn blame(&mut self, call: usize, outcome: KeyOutcome, healthy: Health) {
        let lease = (call < self.leases.len()).then(|| self.leases.swap_remove(call));
        self.leases.clear();
        self.leases.extend(lease);
        self.settle(outcome, healthy);
    }

    /// The calls are over.
    pub(super) fn settle(&mut self, outcome: KeyOutcome, healthy: Health) {
        let now = Instant::now();
        for lease in self.leases.drain(..) {
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
