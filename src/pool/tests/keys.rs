//! Rotation, cool-down, quarantine, statistics.

use proptest::prelude::*;

use super::*;
use crate::pool::ExhaustedReason;

fn take(pools: &Pools, pool: &Arc<KeyPool>, now: Instant) -> usize {
    pools
        .lease(pool, &model(), now, &[])
        .map(|lease| lease.index().0)
        .unwrap_or_else(|why| unreachable!("{why:?}"))
}

fn settle(pools: &Pools, pool: &Arc<KeyPool>, now: Instant, outcome: KeyOutcome) {
    pools
        .lease(pool, &model(), now, &[])
        .expect("a usable key")
        .settle(outcome, now);
}

#[test]
fn keys_take_turns_and_skip_what_was_tried() {
    let ((pools, now), pool) = (start(), pool(3, None, 0));
    let turns: Vec<_> = (0..6).map(|_| take(&pools, &pool, now)).collect();
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
    let lease = pools
        .lease(&pool, &model(), now, &[KeyIndex(0), KeyIndex(1)])
        .expect("k2 is left");
    assert_eq!((lease.index(), &**lease.key_id()), (KeyIndex(2), "k2"));
    assert_eq!(
        lease.header().expect("has a key").1.as_bytes(),
        b"Bearer k2"
    );
    let all = [KeyIndex(0), KeyIndex(1), KeyIndex(2)];
    assert_eq!(
        pools
            .lease(&pool, &model(), now, &all)
            .expect_err("all tried")
            .reason,
        ExhaustedReason::Tried
    );
}

#[test]
fn cool_downs_grow_are_capped_and_end_with_success() {
    let ((pools, start), pool) = (start(), pool(1, None, 0));
    let mut now = start;
    for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
        settle(&pools, &pool, now, LIMITED);
        let refused = pools
            .lease(&pool, &model(), now, &[])
            .expect_err("it rests");
        assert_eq!(
            refused,
            PoolExhausted {
                retry_after: Some(seconds(rest)),
                reason: ExhaustedReason::Cooling
            }
        );
        assert!(
            pools
                .lease(
                    &pool,
                    &model(),
                    now + seconds(rest) - Duration::from_nanos(1),
                    &[]
                )
                .is_err()
        );
        now += seconds(rest);
    }
    settle(&pools, &pool, now, KeyOutcome::Status(200));
    settle(&pools, &pool, now, LIMITED);
    assert_eq!(
        pools
            .lease(&pool, &model(), now, &[])
            .expect_err("it rests")
            .retry_after,
        Some(seconds(1))
    );
    now += seconds(1);
    settle(
        &pools,
        &pool,
        now,
        KeyOutcome::RateLimited {
            retry_after: Some(seconds(31_536_000)),
        },
    );
    assert_eq!(
        pools
            .lease(&pool, &model(), now, &[])
            .expect_err("it rests")
            .retry_after,
        Some(seconds(3600))
    );
}

#[test]
fn limits_of_calls_in_flight_together_count_once() {
    let ((pools, now), pool) = (start(), pool(1, None, 0));
    let leases: Vec<_> = (0..5)
        .map(|_| pools.lease(&pool, &model(), now, &[]).expect("unlimited"))
        .collect();
    for lease in leases {
        lease.settle(LIMITED, now);
    }
    assert_eq!(
        pools
            .lease(&pool, &model(), now, &[])
            .expect_err("it rests")
            .retry_after,
        Some(seconds(1))
    );
}

