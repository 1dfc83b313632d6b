//! In which order the keys of a pool are tried. Each key comes once; who can be used is not asked here.

use std::sync::Arc;

use super::key_state::KeyState;
use crate::snapshot::{KeyPool, Rotation};

/// The places of keys, the one to try first in front.
#[derive(Debug)]
pub(super) enum Order {
    /// From a place on and round to it again; needs no memory, since most pools are walked like this.
    Round {
        /// The place that comes next.
        next: usize,
        /// How many are left.
        left: usize,
        /// How many there are.
        count: usize,
    },
    /// As written.
    Listed(std::vec::IntoIter<usize>),
}

impl Order {
    /// The order for one call. `turn` is the place behind the key that was used last.
    pub(super) fn of(pool: &KeyPool, states: &[Arc<KeyState>], turn: usize) -> Self {
        let count = states.len();
        match pool.rotation {
            Rotation::RoundRobin => Self::round(turn, count),
            Rotation::Priority => Self::round(0, count),
            Rotation::Random => Self::drawn(count, |_| 1),
            Rotation::Weighted => Self::drawn(count, |place| pool.keys[place].weight),
            Rotation::LeastBusy => {
                // Those that are as busy as each other take turns.
                let mut places: Vec<usize> = Self::round(turn, count).collect();
                places.sort_by_cached_key(|place| states[*place].busy());
                Self::Listed(places.into_iter())
            }
        }
    }

    fn round(turn: usize, count: usize) -> Self {
        Self::Round {
            next: turn.checked_rem(count).unwrap_or(0),
            left: count,
            count,
        }
    }

    /// Drawn one after the other, each with a chance by its weight among those that are left: the largest of
    /// `ln(chance) / weight` comes first (Efraimidis and Spirakis). What weighs nothing comes last.
    fn drawn(count: usize, weight: impl Fn(usize) -> u32) -> Self {
        let lot = |place: usize| {
            // Never 0, of which there is no logarithm.
            let chance = 1.0 - fastrand::f64();
            let drawn = match weight(place) {
                0 => f64::NEG_INFINITY,
                weight => chance.ln() / f64::from(weight),
            };
            (drawn, fastrand::u32(..))
        };
        let mut places: Vec<(usize, (f64, u32))> =
            (0..count).map(|place| (place, lot(place))).collect();
        places.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let places: Vec<usize> = places.into_iter().map(|(place, _)| place).collect();
        Self::Listed(places.into_iter())
    }
}

impl Iterator for Order {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::Round { next, left, count } => {
                *left = left.checked_sub(1)?;
                let place = *next;
                *next = if place + 1 == *count { 0 } else { place + 1 };
                Some(place)
            }
            Self::Listed(places) => places.next(),
        }
    }
}
