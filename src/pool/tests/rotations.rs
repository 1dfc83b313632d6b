//! Which key is tried first, by each strategy; and that the others follow.

use std::collections::BTreeSet;

use super::*;
use crate::pool::ExhaustedReason;

/// How often each of these keys came first in so many calls, each over before the next.
fn firsts(pool: &Arc<KeyPool>, calls: usize) -> Vec<usize> {
    // Chance is a thread's own here: every run draws the same lots.
    fastrand::seed(7);
    let (pools, now) = start();
    let mut counts = vec![0; pool.keys.len()];
    for _ in 0..calls {
        let lease = pools.lease(pool, &model(), now, &[]).expect("usable");
        counts[lease.index().0] += 1;
        lease.settle(KeyOutcome::Status(200), now);
    }
    counts
}

#[test]
fn each_strategy_begins_where_it_says() {
    let first = |rotation| firsts(&rotating(rotation, &[1, 1, 1], None, 0), 3000);
    assert_eq!(first(Rotation::RoundRobin), [1000; 3]);
    assert_eq!(first(Rotation::Priority), [3000, 0, 0]);
    assert_eq!(first(Rotation::LeastBusy), [1000; 3], "none is busy");
    for drawn in [Rotation::Random, Rotation::Weighted] {
        let counts = first(drawn);
        let is_even = counts.iter().all(|count| (850..1150).contains(count));
        assert!(is_even, "{drawn:?}: {counts:?}");
    }
}

#[test]
fn weights_are_shares_and_nothing_is_the_last_resort() {
    let pool = rotating(Rotation::Weighted, &[6, 3, 1, 0], None, 0);
    let counts = firsts(&pool, 10_000);
    for (count, share) in counts.iter().zip([6000_usize, 3000, 1000]) {
        assert!(count.abs_diff(share) < 300, "{counts:?}");
    }
    assert_eq!(counts[3], 0);
    let (pools, now) = start();
    let others: Vec<KeyIndex> = (0..3).map(KeyIndex).collect();
    let last = pools.lease(&pool, &model(), now, &others).expect("k3");
    assert_eq!(last.index(), KeyIndex(3));
}

#[test]
fn the_least_busy_key_is_tried_first() {
    let pool = rotating(Rotation::LeastBusy, &[1, 1, 1], None, 0);
    let (pools, now) = start();
    let take = || pools.lease(&pool, &model(), now, &[]).expect("usable");
    let (zero, one, two) = (take(), take(), take());
    assert_eq!(
        [zero.index().0, one.index().0, two.index().0],
        [0, 1, 2],
        "those that are as busy as each other take turns"
    );
    drop(one);
    let again = take();
    assert_eq!(again.index().0, 1);
}

#[test]
fn the_first_key_serves_until_it_is_limited_and_again_when_it_has_rested() {
    let pool = rotating(Rotation::Priority, &[1, 1], None, 0);
    let (pools, now) = start();
    let take = |now| {
        let lease = pools.lease(&pool, &model(), now, &[]);
        lease.expect("usable").index().0
    };
    assert_eq!([take(now), take(now)], [0, 0]);
    let lease = pools.lease(&pool, &model(), now, &[]).expect("usable");
    lease.settle(LIMITED, now);
    assert_eq!([take(now), take(now)], [1, 1]);
    assert_eq!(take(now + seconds(2)), 0);
}

#[test]
fn whatever_comes_first_all_others_follow() {
    for rotation in Rotation::ALL {
        let pool = rotating(rotation, &[5, 1, 0, 2], None, 0);
        let (pools, now) = start();
        let mut tried = Vec::new();
        while let Ok(lease) = pools.lease(&pool, &model(), now, &tried) {
            tried.push(lease.index());
        }
        let places: BTreeSet<usize> = tried.iter().map(|index| index.0).collect();
        assert_eq!((tried.len(), places.len()), (4, 4), "{rotation:?}");
        let empty = rotating(rotation, &[], None, 0);
        let refused = pools.lease(&empty, &model(), now, &[]).expect_err("empty");
        assert_eq!(refused.reason, ExhaustedReason::Empty, "{rotation:?}");
    }
}

#[test]
fn a_key_that_has_rested_is_on_trial_until_a_call_goes_well() {
    let pool = pool(1, None, 0);
    let (pools, now) = start();
    let call = |outcome, now| {
        let lease = pools.lease(&pool, &model(), now, &[]);
        lease.expect("usable").settle(outcome, now);
    };
    let state = |now| pools.stats(now)[0].state;
    call(KeyOutcome::Status(200), now);
    assert_eq!(state(now), "active");
    call(LIMITED, now);
    assert_eq!(state(now), "cooling");
    let later = now + seconds(5);
    assert_eq!(state(later), "half-open");
    call(KeyOutcome::Status(500), later);
    assert_eq!(state(later), "half-open", "that says nothing of the limit");
    // Another model's call shows as much of the key.
    let lease = pools.lease(&pool, &"other".into(), later, &[]);
    lease
        .expect("usable")
        .settle(KeyOutcome::Status(200), later);
    assert_eq!(state(later), "active");
    pools.reset("p", None);
    assert_eq!(state(later), "active");
}
