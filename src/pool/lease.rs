//! A key taken for one call. Dropping it gives back its place; settling it also counts.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderName, HeaderValue};

use super::key_state::{Epoch, KeyOutcome, KeyState};
use crate::snapshot::KeyPool;

/// The place of a key in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyIndex(pub usize);

/// A key in use.
#[derive(Debug)]
pub struct KeyLease {
    pub(super) pool: Arc<KeyPool>,
    pub(super) state: Arc<KeyState>,
    pub(super) index: KeyIndex,
    pub(super) model: Arc<str>,
    pub(super) epoch: Epoch,
}

impl KeyLease {
    /// Which key of the pool it is.
    #[must_use]
    pub const fn index(&self) -> KeyIndex {
        self.index
    }

    /// The credential header; `None` for a provider that takes no key.
    #[must_use]
    pub fn header(&self) -> Option<(&HeaderName, &HeaderValue)> {
        self.pool.keys[self.index.0]
            .header
            .as_ref()
            .map(|value| (&self.pool.auth_header, value))
    }

    /// The masked key.
    #[must_use]
    pub fn key_id(&self) -> &Arc<str> {
        &self.pool.keys[self.index.0].id
    }

    /// Counts the call and lets the key rest or sets it aside as the outcome demands.
    pub fn settle(self, outcome: KeyOutcome, now: Instant) {
        self.state
            .settle(&self.model, outcome, self.epoch.nanos(now));
    }
}

impl Drop for KeyLease {
    fn drop(&mut self) {
        self.state.leave();
    }
}
