//! How often the same target may be tried again, and after which pause.
//!
//! The budget bounds what retries add to the load of a provider that is already in trouble: one in five
//! requests, with a reserve for quiet times.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Millitokens put in by each request; a retry takes a thousand.
const DEPOSIT: i64 = 200;
const PRICE: i64 = 1_000;
const RESERVE: i64 = 50_000;

/// Bounds retries across all requests.
#[derive(Debug)]
pub(super) struct RetryBudget(AtomicI64);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicI64::new(RESERVE))
    }
}

impl RetryBudget {
    /// A request has come.
    pub(super) fn deposit(&self) {
        if self.0.load(Ordering::Relaxed) < RESERVE {
            self.0.fetch_add(DEPOSIT, Ordering::Relaxed);
        }
    }

    /// Takes the price of one retry, if it is there.
    pub(super) fn withdraw(&self) -> bool {
        if self.0.fetch_sub(PRICE, Ordering::Relaxed) >= PRICE {
            return true;
        }
        self.0.fetch_add(PRICE, Ordering::Relaxed);
        false
    }
}

/// The pause before retry number `retry` (from 0): doubling, with full jitter above a half. What the
/// upstream asked for wins when it is longer; `None` when that is too long to wait.
pub(super) fn pause(
    retry: u32,
    first: Duration,
    asked: Option<Duration>,
    longest: Duration,
) -> Option<Duration> {
    let doubled = first.saturating_mul(1 << retry.min(6)).min(longest);
    let jittered = doubled.mul_f64(0.5 + fastrand::f64() / 2.0);
    let wait = asked.map_or(jittered, |asked| asked.max(jittered));
    (wait <= longest).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_runs_dry_and_fills_again() {
        let budget = RetryBudget::default();
        let granted = (0..1_000).filter(|_| budget.withdraw()).count();
        assert_eq!(granted, 50);
        for _ in 0..5 {
            budget.deposit();
        }
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn pauses_grow_and_long_ones_are_refused() {
        let first = Duration::from_millis(100);
        let longest = Duration::from_secs(10);
        for retry in 0..4 {
            let wait = pause(retry, first, None, longest).expect("short");
            let full = first * (1 << retry);
            assert!(wait >= full / 2 && wait <= full, "{retry}: {wait:?}");
        }
        assert!(
            pause(0, first, Some(Duration::from_secs(3)), longest) >= Some(Duration::from_secs(3))
        );
        assert_eq!(
            pause(0, first, Some(Duration::from_secs(31_536_000)), longest),
            None
        );
    }
}
