//! Vendor state for clients that drop what they do not know (Chat): call id to envelope.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bounded::{Bounded, Bounds};

/// Remembers envelopes by client key and call id.
pub trait StateStore: Send + Sync {
    /// Keeps an envelope.
    fn put(&self, scope: &Arc<str>, call_id: &str, envelope: String);
    /// Finds an envelope.
    fn get(&self, scope: &Arc<str>, call_id: &str) -> Option<String>;
}

/// Remembers in memory: a day, 100,000 envelopes, 64 MiB.
#[derive(Debug)]
pub struct StateMemory(Mutex<Bounded<Key, String>>);

/// Client key and call id.
type Key = (Arc<str>, Box<str>);

impl Default for StateMemory {
    fn default() -> Self {
        let bounds = Bounds {
            entries: 100_000,
            bytes: 64 << 20,
            age: Duration::from_secs(24 * 3_600),
        };
        Self(Mutex::new(Bounded::new(bounds)))
    }
}

impl StateStore for StateMemory {
    fn put(&self, scope: &Arc<str>, call_id: &str, envelope: String) {
        let bytes = envelope.len() + call_id.len() + 128;
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.put(
            (Arc::clone(scope), call_id.into()),
            envelope,
            bytes,
            Instant::now(),
        );
    }

    fn get(&self, scope: &Arc<str>, call_id: &str) -> Option<String> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&(Arc::clone(scope), call_id.into()), Instant::now())
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_does_not_see_another() {
        let store = StateMemory::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        store.put(&a, "call_1", "hub1.x".to_owned());
        assert_eq!(store.get(&a, "call_1").as_deref(), Some("hub1.x"));
        assert_eq!(store.get(&b, "call_1"), None);
        assert_eq!(store.get(&a, "call_2"), None);
    }
}
