//! What waits to be written, bounded: one wish for an answer, its last. It never asks a database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::gateway::StoredResponse;

/// What may wait: so many to be kept and as many to be forgotten, and so much room.
const MOST: usize = 10_000;
const LARGEST: usize = 64 << 20;

/// Client key and answer id.
pub(super) type Key = (Arc<str>, Box<str>);

/// What is to become of an answer; `None` is to be forgotten.
pub(super) type Wish = Option<Arc<StoredResponse>>;

/// What waits to be written, the oldest first: one wish for an answer, its last.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// What is to be kept.
    kept: BTreeMap<u64, (Key, Arc<StoredResponse>)>,
    /// What is to be forgotten.
    forgotten: BTreeMap<u64, Key>,
    places: HashMap<Key, u64>,
    /// Room that those take which are to be kept.
    bytes: usize,
    serial: u64,
}

fn size(response: &StoredResponse) -> usize {
    response.input.len() + response.response.len() + 256
}

impl Waiting {
    /// Puts a wish in the place of the one before.
    pub(super) fn wish(&mut self, key: Key, wish: Wish) {
        self.serial += 1;
        if let Some(before) = self.places.insert(key.clone(), self.serial) {
            self.take(before);
        }
        match wish {
            Some(response) => {
                self.bytes += size(&response);
                self.kept.insert(self.serial, (key, response));
            }
            None => drop(self.forgotten.insert(self.serial, key)),
        }
    }

    /// What is wished for an answer, where something is.
    pub(super) fn of(&self, key: &Key) -> Option<Wish> {
        let serial = self.places.get(key)?;
        Some(
            self.kept
                .get(serial)
                .map(|(_, response)| Arc::clone(response)),
        )
    }

    /// Whether something is wished for an answer.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    /// Lets go of the oldest while there is too much; says how many.
    pub(super) fn shrink(&mut self) -> u64 {
        let mut gone = 0;
        while self.kept.len() > MOST || self.bytes > LARGEST {
            let Some(serial) = self.kept.keys().next().copied() else {
                break;
            };
            self.done(serial);
            gone += 1;
        }
        while self.forgotten.len() > MOST {
            let Some(serial) = self.forgotten.keys().next().copied() else {
                break;
            };
            self.done(serial);
            gone += 1;
        }
        gone
    }

    /// What to write next.
    pub(super) fn first(&self) -> Option<(u64, Key, Wish)> {
        if let Some((serial, key)) = self.forgotten.first_key_value() {
            return Some((*serial, key.clone(), None));
        }
        let (serial, (key, response)) = self.kept.first_key_value()?;
        Some((*serial, key.clone(), Some(Arc::clone(response))))
    }

    /// Strikes a wish out unless there is a newer one for the same answer.
    pub(super) fn done(&mut self, serial: u64) {
        if let Some(key) = self.take(serial) {
            self.places.remove(&key);
        }
    }

    fn take(&mut self, serial: u64) -> Option<Key> {
        if let Some(key) = self.forgotten.remove(&serial) {
            return Some(key);
        }
        let (key, response) = self.kept.remove(&serial)?;
        self.bytes -= size(&response);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: usize) -> Key {
        ("k".into(), id.to_string().into())
    }

    fn answer(bytes: usize) -> Wish {
        Some(Arc::new(StoredResponse {
            input: "[]".into(),
            response: "x".repeat(bytes).into(),
            origin: None,
        }))
    }

    #[test]
    fn what_is_to_be_forgotten_is_not_let_go_for_what_is_to_be_kept() {
        let mut waiting = Waiting::default();
        waiting.wish(key(0), None);
        for id in 1..=MOST + 5 {
            waiting.wish(key(id), answer(0));
        }
        assert_eq!(waiting.shrink(), 5);
        waiting.wish(key(MOST + 6), answer(LARGEST / 2));
        waiting.wish(key(MOST + 7), answer(LARGEST / 2));
        assert!(waiting.shrink() > 0 && waiting.bytes <= LARGEST);
        let (serial, first, wish) = waiting.first().expect("it waits");
        assert_eq!((&first, wish.is_none()), (&key(0), true));
        waiting.done(serial);
        assert!(waiting.of(&key(0)).is_none());
        assert!(waiting.of(&key(MOST + 7)).flatten().is_some());
    }

    #[test]
    fn the_last_wish_for_an_answer_counts_and_is_the_only_one() {
        let mut waiting = Waiting::default();
        for _ in 0..100 {
            waiting.wish(key(1), answer(10));
        }
        let (serial, ..) = waiting.first().expect("it waits");
        waiting.wish(key(1), None);
        assert!(waiting.of(&key(1)).is_some_and(|wish| wish.is_none()));
        assert_eq!((waiting.kept.len(), waiting.bytes), (0, 0));
        // What was written meanwhile is not what is wished now.
        waiting.done(serial);
        assert_eq!((waiting.forgotten.len(), waiting.places.len()), (1, 1));
    }
}
