//! The keys of a provider, formatted as the header that carries them.
//!
//! Only the immutable part lives here; what happens to a key under traffic is kept by the pools.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

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
        max_concurrency_per_key: Option<usize>,
        purpose: u64,
    ) -> Self {
        let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
        Self {
            name,
            keys,
            auth_header,
            auth_format,
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
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolKey").field(&self.id).finish()
    }
}
