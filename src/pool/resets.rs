//! What people have reset lately, so that other hubs hear of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::news::{Reset, Subject};

/// How long a reset is told: long enough for every hub that is there to hear it.
const TOLD: Duration = Duration::from_secs(10);
/// As many are told at most; somebody who resets more has reset whole pools.
const MOST: usize = 256;

/// The resets of the last seconds.
#[derive(Debug, Default)]
pub struct Resets {
    recent: Mutex<(u64, VecDeque<(Instant, Reset)>)>,
}

impl Resets {
    /// Notes a reset that was made here.
    pub fn note(&self, what: Subject, now: Instant) {
        let mut guard = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (serial, recent) = &mut *guard;
        *serial += 1;
        recent.push_back((
            now,
            Reset {
                serial: *serial,
                what,
            },
        ));
        if recent.len() > MOST {
            recent.pop_front();
        }
    }

    /// Those to be told.
    #[must_use]
    pub fn tell(&self, now: Instant) -> Vec<Reset> {
        let mut guard = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = &mut guard.1;
        recent.retain(|(at, _)| now.saturating_duration_since(*at) < TOLD);
        recent.iter().map(|(_, reset)| reset.clone()).collect()
    }
}
