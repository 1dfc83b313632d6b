//! The atomic pointer to the snapshot in force.
//!
//! Readers never wait for a writer: a request keeps the snapshot it started with while a new one is
//! put in place for the next request.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::Snapshot;
use crate::config::{ConfigErrors, Settings};

/// Holds the snapshot in force.
#[derive(Debug)]
pub struct SnapshotStore(ArcSwap<Snapshot>);

impl SnapshotStore {
    /// Starts with a first snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot))
    }

    /// The snapshot in force, cheap, for short use.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// The snapshot in force, to keep across an await.
    #[must_use]
    pub fn load_full(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Puts a new snapshot in force for requests that start from now on.
    pub fn store(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// Builds the next version from settings and puts it in force; on errors the old one stays.
    ///
    /// # Errors
    /// Everything that does not fit together.
    pub fn apply(&self, settings: &Settings) -> Result<u64, ConfigErrors> {
        let version = self.0.load().version + 1;
        self.store(Snapshot::build(settings, version)?);
        Ok(version)
    }
}
