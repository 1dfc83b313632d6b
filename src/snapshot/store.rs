//! The atomic pointer to the snapshot in force.
//!
//! Readers never wait for a writer: a request keeps the snapshot it started with while a new one is
//! put in place for the next request.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::Snapshot;
use crate::config::{ConfigErrors, Settings};

/// Holds the snapshot in force.
#[derive(Debug)]
pub struct SnapshotStore {
    current: ArcSwap<Snapshot>,
    /// Writers take turns, so that versions only grow.
    turn: Mutex<()>,
}

impl SnapshotStore {
    /// Starts with a first snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(snapshot),
            turn: Mutex::default(),
        }
    }

    /// The snapshot in force, cheap, for short use.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The snapshot in force, to keep across an await.
    #[must_use]
    pub fn load_full(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Puts a new snapshot in force for requests that start from now on.
    pub fn store(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
    }

    /// Puts a snapshot in force as the next version, and says which that is.
    pub fn put(&self, mut snapshot: Snapshot) -> u64 {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        snapshot.version = self.current.load().version + 1;
        let version = snapshot.version;
        self.store(snapshot);
        version
    }

    /// Builds the next version from settings and puts it in force; on errors the old one stays.
    ///
    /// # Errors
    /// Everything that does not fit together.
    pub fn apply(&self, settings: &Settings) -> Result<u64, ConfigErrors> {
        Ok(self.put(Snapshot::build(settings, 0)?))
    }
}
