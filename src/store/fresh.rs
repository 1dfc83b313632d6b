//! Sums over the rows that a writer has written itself and that the tables of sums do not have yet: when their time
//! comes they need not be read back.
//!
//! They are only used for a span of time in which the table holds exactly as many rows as were summed; rows of other
//! hubs, or rows that were removed meanwhile, make the table itself the better witness.

use std::collections::BTreeMap;

use super::entities::request;
use super::rollups::Sums;

/// The spans of time that are summed apart, in milliseconds.
pub(super) const SPAN: i64 = 10_000;
/// Sums that are kept apart; where there are more, rows are read back.
const MOST: usize = 20_000;

/// Sums by the span in which requests began.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    spans: BTreeMap<i64, (u64, Sums)>,
}

impl Fresh {
    /// Rows that have been written.
    pub(super) fn add<'r>(&mut self, rows: impl Iterator<Item = &'r request::Model>) {
        for row in rows {
            let (count, sums) = self.spans.entry(begin(row.at)).or_default();
            *count += 1;
            sums.add(row);
        }
        let apart: usize = self.spans.values().map(|(_, sums)| sums.apart()).sum();
        if apart > MOST {
            self.spans.clear();
        }
    }

    /// How many rows of whole spans are summed, and their sums.
    pub(super) fn between(&self, from: i64, to: i64) -> (u64, Vec<&Sums>) {
        let spans = self.spans.range(from..to).map(|(_, span)| span);
        spans.fold((0, Vec::new()), |(count, mut all), (more, sums)| {
            all.push(sums);
            (count + more, all)
        })
    }

    /// Forgets what the tables have.
    pub(super) fn forget(&mut self, before: i64) {
        self.spans = self.spans.split_off(&begin(before));
    }
}

/// The begin of the span of a time.
pub(super) const fn begin(at: i64) -> i64 {
    at - at.rem_euclid(SPAN)
}
