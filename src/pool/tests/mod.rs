//! Pools, breakers and gates under a clock that the tests drive by hand.

mod breakers;
mod keys;
mod rotations;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderName, HeaderValue};

use super::{KeyIndex, KeyOutcome, PoolExhausted, Pools};
use crate::snapshot::{KeyPool, PoolKey, Rotation};

/// A pool of keys `k0`, `k1`, ...
fn pool(count: usize, limit: Option<usize>, purpose: u64) -> Arc<KeyPool> {
    rotating(Rotation::RoundRobin, &vec![1; count], limit, purpose)
}

/// A pool of keys of these weights.
fn rotating(
    rotation: Rotation,
    weights: &[u32],
    limit: Option<usize>,
    purpose: u64,
) -> Arc<KeyPool> {
    let keys = weights.iter().enumerate().map(|(n, weight)| PoolKey {
        id: format!("k{n}").into(),
        header: Some(HeaderValue::from_str(&format!("Bearer k{n}")).expect("ascii")),
        weight: *weight,
    });
    let header = HeaderName::from_static("authorization");
    Arc::new(KeyPool::new(
        "p".into(),
        keys.collect(),
        header,
        "Bearer {key}".into(),
        rotation,
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
