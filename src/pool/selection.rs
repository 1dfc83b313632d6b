//! What routing asks of the outside world when it has a choice: chance, turns, load and latency.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Gates, Latencies};
use crate::routing::Chooser;

/// Answers routing from the pools' own measurements.
#[derive(Debug)]
pub struct Selection {
    gates: Arc<Gates>,
    latencies: Arc<Latencies>,
    turns: RwLock<HashMap<Box<str>, AtomicU64>>,
}

impl Selection {
    /// Binds the measurements.
    #[must_use]
    pub fn new(gates: Arc<Gates>, latencies: Arc<Latencies>) -> Self {
        Self {
            gates,
            latencies,
            turns: RwLock::default(),
        }
    }
}

impl Chooser for Selection {
    fn random(&self, below: u64) -> u64 {
        if below == 0 {
            0
        } else {
            fastrand::u64(..below)
        }
    }

    fn next(&self, group: &str) -> u64 {
        if let Some(turn) = self
            .turns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(group)
        {
            return turn.fetch_add(1, Ordering::Relaxed);
        }
        let mut turns = self.turns.write().unwrap_or_else(PoisonError::into_inner);
        turns
            .entry(group.into())
            .or_default()
            .fetch_add(1, Ordering::Relaxed)
    }

    fn latency_ms(&self, provider: &str, model: &str) -> Option<f64> {
        self.latencies.get(provider, model)
    }

    fn busy(&self, provider: &str) -> u64 {
        self.gates.busy(provider)
    }
}
