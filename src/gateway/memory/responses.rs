//! Answers given to Responses clients, so that `previous_response_id` works whatever the upstream is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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

    /// The output items with their ids, both raw JSON.
    fn items(&self) -> impl Iterator<Item = (&str, &str)> {
        translator::json::elements(self.output())
            .filter_map(|item| Some((translator::json::member(item, "id")?, item)))
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
    memory: Mutex<Memory>,
    archive: OnceLock<Arc<dyn ResponseArchive>>,
}

impl std::fmt::Debug for ResponseMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseMemory")
            .field("archive", &self.archive.get().is_some())
            .finish_non_exhaustive()
    }
}

/// Client key and answer id, or client key and an item's id as it stands in the answer.
type Key = (Arc<str>, Box<str>);

struct Memory {
    answers: Bounded<Key, Arc<StoredResponse>>,
    /// In which answer an item is, so that nobody reads through all of them for one.
    items: HashMap<Key, Box<str>>,
}

impl Memory {
    fn put(&mut self, scope: &Arc<str>, id: &str, response: Arc<StoredResponse>) {
        let bytes = response.input.len() + response.response.len() + 256;
        let key: Key = (Arc::clone(scope), id.into());
        let kept = Arc::clone(&response);
        for (key, gone) in self.answers.put(key, response, bytes, Instant::now()) {
            self.forget_items(&key, &gone);
        }
        if self.get(scope, id).is_some() {
            for (item, _) in kept.items() {
                self.items
                    .insert((Arc::clone(scope), item.into()), id.into());
            }
        }
    }

    fn get(&self, scope: &Arc<str>, id: &str) -> Option<&Arc<StoredResponse>> {
        self.answers
            .get(&(Arc::clone(scope), id.into()), Instant::now())
    }

    fn remove(&mut self, scope: &Arc<str>, id: &str) -> bool {
        let key: Key = (Arc::clone(scope), id.into());
        let gone = self.answers.remove(&key);
        if let Some(gone) = &gone {
            self.forget_items(&key, gone);
        }
        gone.is_some()
    }

    /// Leaves those alone that a later answer has as well.
    fn forget_items(&mut self, (scope, id): &Key, gone: &StoredResponse) {
        for (item, _) in gone.items() {
            let key: Key = (Arc::clone(scope), item.into());
            if self.items.get(&key) == Some(id) {
                self.items.remove(&key);
            }
        }
    }
}

impl Default for ResponseMemory {
    fn default() -> Self {
        let bounds = Bounds {
            entries: 20_000,
            bytes: 256 << 20,
            age: Duration::from_secs(30 * 24 * 3_600),
        };
        Self {
            memory: Mutex::new(Memory {
                answers: Bounded::new(bounds),
                items: HashMap::new(),
            }),
            archive: OnceLock::new(),
        }
    }
}

impl ResponseMemory {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.memory().put(scope, id, response);
    }

    fn attach(&self, archive: Arc<dyn ResponseArchive>) {
        let _ = self.archive.set(archive);
    }

    fn archive(&self) -> Option<&dyn ResponseArchive> {
        self.archive.get().map(|archive| &**archive)
    }

    fn get(&self, scope: &Arc<str>, id: &str) -> Option<Arc<StoredResponse>> {
        self.memory().get(scope, id).cloned()
    }

    fn delete(&self, scope: &Arc<str>, id: &str) -> bool {
        if let Some(archive) = self.archive.get() {
            archive.delete(scope, id);
        }
        self.memory().remove(scope, id)
    }

    fn item(&self, scope: &Arc<str>, item_id: &str) -> Option<String> {
        let mut raw = Vec::new();
        translator::json::escape_into(item_id, &mut raw);
        let raw = String::from_utf8(raw).ok()?;
        let answer = {
            let memory = self.memory();
            let id = memory
                .items
                .get(&(Arc::clone(scope), raw.as_str().into()))?;
            Arc::clone(memory.get(scope, id)?)
        };
        let mut items = answer.items();
        items.find_map(|(id, item)| (id == raw).then(|| item.to_owned()))
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
        assert_eq!(store.item(&a, "fc_1"), None);
    }

    #[test]
    fn items_go_with_their_answers() {
        let bounds = Bounds {
            entries: 2,
            bytes: 1 << 20,
            age: Duration::from_secs(60),
        };
        let mut memory = Memory {
            answers: Bounded::new(bounds),
            items: HashMap::new(),
        };
        let scope: Arc<str> = "a".into();
        for number in 0..5 {
            let response = format!(r#"{{"output":[{{"id":"item_{number}"}},{{"id":"same"}}]}}"#);
            let response = StoredResponse {
                input: "[]".into(),
                response: response.into(),
                origin: None,
            };
            memory.put(&scope, &format!("resp_{number}"), Arc::new(response));
        }
        let mut known: Vec<_> = memory.items.iter().collect();
        known.sort();
        let known: Vec<(&str, &str)> = known
            .into_iter()
            .map(|((_, item), answer)| (&**item, &**answer))
            .collect();
        let item = |number: u8| format!("\"item_{number}\"");
        assert_eq!(
            known,
            [
                (item(3).as_str(), "resp_3"),
                (item(4).as_str(), "resp_4"),
                ("\"same\"", "resp_4")
            ]
        );
        assert!(memory.remove(&scope, "resp_4") && memory.remove(&scope, "resp_3"));
        assert!(memory.items.is_empty());
    }
}
