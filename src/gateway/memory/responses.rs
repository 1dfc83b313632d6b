//! Answers given to Responses clients, so that `previous_response_id` works whatever the upstream is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::archive::{Archived, ResponseArchive};
use super::bounded::{Bounded, Bounds};
use crate::gateway::allowance::wall_ms;

/// For how long an answer that was forgotten is not taken back: longer than any archive takes to find one.
const FORGOTTEN: Duration = Duration::from_secs(30);

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
    /// Takes back what its archive has found, unless it was forgotten meanwhile; it is not archived again.
    fn take_in(&self, scope: &Arc<str>, id: &str, found: Archived);
    /// The client keys and ids of all answers.
    fn known(&self) -> Vec<(Arc<str>, Box<str>)>;
    /// Forgets an answer that its archive has forgotten.
    fn forget(&self, scope: &Arc<str>, id: &str);
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

/// An answer, and when it was given, in milliseconds since 1970.
struct Remembered {
    response: Arc<StoredResponse>,
    at_ms: i64,
}

struct Memory {
    answers: Bounded<Key, Remembered>,
    /// What was forgotten a moment ago: what an archive finds of it was read before.
    forgotten: Bounded<Key, ()>,
    /// In which answer an item is, so that nobody reads through all of them for one.
    items: HashMap<Key, Box<str>>,
}

impl Memory {
    fn new(bounds: Bounds) -> Self {
        Self {
            answers: Bounded::new(bounds),
            forgotten: Bounded::new(Bounds {
                age: FORGOTTEN,
                ..bounds
            }),
            items: HashMap::new(),
        }
    }

    fn put(&mut self, scope: &Arc<str>, id: &str, response: Arc<StoredResponse>, at_ms: i64) {
        let bytes = response.input.len() + response.response.len() + 256;
        let key: Key = (Arc::clone(scope), id.into());
        let kept = Arc::clone(&response);
        let remembered = Remembered { response, at_ms };
        for (key, gone) in self.answers.put(key, remembered, bytes, Instant::now()) {
            self.forget_items(&key, &gone.response);
        }
        if self.get(scope, id, i64::MIN).is_some() {
            for (item, _) in kept.items() {
                self.items
                    .insert((Arc::clone(scope), item.into()), id.into());
            }
        }
    }

    /// An answer that is not older than this.
    fn get(&self, scope: &Arc<str>, id: &str, since: i64) -> Option<&Arc<StoredResponse>> {
        let key = (Arc::clone(scope), id.into());
        let found = self.answers.get(&key, Instant::now())?;
        (found.at_ms >= since).then_some(&found.response)
    }

    fn remove(&mut self, scope: &Arc<str>, id: &str) -> Option<Remembered> {
        let key: Key = (Arc::clone(scope), id.into());
        let gone = self.answers.remove(&key);
        if let Some(gone) = &gone {
            self.forget_items(&key, &gone.response);
        }
        let bytes = id.len() + 256;
        self.forgotten.put(key, (), bytes, Instant::now());
        gone
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
            memory: Mutex::new(Memory::new(bounds)),
            archive: OnceLock::new(),
        }
    }
}

