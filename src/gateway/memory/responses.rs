//! Answers given to Responses clients, so that `previous_response_id` works whatever the upstream is.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::archive::ResponseArchive;
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
    /// Takes back what its archive has; it is not archived again.
    fn take_in(&self, scope: &Arc<str>, id: &str, response: Arc<StoredResponse>);
    /// Puts an archive behind it; the first one stays.
    fn attach(&self, archive: Arc<dyn ResponseArchive>);
    /// What outlives the process.
    fn archive(&self) -> Option<&dyn ResponseArchive>;
}

/// Remembers in memory: 30 days, 20,000 answers, 256 MiB.
pub struct ResponseMemory {
    map: Mutex<Bounded<Key, Arc<StoredResponse>>>,
    archive: OnceLock<Arc<dyn ResponseArchive>>,
}

impl std::fmt::Debug for ResponseMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseMemory")
            .field("archive", &self.archive.get().is_some())
            .finish_non_exhaustive()
    }
}

/// Client key and answer id.
type Key = (Arc<str>, Box<str>);

impl Default for ResponseMemory {
    fn default() -> Self {
        let bounds = Bounds {
            entries: 20_000,
            bytes: 256 << 20,
            age: Duration::from_secs(30 * 24 * 3_600),
        };
        Self {
            map: Mutex::new(Bounded::new(bounds)),
            archive: OnceLock::new(),
        }
    }
}

impl ResponseStore for ResponseMemory {
    fn put(&self, scope: &Arc<str>, id: &str, response: StoredResponse) {
        let response = Arc::new(response);
        if let Some(archive) = self.archive.get() {
            archive.put(scope, id, &response);
        }
        self.take_in(scope, id, response);
    }

    fn take_in(&self, scope: &Arc<str>, id: &str, response: Arc<StoredResponse>) {
        let bytes = response.input.len() + response.response.len() + 256;
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(scope), id.into());
        map.put(key, response, bytes, Instant::now());
    }

    fn attach(&self, archive: Arc<dyn ResponseArchive>) {
        let _ = self.archive.set(archive);
    }

    fn archive(&self) -> Option<&dyn ResponseArchive> {
        self.archive.get().map(|archive| &**archive)
    }

    fn get(&self, scope: &Arc<str>, id: &str) -> Option<Arc<StoredResponse>> {
        let map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&(Arc::clone(scope), id.into()), Instant::now())
            .cloned()
    }

    fn delete(&self, scope: &Arc<str>, id: &str) -> bool {
        if let Some(archive) = self.archive.get() {
            archive.delete(scope, id);
        }
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(&(Arc::clone(scope), id.into())).is_some()
    }

    fn item(&self, scope: &Arc<str>, item_id: &str) -> Option<String> {
        let mut needle = Vec::new();
        translator::json::escape_into(item_id, &mut needle);
        let own: Vec<Arc<StoredResponse>> = {
            let map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
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
