//! Which of several targets is tried first; the others follow in their own order.

use super::Chooser;
use super::target::Candidate;
use crate::snapshot::Strategy;

/// Moves the chosen candidate to the front.
pub(super) fn order(
    candidates: &mut [Candidate],
    strategy: Strategy,
    group: &str,
    choose: &dyn Chooser,
) {
    if candidates.len() < 2 {
        return;
    }
    let count = candidates.len() as u64;
    let first = match strategy {
        Strategy::Priority => 0,
        Strategy::Random => choose.random(count),
        Strategy::RoundRobin => choose.next(group) % count,
        Strategy::Weighted => weighted(candidates, choose),
        Strategy::LeastBusy => lowest(candidates, |candidate| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "no provider has 2^52 requests in flight"
            )]
            let busy = choose.busy(&candidate.provider.name) as f64;
            busy
        }),
        // One that was never measured gets its chance first, or it would never be measured.
        Strategy::LeastLatency => lowest(candidates, |candidate| {
            choose
                .latency_ms(&candidate.provider.name, &candidate.model)
                .unwrap_or(0.0)
        }),
    };
    let first = usize::try_from(first)
        .unwrap_or(0)
        .min(candidates.len() - 1);
    candidates[..=first].rotate_right(1);
}

fn weighted(candidates: &[Candidate], choose: &dyn Chooser) -> u64 {
    let total: u64 = candidates
        .iter()
        .map(|candidate| u64::from(candidate.weight))
        .sum();
    let mut drawn = choose.random(total);
    for (index, candidate) in candidates.iter().enumerate() {
        let weight = u64::from(candidate.weight);
        if drawn < weight {
            return index as u64;
        }
        drawn -= weight;
    }
    0
}

fn lowest(candidates: &[Candidate], measure: impl Fn(&Candidate) -> f64) -> u64 {
    let mut best = (f64::INFINITY, 0);
    for (index, candidate) in candidates.iter().enumerate() {
        let value = measure(candidate);
        if value < best.0 {
            best = (value, index);
        }
    }
    best.1 as u64
}