#[test]
fn refused_keys_are_set_aside_until_reset_or_repurposed() {
    let ((pools, now), first) = (start(), pool(2, None, 1));
    settle(&pools, &first, now, KeyOutcome::AuthFailed(401));
    assert_eq!(
        [take(&pools, &first, now), take(&pools, &first, now)],
        [1, 1]
    );
    let same = pool(2, None, 1);
    assert_eq!(
        [take(&pools, &same, now), take(&pools, &same, now)],
        [1, 1],
        "survives a reload"
    );
    let moved = pool(2, None, 2);
    assert_eq!(
        [take(&pools, &moved, now), take(&pools, &moved, now)],
        [0, 1],
        "a new purpose is a new chance"
    );
    settle(&pools, &moved, now, KeyOutcome::AuthFailed(403));
    settle(&pools, &moved, now, KeyOutcome::AuthFailed(403));
    let refused = pools
        .lease(&moved, &model(), now + seconds(999_999), &[])
        .expect_err("all refused");
    assert_eq!(
        refused,
        PoolExhausted {
            retry_after: None,
            reason: ExhaustedReason::Quarantined
        }
    );
    assert_eq!(
        (pools.reset("p", Some("k1")), pools.reset("other", None)),
        (1, 0)
    );
    assert_eq!(take(&pools, &moved, now), 1);
}

#[test]
fn concurrency_is_bounded_and_given_back_on_drop() {
    let ((pools, now), pool) = (start(), pool(1, Some(2), 0));
    let one = pools.lease(&pool, &model(), now, &[]).expect("free");
    let two = pools.lease(&pool, &model(), now, &[]).expect("free");
    assert_eq!(
        pools
            .lease(&pool, &model(), now, &[])
            .expect_err("full")
            .reason,
        ExhaustedReason::Busy
    );
    drop(one);
    two.settle(KeyOutcome::Status(200), now);
    let _both = [
        pools.lease(&pool, &model(), now, &[]).expect("free"),
        pools.lease(&pool, &model(), now, &[]).expect("free"),
    ];
    assert_eq!(pools.stats(now)[0].in_flight, 2);
}

#[test]
fn statistics_tell_what_happened() {
    let ((pools, now), two) = (start(), pool(2, None, 0));
    for outcome in [
        KeyOutcome::Status(200),
        KeyOutcome::AuthFailed(401),
        KeyOutcome::Status(200),
        KeyOutcome::Status(503),
        LIMITED,
    ] {
        settle(&pools, &two, now + seconds(5), outcome);
    }
    drop(
        pools
            .lease(&two, &model(), now + seconds(9), &[])
            .expect("k0 is usable again"),
    );
    let stats = pools.stats(now + seconds(5));
    let first = &stats[0];
    assert_eq!(
        (
            &*first.key,
            first.state,
            first.total,
            first.successful,
            first.failed
        ),
        ("k0", "cooling", 4, 2, 2)
    );
    assert_eq!(first.success_rate, Some(0.5));
    assert_eq!(
        first
            .status_codes
            .iter()
            .map(|(code, count)| (*code, *count))
            .collect::<Vec<_>>(),
        [(200, 2), (429, 1), (503, 1)]
    );
    assert_eq!(
        first.last_used,
        Some(SystemTime::UNIX_EPOCH + seconds(1_000_005) + Duration::from_nanos(1))
    );
    assert_eq!(
        (stats[1].state, stats[1].quarantined_by),
        ("quarantined", Some(401))
    );
    let text = serde_json::to_value(&stats).expect("serialises");
    assert_eq!(text[0]["last_used"], 1_000_005);
    assert_eq!(pool(0, None, 0).keys.len(), 0);
    assert_eq!(
        pools
            .lease(&pool(0, None, 0), &model(), now, &[])
            .expect_err("empty")
            .reason,
        ExhaustedReason::Empty
    );
}

