//! Pools, breakers and gates under a clock that the tests drive by hand.

mod breakers;
mod keys;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderName, HeaderValue};

use super::{KeyIndex, KeyOutcome, PoolExhausted, Pools};
use crate::snapshot::{KeyPool, PoolKey};

/// A pool of keys `k0`, `k1`, ...
fn pool(count: usize, limit: Option<usize>, purpose: u64) -> Arc<KeyPool> {
    let keys = (0..count).map(|n| PoolKey {
        id: format!("k{n}").into(),
        header: Some(HeaderValue::from_str(&format!("Bearer k{n}")).expect("ascii")),
    });
    let header = HeaderName::from_static("authorization");
    Arc::new(KeyPool::new(
        "p".into(),
        keys.collect(),
        header,
        "Bearer {key}".into(),
        limit,
        purpose,
    ))
}

const LIMITED: KeyOutcome = KeyOutcome::RateLimited { retry_after: None };

/// Pools, and the moment they began.
fn start() -> (Pools, Instant) {
    let now = Instant::now();
    (
        Pools::new(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)),
        now,
    )
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn model() -> Arc<str> {
    Arc::from("m")
}
