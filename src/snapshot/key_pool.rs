//! The keys of a provider, formatted as the header that carries them.
//!
//! Only the immutable part lives here; what happens to a key under traffic is kept by the pools.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// Which key of a pool is tried first. Whatever it says, the others follow when that one cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// A random one, by weight.
    Weighted,
    /// A random one.
    Random,
    /// The one with the fewest calls in flight.
    LeastBusy,
    /// The first one, for as long as it can be used: the keys are filled one after the other.
    Priority,
}

impl Rotation {
    /// All of them, in the order in which people are offered them.
    pub const ALL: [Self; 5] = [
        Self::RoundRobin,
        Self::Weighted,
        Self::Random,
        Self::LeastBusy,
        Self::Priority,
    ];

    /// The name as configuration spells it; the same words as for targets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
            Self::Random => "random",
            Self::LeastBusy => "least_busy",
            Self::Priority => "priority",
        }
    }
}

/// Interchangeable keys that share one header form.
#[derive(Debug)]
pub struct KeyPool {
    /// The pool's name; a provider with keys of its own names it after itself.
    pub name: Arc<str>,
    /// The keys in the order configured. A provider that takes no key has one with no header.
    pub keys: Vec<PoolKey>,
    /// The header that carries a key.
    pub auth_header: HeaderName,
    /// The header's value with `{key}` in the place of the key.
    pub auth_format: Arc<str>,
    /// Which key is tried first.
    pub rotation: Rotation,
    /// Most requests in flight per key.
    pub max_concurrency_per_key: Option<usize>,
    /// Fingerprint of what a key is used for (header form, addresses): when it changes, a key that had
    /// been refused is given another chance.
    pub purpose: u64,
    serial: u64,
}

impl KeyPool {
    /// Makes a pool.
    #[must_use]
    pub fn new(
        name: Arc<str>,
        keys: Vec<PoolKey>,
        auth_header: HeaderName,
        auth_format: Arc<str>,
        rotation: Rotation,
        max_concurrency_per_key: Option<usize>,
        purpose: u64,
    ) -> Self {
        let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
        Self {
            name,
            keys,
            auth_header,
            auth_format,
            rotation,
            max_concurrency_per_key,
            purpose,
            serial,
        }
    }

    /// Tells this pool from every other that this process ever made.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }
}

/// One key, ready to send.
#[derive(Clone)]
pub struct PoolKey {
    /// Masked and stable: first four characters, last four, and a short hash.
    pub id: Arc<str>,
    /// The formatted header value, marked sensitive; `None` for a provider that takes no key.
    pub header: Option<HeaderValue>,
    /// Its share under the weighted rotation; one of 0 is used when no other can be.
    pub weight: u32,
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolKey").field(&self.id).finish()
    }
}
