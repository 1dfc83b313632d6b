//! What is held for a request in flight. Settled once, or given back whole when it is dropped.

use std::sync::Arc;
use std::time::Instant;

use super::meter::Meter;
use super::period::Period;

/// What a request has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Tokens, input and output.
    pub tokens: u64,
    /// Billionths of a US dollar; absent where the price is not known.
    pub nano_usd: Option<i64>,
}

/// What is taken out of the limits meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) tokens: u64,
    pub(super) nano_usd: i64,
    pub(super) day: Period,
    pub(super) month: Period,
}

/// A request's place in all limits of its client key.
#[derive(Debug)]
pub struct Reservation {
    /// `None` once it is settled.
    meter: Option<Arc<Meter>>,
    hold: Hold,
}

impl Reservation {
    pub(super) const fn new(meter: Arc<Meter>, hold: Hold) -> Self {
        Self {
            meter: Some(meter),
            hold,
        }
    }

    /// The request is over: what it has used takes the place of what was held for it.
    pub fn settle(mut self, spend: Spend, now: Instant) {
        if let Some(meter) = self.meter.take() {
            meter.release(&self.hold, Some((spend, now)));
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(meter) = self.meter.take() {
            meter.release(&self.hold, None);
        }
    }
}
