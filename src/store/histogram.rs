//! Latencies in slots of a logarithmic scale: four slots double the time.
//!
//! A row keeps the number of its slot, a roll-up counts rows per slot, and a percentile of any selection is found
//! from the sums per slot. A percentile is off by less than a tenth of its value.

/// The upper end of slot 0, in microseconds.
const FIRST: f64 = 250.0;
/// Slots that double the time.
const PER_DOUBLING: f64 = 4.0;
/// The last slot; it begins at more than an hour.
pub const LAST_SLOT: i64 = 100;

/// The slot of a time in microseconds.
#[must_use]
pub fn slot(microseconds: u64) -> i64 {
    let time = microseconds as f64;
    if time < FIRST {
        return 0;
    }
    let slot = ((time / FIRST).log2() * PER_DOUBLING).floor() as i64 + 1;
    slot.min(LAST_SLOT)
}

/// Where a slot begins, in microseconds.
fn begin(slot: i64) -> f64 {
    if slot <= 0 {
        0.0
    } else {
        FIRST * ((slot - 1) as f64 / PER_DOUBLING).exp2()
    }
}

/// Counts per slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<(i64, i64)>,
}

impl Histogram {
    /// Adds counts of a slot. Slots may come in any order.
    pub fn add(&mut self, slot: i64, count: i64) {
        if count <= 0 {
            return;
        }
        match self.counts.binary_search_by_key(&slot, |(at, _)| *at) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(at) => self.counts.insert(at, (slot, count)),
        }
    }

    /// How many times were counted.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.counts
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The time, in microseconds, that a share (0.0 to 1.0) of all do not exceed.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Option<i64> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let wanted = (total as f64 * share.clamp(0.0, 1.0)).max(1.0);
        let mut passed = 0.0;
        for (slot, count) in &self.counts {
            let count = *count as f64;
            if passed + count >= wanted {
                let (from, to) = (begin(*slot), begin(*slot + 1));
                return Some((from + (to - from) * ((wanted - passed) / count)) as i64);
            }
            passed += count;
        }
        self.counts.last().map(|(slot, _)| begin(*slot + 1) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_where_they_say() {
        assert_eq!(slot(0), 0);
        assert_eq!(slot(249), 0);
        assert_eq!(slot(250), 1);
        assert_eq!(slot(u64::MAX), LAST_SLOT);
        for time in [300_u64, 1_000, 17_000, 950_000, 42_000_000, 3_000_000_000] {
            let slot = slot(time);
            assert!(
                begin(slot) <= time as f64 && (time as f64) < begin(slot + 1),
                "{time}"
            );
        }
        let hour = 3_600 * 1_000_000;
        assert!(slot(hour) < LAST_SLOT);
    }

    #[test]
    fn percentiles_are_near_the_true_ones() {
        let mut histogram = Histogram::default();
        let mut times: Vec<u64> = (0..20_000_u64).map(|n| 2_000 + (n * n) / 40).collect();
        // Order does not matter.
        times.reverse();
        for time in &times {
            histogram.add(slot(*time), 1);
        }
        times.sort_unstable();
        for share in [0.01, 0.5, 0.9, 0.95, 0.99] {
            let is = times[(share * times.len() as f64) as usize] as f64;
            let said = histogram.percentile(share).expect("not empty") as f64;
            assert!((said - is).abs() / is < 0.1, "p{share}: {said} for {is}");
        }
        assert_eq!(Histogram::default().percentile(0.5), None);
    }
}
