//! Counts of tokens, which upstreams get wrong in many ways and which must never spoil an answer.

use super::{Cursor, Fault, Wire};

/// A count of tokens as an upstream gave it. Reading never fails: what is negative, absurd or no number is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub Option<u64>);

impl Count {
    /// A larger count is a fault of the upstream: no model reads or writes a million million tokens.
    const ABSURD: f64 = (1_u64 << 40) as f64;
}

impl<'a> Wire<'a> for Count {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let raw = cursor.raw()?;
        // Nearly always it is nothing but digits.
        let count = raw.parse().ok().or_else(|| {
            let number: f64 = raw.trim_matches('"').parse().ok()?;
            (0.0..Self::ABSURD)
                .contains(&number)
                .then_some(number as u64)
        });
        Ok(Self(count.filter(|count| *count < Self::ABSURD as u64)))
    }
}

/// Reads counts, and notes whether one of them could not be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// A count was negative, absurd or no number, and counted as nothing.
    pub clamped: bool,
}

impl Tally {
    /// The count of a member; an absent one is nothing.
    pub const fn count(&mut self, member: Option<Count>) -> u64 {
        match self.known(member) {
            Some(count) => count,
            None => 0,
        }
    }

    /// The count of a member, when it is there.
    pub const fn known(&mut self, member: Option<Count>) -> Option<u64> {
        match member {
            Some(Count(Some(count))) => Some(count),
            Some(Count(None)) => {
                self.clamped = true;
                Some(0)
            }
            None => None,
        }
    }
}