#[test]
fn a_thousand_reloads_leave_nothing_behind() {
    let (pools, now) = start();
    for purpose in 0..1000 {
        let pool = pool(2, None, purpose);
        pools.adopt([&pool]);
        assert!(pools.lease(&pool, &model(), now, &[]).is_ok());
    }
    let last = pool(1, None, 0);
    pools.adopt([&last]);
    assert_eq!(pools.stats(now).len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Use(u8),
}

proptest! {
    /// Against a model that knows when each key may be used again.
    #[test]
    fn no_lease_ever_has_a_resting_or_refused_key(
        steps in prop::collection::vec(
            prop_oneof![(0_u64..90_000).prop_map(Step::Wait), (0_u8..6).prop_map(Step::Use)],
            1..120,
        ),
        keys in 1_usize..5,
    ) {
        let ((pools, start), pool) = (start(), pool(keys, None, 0));
        let mut now = start;
        let mut usable_at: Vec<Option<Instant>> = vec![Some(start); keys];
        let mut streak = vec![0_u32; keys];
        for step in steps {
            let outcome = match step {
                Step::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    continue;
                }
                Step::Use(outcome) => outcome,
            };
            let someone = usable_at.iter().any(|at| at.is_some_and(|at| at <= now));
            let lease = match pools.lease(&pool, &model(), now, &[]) {
                Ok(lease) => lease,
                Err(why) => {
                    prop_assert!(!someone, "{why:?}");
                    let soonest = usable_at.iter().flatten().min().map(|at| *at - now);
                    prop_assert_eq!(why.retry_after, soonest);
                    continue;
                }
            };
            let at = lease.index().0;
            prop_assert!(usable_at[at].is_some_and(|usable| usable <= now), "key {at} was not usable");
            match outcome {
                0 => {
                    lease.settle(LIMITED, now);
                    usable_at[at] = Some(now + seconds((1_u64 << streak[at].min(6)).min(60)));
                    streak[at] += 1;
                }
                1 => {
                    lease.settle(KeyOutcome::RateLimited { retry_after: Some(seconds(7)) }, now);
                    usable_at[at] = Some(now + seconds(7));
                }
                2 => {
                    lease.settle(KeyOutcome::AuthFailed(401), now);
                    usable_at[at] = None;
                }
                3 => lease.settle(KeyOutcome::ConnectionFailed, now),
                4 => lease.settle(KeyOutcome::Status(500), now),
                _ => {
                    lease.settle(KeyOutcome::Status(200), now);
                    streak[at] = 0;
                }
            }
        }
    }
}

#[test]
fn a_key_that_rests_for_one_model_serves_the_others() {
    let ((pools, now), pool) = (start(), pool(1, None, 0));
    settle(&pools, &pool, now, LIMITED);
    assert!(pools.lease(&pool, &model(), now, &[]).is_err());
    let other: Arc<str> = Arc::from("other");
    assert!(pools.lease(&pool, &other, now, &[]).is_ok());
    assert_eq!(pools.stats(now)[0].state, "cooling");
    // Names come from clients: what is remembered is bounded, and the newest rest holds.
    for number in 0..2_000 {
        let name: Arc<str> = Arc::from(format!("m{number}"));
        let lease = pools.lease(&pool, &name, now, &[]).expect("not limited");
        lease.settle(LIMITED, now);
        assert!(pools.lease(&pool, &name, now, &[]).is_err());
    }
}

#[test]
fn what_other_hubs_say_of_keys_holds_as_long_as_they_say_it() {
    let ((here, now), (there, _)) = (start(), start());
    let pool = pool(2, None, 0);
    for pools in [&here, &there] {
        pools.adopt([&pool]);
    }
    let model = model();
    let limited = there.lease(&pool, &model, now, &[]).expect("free");
    let wait = Some(Duration::from_secs(20));
    limited.settle(KeyOutcome::RateLimited { retry_after: wait }, now);
    let refused = there.lease(&pool, &model, now, &[]).expect("the other");
    refused.settle(KeyOutcome::AuthFailed(401), now);

    let (rests, refusals) = there.tell(now);
    here.hear(&rests, &refusals, now);
    let exhausted = here.lease(&pool, &model, now, &[]).map(|_| ());
    let exhausted = exhausted.expect_err("both keys are known to be of no use");
    assert_eq!(exhausted.reason, ExhaustedReason::Cooling);
    assert!(exhausted.retry_after <= wait && exhausted.retry_after > Some(Duration::from_secs(19)));
    let states: Vec<_> = here.stats(now).iter().map(|key| key.state).collect();
    assert_eq!(states, ["cooling", "quarantined"]);
    assert_eq!(here.tell(now), (vec![], vec![]), "hearsay is not told on");

    there.reset("p", None);
    let (rests, refusals) = there.tell(now);
    here.hear(&rests, &refusals, now);
    assert!(here.lease(&pool, &model, now, &[]).is_ok());
}
