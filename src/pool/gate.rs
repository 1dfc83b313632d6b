//! How many requests a provider has in flight, and the limit on them. A full provider refuses at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::snapshot::Provider;

/// The provider has as many requests in flight as it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The limit that was reached.
    pub limit: usize,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the provider already has {} requests in flight, its limit",
            self.limit
        )
    }
}

impl std::error::Error for Busy {}

/// The gates of all providers, by name.
#[derive(Debug, Default)]
pub struct Gates {
    gates: RwLock<HashMap<Arc<str>, Arc<AtomicUsize>>>,
}

impl Gates {
    /// Lets one request in.
    ///
    /// # Errors
    /// When the provider's `max_concurrency` is reached.
    pub fn enter(&self, provider: &Arc<Provider>) -> Result<GatePass, Busy> {
        let gate = self.gate(&provider.name);
        let before = gate.fetch_add(1, Ordering::Relaxed);
        // From here on the pass gives the place back, also when it is refused.
        let pass = GatePass { gate };
        match provider.max_concurrency {
            Some(limit) if before >= limit => Err(Busy { limit }),
            _ => Ok(pass),
        }
    }

    /// How many requests a provider has in flight.
    #[must_use]
    pub fn busy(&self, provider: &str) -> u64 {
        let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
        gates
            .get(provider)
            .map_or(0, |gate| gate.load(Ordering::Relaxed) as u64)
    }

    fn gate(&self, name: &Arc<str>) -> Arc<AtomicUsize> {
        if let Some(gate) = self
            .gates
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            return gate.clone();
        }
        self.gates
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.clone())
            .or_default()
            .clone()
    }
}

/// One request's place at a provider; given back on drop.
#[derive(Debug)]
pub struct GatePass {
    gate: Arc<AtomicUsize>,
}

impl Drop for GatePass {
    fn drop(&mut self) {
        self.gate.fetch_sub(1, Ordering::Relaxed);
    }
}