impl ResponseMemory {
    /// Since when answers are found.
    fn since(&self) -> i64 {
        self.archive
            .get()
            .map_or(i64::MIN, |archive| archive.since())
    }

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
        let mut memory = self.memory();
        // Given anew.
        memory.forgotten.remove(&(Arc::clone(scope), id.into()));
        memory.put(scope, id, response, wall_ms());
    }

    fn take_in(&self, scope: &Arc<str>, id: &str, found: Archived) {
        let key: Key = (Arc::clone(scope), id.into());
        let mut memory = self.memory();
        if memory.forgotten.get(&key, Instant::now()).is_none() {
            memory.put(scope, id, Arc::new(found.response), found.at_ms);
        }
    }

    fn known(&self) -> Vec<(Arc<str>, Box<str>)> {
        self.memory().answers.keys().cloned().collect()
    }

    fn forget(&self, scope: &Arc<str>, id: &str) {
        self.memory().remove(scope, id);
    }

    fn attach(&self, archive: Arc<dyn ResponseArchive>) {
        let _ = self.archive.set(archive);
    }

    fn archive(&self) -> Option<&dyn ResponseArchive> {
        self.archive.get().map(|archive| &**archive)
    }

    fn get(&self, scope: &Arc<str>, id: &str) -> Option<Arc<StoredResponse>> {
        let since = self.since();
        self.memory().get(scope, id, since).cloned()
    }

    fn delete(&self, scope: &Arc<str>, id: &str) -> bool {
        if let Some(archive) = self.archive.get() {
            archive.delete(scope, id);
        }
        let since = self.since();
        let gone = self.memory().remove(scope, id);
        gone.is_some_and(|gone| gone.at_ms >= since)
    }

    fn item(&self, scope: &Arc<str>, item_id: &str) -> Option<String> {
        let mut raw = Vec::new();
        translator::json::escape_into(item_id, &mut raw);
        let raw = String::from_utf8(raw).ok()?;
        let since = self.since();
        let answer = {
            let memory = self.memory();
            let id = memory
                .items
                .get(&(Arc::clone(scope), raw.as_str().into()))?;
            Arc::clone(memory.get(scope, id, since)?)
        };
        let mut items = answer.items();
        items.find_map(|(id, item)| (id == raw).then(|| item.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::archive::{Later, fetch};
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
        let mut memory = Memory::new(bounds);
        let scope: Arc<str> = "a".into();
        for number in 0..5 {
            let response = format!(r#"{{"output":[{{"id":"item_{number}"}},{{"id":"same"}}]}}"#);
            let response = StoredResponse {
                input: "[]".into(),
                response: response.into(),
                origin: None,
            };
            memory.put(&scope, &format!("resp_{number}"), Arc::new(response), 0);
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
        for id in ["resp_4", "resp_3"] {
            assert!(memory.remove(&scope, id).is_some(), "{id}");
        }
        assert!(memory.items.is_empty());
    }

    /// An archive that has every answer, given in 1970, and finds it when it is told to.
    struct Shelf {
        since: i64,
        told: tokio::sync::Notify,
    }

    impl ResponseArchive for Shelf {
        fn put(&self, _: &Arc<str>, _: &str, _: &Arc<StoredResponse>) {}

        fn delete(&self, _: &Arc<str>, _: &str) {}

        fn since(&self) -> i64 {
            self.since
        }

        fn get<'a>(&'a self, _: &'a Arc<str>, _: &'a str) -> Later<'a, Option<Archived>> {
            Box::pin(async {
                self.told.notified().await;
                let response = StoredResponse {
                    input: "[]".into(),
                    response: r#"{"output":[]}"#.into(),
                    origin: None,
                };
                Some(Archived { response, at_ms: 5 })
            })
        }

        fn newest<'a>(&'a self, _: &'a Arc<str>) -> Later<'a, Vec<(String, Archived)>> {
            Box::pin(async { Vec::new() })
        }
    }

    fn shelf(since: i64) -> (ResponseMemory, Arc<Shelf>, Arc<str>) {
        let told = tokio::sync::Notify::new();
        let shelf = Arc::new(Shelf { since, told });
        let store = ResponseMemory::default();
        store.attach(Arc::<Shelf>::clone(&shelf));
        (store, shelf, "a".into())
    }

    #[tokio::test]
    async fn what_is_removed_while_it_is_looked_for_stays_so() {
        let (store, shelf, scope) = shelf(0);
        for (id, is_removed) in [("resp_1", false), ("resp_2", true)] {
            tokio::join!(fetch(&store, &scope, id), async {
                tokio::task::yield_now().await;
                if is_removed {
                    store.delete(&scope, id);
                }
                shelf.told.notify_one();
            });
            assert_eq!(store.get(&scope, id).is_none(), is_removed, "{id}");
        }
    }

    #[tokio::test]
    async fn no_answer_is_older_than_its_archive_allows() {
        for (since, is_found) in [(5, true), (6, false)] {
            let (store, shelf, scope) = shelf(since);
            shelf.told.notify_one();
            fetch(&store, &scope, "resp_1").await;
            assert_eq!(store.get(&scope, "resp_1").is_some(), is_found, "{since}");
            assert_eq!(store.delete(&scope, "resp_1"), is_found, "{since}");
        }
    }
}
