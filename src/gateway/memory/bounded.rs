//! A map that forgets: the oldest entries first, when there are too many, when they are too large together, or
//! when their time is over.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) entries: usize,
    pub(super) bytes: usize,
    pub(super) age: Duration,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    bytes: usize,
    at: Instant,
    /// Tells the slot of a key from an earlier one that is still in the queue.
    serial: u64,
}

/// The map.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    slots: HashMap<K, Slot<V>>,
    order: VecDeque<(K, u64)>,
    bytes: usize,
    serial: u64,
    bounds: Bounds,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            slots: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            serial: 0,
            bounds,
        }
    }

    /// Keeps a value; one that is larger than all bounds together is not kept. Gives what had to go.
    pub(super) fn put(&mut self, key: K, value: V, bytes: usize, now: Instant) -> Vec<(K, V)> {
        let before = self.remove(&key);
        let mut gone: Vec<(K, V)> = before
            .map(|value| (key.clone(), value))
            .into_iter()
            .collect();
        if bytes > self.bounds.bytes {
            return gone;
        }
        self.serial += 1;
        self.order.push_back((key.clone(), self.serial));
        self.slots.insert(
            key,
            Slot {
                value,
                bytes,
                at: now,
                serial: self.serial,
            },
        );
        self.bytes += bytes;
        self.shrink(now, &mut gone);
        gone
    }

    pub(super) fn get(&self, key: &K, now: Instant) -> Option<&V> {
        let slot = self.slots.get(key)?;
        (now.saturating_duration_since(slot.at) < self.bounds.age).then_some(&slot.value)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.slots.keys()
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.slots.remove(key)?;
        self.bytes -= slot.bytes;
        Some(slot.value)
    }

    fn shrink(&mut self, now: Instant, gone: &mut Vec<(K, V)>) {
        while let Some((key, serial)) = self.order.front() {
            let stale = match self.slots.get(key) {
                Some(slot) if slot.serial == *serial => {
                    self.slots.len() > self.bounds.entries
                        || self.bytes > self.bounds.bytes
                        || now.saturating_duration_since(slot.at) >= self.bounds.age
                }
                _ => {
                    self.order.pop_front();
                    continue;
                }
            };
            if !stale {
                return;
            }
            let key = key.clone();
            gone.extend(self.remove(&key).map(|value| (key, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_holds() {
        let start = Instant::now();
        let bounds = Bounds {
            entries: 3,
            bytes: 100,
            age: Duration::from_secs(10),
        };
        let mut map = Bounded::new(bounds);
        for n in 0..5 {
            map.put(n, n, 1, start);
        }
        let there = |map: &Bounded<i32, i32>| -> Vec<i32> {
            (0..12)
                .filter(|key| map.get(key, start).is_some())
                .collect()
        };
        assert_eq!(there(&map), [2, 3, 4]);
        assert_eq!(map.put(9, 9, 99, start), [(2, 2), (3, 3)]);
        assert_eq!(there(&map), [4, 9]);
        map.put(10, 10, 101, start);
        assert!(map.get(&10, start).is_none() && map.get(&9, start).is_some());
        assert!(map.get(&9, start + Duration::from_secs(11)).is_none());
        map.put(11, 11, 1, start + Duration::from_secs(11));
        assert_eq!((map.slots.len(), map.order.len(), map.bytes), (1, 1, 1));
    }

    #[test]
    fn rewriting_does_not_grow() {
        let now = Instant::now();
        let mut map = Bounded::new(Bounds {
            entries: 2,
            bytes: 100,
            age: Duration::from_secs(1),
        });
        for _ in 0..100 {
            map.put("k", 1, 10, now);
        }
        assert_eq!((map.bytes, map.order.len()), (10, 1));
    }
}
