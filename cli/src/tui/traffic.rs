//! Requests as they ended in the last minutes, by spans of a few seconds. Pure.

use std::collections::VecDeque;

/// One span.
const SPAN_MS: i64 = 5000;
/// How many are kept: ten minutes.
const SPANS: usize = 120;

/// Requests by spans, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    spans: VecDeque<(i64, u64, u64)>,
}

impl Traffic {
    /// Counts one that ended.
    pub(super) fn count(&mut self, at_ms: i64, is_error: bool) {
        let span = at_ms.div_euclid(SPAN_MS);
        let errors = u64::from(is_error);
        match self.spans.iter_mut().rev().find(|(own, ..)| *own == span) {
            Some((_, requests, failed)) => {
                *requests += 1;
                *failed += errors;
            }
            None => {
                let place = self.spans.partition_point(|(own, ..)| *own < span);
                self.spans.insert(place, (span, 1, errors));
            }
        }
        while self.spans.len() > SPANS {
            self.spans.pop_front();
        }
    }

    /// Requests of the newest spans, the newest last.
    pub(super) fn bars(&self, now_ms: i64, most: usize) -> Vec<u64> {
        let newest = now_ms.div_euclid(SPAN_MS);
        let wanted = i64::try_from(most.min(SPANS)).unwrap_or_default();
        (newest - wanted + 1..=newest)
            .map(|span| {
                let found = self.spans.iter().find(|(own, ..)| *own == span);
                found.map_or(0, |(_, requests, _)| *requests)
            })
            .collect()
    }

    /// Requests and errors of the last minute.
    pub(super) fn minute(&self, now_ms: i64) -> (u64, u64) {
        let newest = now_ms.div_euclid(SPAN_MS);
        let recent = self.spans.iter().filter(|(span, ..)| newest - span < 12);
        recent.fold((0, 0), |(all, bad), (_, requests, errors)| {
            (all + requests, bad + errors)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_what_ended_in_them() {
        let mut traffic = Traffic::default();
        for (at, is_error) in [
            (100_000, false),
            (104_999, true),
            (105_000, false),
            (90_000, false),
        ] {
            traffic.count(at, is_error);
        }
        assert_eq!(traffic.bars(105_500, 4), [1, 0, 2, 1]);
        assert_eq!(traffic.minute(105_500), (4, 1));
        assert_eq!(traffic.minute(155_500), (3, 1));
    }
}
