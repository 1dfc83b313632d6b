//! Remembers cleaned schemas, because an agent sends the same tools with every request.
//!
//! The whole input is the key, so that a hit is exact. Bounded in bytes; a full cache starts afresh.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use super::{Cleaned, Flavour};

/// Bytes of keys and values that one flavour may hold.
const MAX_BYTES: usize = 4 << 20;
/// Larger schemas are not remembered.
const MAX_SCHEMA: usize = 64 << 10;

#[derive(Default)]
struct Shelf {
    entries: HashMap<Box<str>, Arc<Cleaned>>,
    bytes: usize,
}

fn shelf(flavour: Flavour) -> &'static RwLock<Shelf> {
    static SHELVES: OnceLock<[RwLock<Shelf>; 4]> = OnceLock::new();
    &SHELVES.get_or_init(Default::default)[flavour as usize]
}

pub(super) fn cleaned(schema: &str, flavour: Flavour, make: impl FnOnce() -> Cleaned) -> Cleaned {
    if schema.len() > MAX_SCHEMA {
        return make();
    }
    let shelf = shelf(flavour);
    // A poisoned lock only means that another thread died: work without the cache then.
    let hit = shelf
        .read()
        .ok()
        .and_then(|shelf| shelf.entries.get(schema).cloned());
    if let Some(hit) = hit {
        return (*hit).clone();
    }
    let made = make();
    if let Ok(mut shelf) = shelf.write() {
        let size = schema.len() + made.schema.len() + 128;
        if shelf.bytes + size > MAX_BYTES {
            *shelf = Shelf::default();
        }
        if shelf
            .entries
            .insert(schema.into(), Arc::new(made.clone()))
            .is_none()
        {
            shelf.bytes += size;
        }
    }
    made
}
