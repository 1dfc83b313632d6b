//! Answers given to Responses clients, so that `previous_response_id` works whatever the upstream is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::bounded::{Bounded, Bounds};

/// An answer and what led to it.
#[derive(Debug)]
pub struct StoredResponse {
    /// The input items of the request and of everything before it, as a JSON list.
    pub input: Box<str>,
    /// The answer object, JSON.
    pub response: Box<str>,
    /// The provider that knows the answer's id itself, when it answered in this dialect.
    pub origin: Option<Arc<str>>,
}

impl StoredResponse {
    /// The output items, as a JSON list.
    #[must_use]
    pub fn output(&self) -> &str {
        translator::json::member(&self.response, "output").unwrap_or("[]")
    }
}

/// Remembers answers by client key and id.
pub trait ResponseStore: Send + Sync {
    /// Keeps an answer.
    fn put(&self, scope: &Arc<str>, id: &str, response: StoredResponse);
    /// Finds an answer.
    fn get(&self, scope: &Arc<str>, id: &str) -> Option<Arc<StoredResponse>>;
    /// Forgets an answer; says whether it was there.
    fn delete(&self, scope: &Arc<str>, id: &str) -> bool;
    /// Finds an output item by its id, raw JSON.
    fn item(&self, scope: &Arc<str>, item_id: &str) -> Option<String>;
}

/// Remembers in memory: 30 days, 20,000 answers, 256 MiB.
#[derive(Debug)]
pub struct ResponseMemory(Mutex<Bounded<Key, Arc<StoredResponse>>>);

/// Client key and answer id.
type Key = (Arc<str>, Box<str>);

impl Default for ResponseMemory {
    fn default() -> Self {
        let bounds = Bounds {
            entries: 20_000,
            bytes: 256 << 20,
            age: Duration::from_secs(30 * 24 * 3_600),
        };
        Self(Mutex::new(Bounded::new(bounds)))
    }
}

impl ResponseStore for ResponseMemory {
    fn put(&self, scope: &Arc<str>, id: &str, response: StoredResponse) {
        let bytes = response.input.len() + response.response.len() + 256;
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.put(
            (Arc::clone(scope), id.into()),
            Arc::new(response),
            bytes,
            Instant::now(),
        );
    }

    fn get(&self, scope: &Arc<str>, id: &str) -> Option<Arc<StoredResponse>> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&(Arc::clone(scope), id.into()), Instant::now())
            .cloned()
    }

    fn delete(&self, scope: &Arc<str>, id: &str) -> bool {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(&(Arc::clone(scope), id.into())).is_some()
    }

    fn item(&self, scope: &Arc<str>, item_id: &str) -> Option<String> {
        let mut needle = Vec::new();
        translator::json::escape_into(item_id, &mut needle);
        let own: Vec<Arc<StoredResponse>> = {
            let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            map.newest()
                .filter(|((owner, _), _)| owner == scope)
                .map(|(_, stored)| Arc::clone(stored))
                .collect()
        };
        own.iter().find_map(|stored| {
            memchr::memmem::find(stored.response.as_bytes(), &needle)?;
            translator::json::elements(stored.output())
                .find(|item| {
                    translator::json::member(item, "id").is_some_and(|id| id.as_bytes() == needle)
                })
                .map(str::to_owned)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_their_owner() {
        let store = ResponseMemory::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let response = StoredResponse {
            input: "[]".into(),
            response: r#"{"id":"resp_1","output":[{"id":"msg_1","type":"message"},{"id":"fc_1"}]}"#
                .into(),
            origin: None,
        };
        store.put(&a, "resp_1", response);
        assert_eq!(store.item(&a, "fc_1").as_deref(), Some(r#"{"id":"fc_1"}"#));
        assert_eq!(store.item(&b, "fc_1"), None);
        assert_eq!(store.item(&a, "resp_1"), None);
        assert!(store.get(&b, "resp_1").is_none() && !store.delete(&b, "resp_1"));
        assert!(store.delete(&a, "resp_1") && store.get(&a, "resp_1").is_none());
    }
}
