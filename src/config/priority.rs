//! The numbers that a priority may be. They go over an API to programs that keep numbers as JavaScript does, and all
//! of these arrive there as they are.

use std::ops::RangeInclusive;

/// The last of them, where the demonstration stands.
pub(super) const LAST: i64 = (1 << 53) - 1;

/// What a priority may be; smaller first.
pub const PRIORITIES: RangeInclusive<i64> = -LAST..=LAST;
