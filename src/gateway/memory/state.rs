//! Vendor state for clients that drop what they do not know: call id to envelopes.
//!
//! Each envelope has a mark that says which conversation it belongs to; who looks compares it. Ids that several
//! conversations of one client key use are no danger for that reason.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use translator::recall::Mark;

use super::bounded::{Bounded, Bounds};

/// Conversations that use one call id at a time; of more the oldest are forgotten.
const PER_PLACE: usize = 8;

/// What state is kept with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'p> {
    /// A call, by its id.
    Call(&'p str),
    /// An answer that called nothing, by its mark.
    Answer(Mark),
}

/// Remembers envelopes by client key and place.
pub trait StateStore: Send + Sync {
    /// Keeps an envelope with its mark.
    fn put(&self, scope: &Arc<str>, place: Place<'_>, mark: Mark, envelope: String);
    /// Finds the envelopes of a place, with their marks, the newest first.
    fn get(&self, scope: &Arc<str>, place: Place<'_>) -> Vec<(Mark, String)>;
    /// Whether anything is kept with answers that called nothing.
    fn has_answers(&self, scope: &Arc<str>) -> bool;
}

/// Remembers in memory: a day, 100,000 places, 64 MiB.
#[derive(Debug)]
pub struct StateMemory(Mutex<Bounded<Key, Vec<(Mark, String)>>>);

/// Client key and place.
type Key = (Arc<str>, OwnedPlace);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum OwnedPlace {
    Call(Box<str>),
    Answer(Mark),
    /// There are answers.
    Answers,
}

impl From<Place<'_>> for OwnedPlace {
    fn from(place: Place<'_>) -> Self {
        match place {
            Place::Call(id) => Self::Call(id.into()),
            Place::Answer(mark) => Self::Answer(mark),
        }
    }
}

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
    fn put(&self, scope: &Arc<str>, place: Place<'_>, mark: Mark, envelope: String) {
        let now = Instant::now();
        let id = match place {
            Place::Call(id) => id.len(),
            Place::Answer(_) => 16,
        };
        let key = (Arc::clone(scope), place.into());
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut envelopes = map.remove(&key).unwrap_or_default();
        envelopes.retain(|(other, _)| *other != mark);
        envelopes.insert(0, (mark, envelope));
        envelopes.truncate(PER_PLACE);
        let bytes = envelopes
            .iter()
            .map(|(_, envelope)| envelope.len() + 32)
            .sum::<usize>();
        map.put(key, envelopes, bytes + id + 128, now);
        if matches!(place, Place::Answer(_)) {
            let key = (Arc::clone(scope), OwnedPlace::Answers);
            map.put(key, Vec::new(), 128, now);
        }
    }

    fn get(&self, scope: &Arc<str>, place: Place<'_>) -> Vec<(Mark, String)> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&(Arc::clone(scope), place.into()), Instant::now())
            .cloned()
            .unwrap_or_default()
    }

    fn has_answers(&self, scope: &Arc<str>) -> bool {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(scope), OwnedPlace::Answers);
        map.get(&key, Instant::now()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use translator::ir::Args;
    use translator::recall::Kept;

    use super::*;

    const CALL: Place<'_> = Place::Call("call_1");

    /// The mark of a call in a conversation.
    fn mark(conversation: u64) -> Mark {
        let args = Args::Text("{}".into());
        Kept::with_call("call_1".to_owned(), "f", &args, conversation, &[]).mark
    }

    #[test]
    fn one_tenant_does_not_see_another() {
        let store = StateMemory::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        store.put(&a, CALL, mark(1), "hub1.x".to_owned());
        assert_eq!(store.get(&a, CALL), [(mark(1), "hub1.x".to_owned())]);
        assert!(store.get(&b, CALL).is_empty());
        assert!(store.get(&a, Place::Call("call_2")).is_empty());
        assert!(!store.has_answers(&a));
        let answer = Place::Answer(mark(7));
        store.put(&a, answer, mark(7), "hub1.y".to_owned());
        assert!(store.has_answers(&a) && !store.has_answers(&b));
        assert_eq!(store.get(&a, answer), [(mark(7), "hub1.y".to_owned())]);
    }

    #[test]
    fn conversations_that_share_an_id_keep_their_own() {
        let store = StateMemory::default();
        let scope: Arc<str> = "a".into();
        for conversation in 0..10 {
            let envelope = format!("hub1.{conversation}");
            store.put(&scope, CALL, mark(conversation), envelope);
        }
        store.put(&scope, CALL, mark(5), "hub1.again".to_owned());
        let found = store.get(&scope, CALL);
        let marks: Vec<Mark> = found.iter().map(|(mark, _)| *mark).collect();
        assert_eq!(marks, [5, 9, 8, 7, 6, 4, 3, 2].map(mark));
        assert_eq!(found[0].1, "hub1.again");
    }
}
