//! Recent latency per provider and model: a moving average that forgets within some ten answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Weight of the newest measurement.
const NEWEST: f64 = 0.2;
/// Names beyond this many per provider are not remembered: a caller can invent model names.
const MOST_MODELS: usize = 512;

type ByModel = HashMap<Arc<str>, Arc<AtomicU64>>;

/// Moving averages of the time to the first byte of an answer.
#[derive(Debug, Default)]
pub struct Latencies {
    averages: RwLock<HashMap<Arc<str>, ByModel>>,
}

impl Latencies {
    /// Takes a measurement in.
    pub fn record(&self, provider: &Arc<str>, model: &Arc<str>, took: Duration) {
        let millis = took.as_secs_f64() * 1000.0;
        {
            let averages = self.averages.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(cell) = averages.get(provider).and_then(|models| models.get(model)) {
                // A lost update under contention costs one measurement of many.
                let before = f64::from_bits(cell.load(Ordering::Relaxed));
                cell.store(
                    (before + NEWEST * (millis - before)).to_bits(),
                    Ordering::Relaxed,
                );
                return;
            }
        }
        let mut averages = self
            .averages
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let models = averages.entry(provider.clone()).or_default();
        if models.len() < MOST_MODELS {
            models.insert(model.clone(), Arc::new(AtomicU64::new(millis.to_bits())));
        }
    }

    /// All averages of a provider in milliseconds, by model.
    #[must_use]
    pub fn of_provider(&self, provider: &str) -> Vec<(String, f64)> {
        let averages = self.averages.read().unwrap_or_else(PoisonError::into_inner);
        let models = averages.get(provider).into_iter().flatten();
        models
            .map(|(model, cell)| {
                let average = f64::from_bits(cell.load(Ordering::Relaxed));
                (model.to_string(), average)
            })
            .collect()
    }

    /// The average in milliseconds; `None` when it was never measured.
    #[must_use]
    pub fn get(&self, provider: &str, model: &str) -> Option<f64> {
        let averages = self.averages.read().unwrap_or_else(PoisonError::into_inner);
        averages
            .get(provider)?
            .get(model)
            .map(|cell| f64::from_bits(cell.load(Ordering::Relaxed)))
    }
}
