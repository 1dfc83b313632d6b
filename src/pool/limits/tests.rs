//! Limits under clocks that the tests drive by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::snapshot::Allowance;

/// 21 November 2026, noon.
const NOON: i64 = 1_795_262_400_000;
const DAY: i64 = 86_400_000;

/// A meter with its clocks.
struct Bench {
    meters: Meters,
    meter: Arc<Meter>,
    start: Instant,
    passed: Duration,
    wall_ms: i64,
    allowance: Allowance,
}

impl Bench {
    fn new(allowance: Allowance) -> Self {
        let start = Instant::now();
        let meters = Meters::new(start);
        Self {
            meter: meters.of(&"key".into()),
            meters,
            start,
            passed: Duration::ZERO,
            wall_ms: NOON,
            allowance,
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.start + self.passed,
            wall_ms: self.wall_ms,
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.passed += Duration::from_secs(seconds);
        self.wall_ms += i64::try_from(seconds * 1_000).expect("short");
    }

    fn ask(&self, tokens: u64, nano_usd: i64) -> Result<Reservation, Refusal> {
        let demand = Demand { tokens, nano_usd };
        let admitted = self.meter.admit(&self.allowance, demand, self.moment());
        admitted.map(|(reservation, _)| reservation)
    }

    fn settle(&self, reservation: Reservation, tokens: u64, nano_usd: i64) {
        let spend = Spend {
            tokens,
            nano_usd: Some(nano_usd),
        };
        reservation.settle(spend, self.moment().now);
    }

    fn today(&self) -> (i64, i64) {
        self.meter.spent(Period::day(self.wall_ms))
    }

    fn this_month(&self) -> (i64, i64) {
        self.meter.spent(Period::month(self.wall_ms))
    }
}

fn daily(budget: i64) -> Allowance {
    Allowance {
        budget_day_nano_usd: Some(budget),
        ..Allowance::default()
    }
}

#[test]
fn requests_a_minute() {
    let mut bench = Bench::new(Allowance {
        rpm: Some(3),
        ..Allowance::default()
    });
    for _ in 0..3 {
        drop(bench.ask(0, 0).expect("room"));
        bench.wait(10);
    }
    // The first was 30 seconds ago.
    let refusal = bench.ask(0, 0).expect_err("full");
    let wait = Duration::from_secs(31);
    assert_eq!(refusal, Refusal::Requests { limit: 3, wait });
    bench.wait(30);
    assert!(bench.ask(0, 0).is_err(), "a minute is not over yet");
    bench.wait(1);
    assert!(bench.ask(0, 0).is_ok());
    assert!(bench.ask(0, 0).is_err());
}

#[test]
fn places_come_back_however_a_request_ends() {
    let bench = Bench::new(Allowance {
        max_concurrency: Some(2),
        ..Allowance::default()
    });
    let (first, second) = (
        bench.ask(0, 0).expect("room"),
        bench.ask(0, 0).expect("room"),
    );
    assert_eq!(
        bench.ask(0, 0).expect_err("full"),
        Refusal::Concurrency { limit: 2 }
    );
    drop(first);
    let third = bench.ask(0, 0).expect("room");
    bench.settle(second, 1, 1);
    bench.settle(third, 1, 1);
    assert_eq!(bench.meter.in_flight(), 0);
}

#[test]
fn tokens_are_reserved_and_then_settled() {
    let mut bench = Bench::new(Allowance {
        tpm: Some(1_000),
        ..Allowance::default()
    });
    let first = bench.ask(600, 0).expect("room");
    let refusal = bench.ask(600, 0).expect_err("only 400 are left");
    assert!(
        matches!(refusal, Refusal::Tokens { wanted: 600, .. }),
        "{refusal:?}"
    );
    let counting = bench.ask(0, 0).expect("a request that uses none");
    // It used less than it might have.
    bench.settle(first, 100, 0);
    bench.settle(counting, 0, 0);
    let second = bench.ask(600, 0).expect("room again");
    // Given back whole.
    drop(second);
    assert_eq!(bench.meter.tokens_reserved(), 0);
    let third = bench.ask(900, 0).expect("900 are left");
    // It used more than anybody thought: the next one waits until a minute has passed.
    bench.settle(third, 5_000, 0);
    let refusal = bench.ask(1, 0).expect_err("far over");
    assert_eq!(refusal.retry_after(), Duration::from_secs(61));
    bench.wait(60);
    assert!(bench.ask(1, 0).is_err());
    bench.wait(1);
    assert!(bench.ask(1, 0).is_ok());
}

#[test]
fn one_request_larger_than_the_limit_still_goes_alone() {
    let mut bench = Bench::new(Allowance {
        tpm: Some(100),
        ..Allowance::default()
    });
    let large = bench.ask(1_000_000, 0).expect("nothing else is under way");
    assert!(bench.ask(1, 0).is_err());
    bench.settle(large, 1_000_000, 0);
    assert!(bench.ask(1, 0).is_err());
    bench.wait(61);
    assert!(bench.ask(1_000_000, 0).is_ok());
}

#[test]
fn a_budget_ends_where_it_says() {
    let mut bench = Bench::new(daily(1_000));
    let first = bench.ask(0, 600).expect("room");
    let period = Period::day(NOON);
    assert_eq!(
        bench.ask(0, 600).expect_err("reserved"),
        Refusal::Reserved { period }
    );
    bench.settle(first, 0, 500);
    // The rest can be used by one more, even if that one may cost more than is left.
    let second = bench.ask(0, 600).expect("alone");
    assert!(bench.ask(0, 1).is_err());
    bench.settle(second, 0, 700);
    assert_eq!(bench.today(), (1_200, 0));
    let wait = Duration::from_secs(12 * 3_600);
    assert_eq!(
        bench.ask(0, 0).expect_err("spent"),
        Refusal::Exhausted { period, wait }
    );
    bench.wait(12 * 3_600);
    assert!(bench.ask(0, 600).is_ok(), "a new day");
    assert_eq!(bench.this_month().0, 1_200, "of the same month");
}

#[test]
fn a_month_is_counted_apart() {
    let mut bench = Bench::new(Allowance {
        budget_month_nano_usd: Some(1_000),
        ..Allowance::default()
    });
    // 30 November, a minute before midnight.
    bench.wall_ms = NOON + 9 * DAY + DAY / 2 - 60_000;
    let reservation = bench.ask(0, 900).expect("room");
    bench.wait(120);
    // It began in November and is November's.
    bench.settle(reservation, 0, 1_000);
    assert_eq!(Period::month(bench.wall_ms).to_string(), "2026-12");
    assert_eq!(bench.this_month(), (0, 0));
    assert!(bench.ask(0, 900).is_ok());
    bench.wall_ms -= 180_000;
    assert!(matches!(
        bench.ask(0, 1),
        Err(Refusal::Exhausted {
            period: Period::Month(_),
            ..
        })
    ));
}

#[test]
fn clocks_that_jump_neither_give_nor_take() {
    let mut bench = Bench::new(daily(1_000));
    let spent = bench.ask(0, 900).expect("room");
    bench.settle(spent, 0, 900);
    for jump in [400 * DAY, -800 * DAY, 365 * DAY, i64::MAX / 2, -3_000 * DAY] {
        bench.wall_ms = NOON.saturating_add(jump);
        let elsewhere = bench.ask(0, 10).expect("another day");
        bench.wall_ms = NOON;
        assert_eq!(bench.today(), (900, 0), "{jump}");
        bench.settle(elsewhere, 0, 10);
        assert_eq!(bench.today(), (900, 0), "{jump}");
        bench.meters.arrived(&bench.meters.collect());
    }
    // The wall's clock has no say in what a minute is.
    bench.allowance = Allowance {
        rpm: Some(1),
        ..Allowance::default()
    };
    drop(bench.ask(0, 0).expect("room"));
    bench.wall_ms += DAY;
    assert!(bench.ask(0, 0).is_err());
}

#[test]
fn absurd_usage_neither_wraps_nor_pays_back() {
    let bench = Bench::new(Allowance::default());
    for (tokens, cost) in [
        (u64::MAX, i64::MIN),
        (u64::MAX, -5),
        (0, i64::MAX),
        (7, i64::MAX),
    ] {
        let before = bench.today().0;
        let reservation = bench.ask(tokens, cost).expect("not limited");
        assert!(bench.today().1 >= 0);
        bench.settle(reservation, tokens, cost);
        assert!(bench.today().0 >= before, "{cost}");
        assert_eq!(bench.today().1, 0);
    }
    let due = bench.meters.collect();
    let within = |amount| (1..i64::MAX / 1_000).contains(&amount);
    assert!(
        due.iter()
            .all(|due| within(due.delta.tokens) && within(due.delta.nano_usd)),
        "{due:?}"
    );
}

#[test]
fn a_thousand_at_once_stay_within_what_was_reserved() {
    let bench = Bench::new(daily(10_000));
    // One call of 100 is left.
    let spent = bench.ask(0, 9_900).expect("room");
    bench.settle(spent, 0, 9_900);
    let let_in = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..125 {
                    if let Ok(reservation) = bench.ask(0, 100) {
                        let_in.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        std::thread::yield_now();
                        bench.settle(reservation, 0, 100);
                    }
                }
            });
        }
    });
    assert_eq!(let_in.into_inner(), 1);
    assert_eq!(bench.today(), (10_000, 0));
}

#[test]
fn what_is_spent_is_written_once_whatever_the_database_does() {
    let bench = Bench::new(daily(1_000));
    let spend = |cost| {
        let reservation = bench.ask(0, 1).expect("room");
        bench.settle(reservation, 10, cost);
    };
    spend(100);
    let due = bench.meters.collect();
    assert_eq!(due.len(), 2, "day and month");
    let delta = Delta {
        nano_usd: 100,
        tokens: 10,
        requests: 1,
    };
    assert!(due.iter().all(|due| due.delta == delta), "{due:?}");
    // More is spent while that is on its way.
    spend(50);
    assert!(
        bench.meters.collect().is_empty(),
        "not while it is on its way"
    );
    assert_eq!(bench.today().0, 150);
    bench.meters.bounced(&due);
    assert_eq!(bench.today().0, 150);
    let due = bench.meters.collect();
    assert!(
        due.iter()
            .all(|due| due.delta.nano_usd == 150 && due.delta.requests == 2)
    );
    bench.meters.learn(&"key".into(), Period::day(NOON), 7);
    assert_eq!(
        bench.today().0,
        150,
        "what the database says meanwhile may hold it or not"
    );
    bench.meters.arrived(&due);
    assert_eq!(bench.today().0, 150);
    assert!(bench.meters.collect().is_empty());
    // Another hub has spent on the same key.
    bench.meters.learn(&"key".into(), Period::day(NOON), 990);
    spend(5);
    assert_eq!(bench.today().0, 995);
}

#[test]
fn limits_outlive_a_change_of_configuration_and_keys_that_are_gone_do_not() {
    let mut bench = Bench::new(daily(1_000));
    let reservation = bench.ask(0, 700).expect("room");
    bench.meters.retain(NOON, |_| false);
    assert_eq!(
        bench.meters.of(&"key".into()).spent(Period::day(NOON)),
        (0, 700)
    );
    // A new budget counts from what was already spent.
    bench.settle(reservation, 0, 700);
    bench.allowance = daily(600);
    assert!(matches!(bench.ask(0, 1), Err(Refusal::Exhausted { .. })));
    bench.meters.arrived(&bench.meters.collect());
    bench.meter = bench.meters.of(&"other".into());
    bench.meters.retain(NOON, |key| key == "other");
    assert!(
        bench.meters.known("key").is_some(),
        "it may be back before the month is over"
    );
    bench.meters.retain(NOON + 31 * DAY, |key| key == "other");
    assert!(bench.meters.known("key").is_none());
}

#[test]
fn the_last_use_is_told_once_a_minute() {
    let bench = Bench::new(Allowance::default());
    assert!(bench.meters.uses().is_empty());
    bench.meter.touch(NOON);
    assert_eq!(bench.meters.uses(), [("key".into(), NOON)]);
    bench.meter.touch(NOON + 59_999);
    assert!(bench.meters.uses().is_empty());
    bench.meter.touch(NOON + 60_000);
    assert_eq!(bench.meters.uses(), [("key".into(), NOON + 60_000)]);
    assert!(bench.meters.uses().is_empty());
}

#[test]
fn headers_know_what_is_left() {
    let mut bench = Bench::new(Allowance {
        rpm: Some(10),
        tpm: Some(1_000),
        ..Allowance::default()
    });
    let demand = Demand {
        tokens: 300,
        nano_usd: 0,
    };
    let admitted = bench.meter.admit(&bench.allowance, demand, bench.moment());
    let (reservation, standing) = admitted.expect("room");
    let room = standing.requests.expect("limited");
    assert_eq!(
        (room.limit, room.left, room.whole_in.as_secs()),
        (10, 9, 61)
    );
    let room = standing.tokens.expect("limited");
    assert_eq!(
        (room.limit, room.left, room.whole_in.as_secs()),
        (1_000, 700, 61),
        "what is reserved is there again a minute after it is used"
    );
    bench.wait(1);
    bench.settle(reservation, 100, 0);
    let standing = bench.meter.standing(&bench.allowance, bench.moment().now);
    assert_eq!(standing.tokens.map(|room| room.left), Some(900));
    assert_eq!(
        standing.requests.map(|room| room.whole_in.as_secs()),
        Some(60)
    );
}

#[test]
fn what_other_hubs_serve_counts_and_is_forgotten_with_them() {
    use crate::pool::news::ClientKeyUse;

    let start = Instant::now();
    let (here, there) = (Meters::new(start), Meters::new(start));
    let key: Arc<str> = "key".into();
    let allowance = Allowance {
        rpm: Some(3),
        tpm: Some(100),
        max_concurrency: Some(3),
        ..Allowance::default()
    };
    let at = |seconds: u64| Moment {
        now: start + Duration::from_secs(seconds),
        wall_ms: 0,
    };
    let demand = Demand {
        tokens: 40,
        nano_usd: 0,
    };
    let hear = |seconds: u64| {
        let told: Vec<ClientKeyUse> = there.tell(at(seconds).now);
        here.hear(&told, at(seconds).now);
    };
    let (first, _) = there
        .of(&key)
        .admit(&allowance, demand, at(0))
        .expect("free");
    let (second, _) = there
        .of(&key)
        .admit(&allowance, demand, at(5))
        .expect("free");
    hear(10);
    // 80 of 100 tokens are reserved there.
    let refused = here.of(&key).admit(&allowance, demand, at(10)).map(|_| ());
    assert!(
        matches!(refused, Err(Refusal::Tokens { .. })),
        "{refused:?}"
    );
    let spend = Spend {
        tokens: 10,
        nano_usd: None,
    };
    first.settle(spend, at(10).now);
    second.settle(spend, at(10).now);
    hear(10);
    let (third, standing) = here
        .of(&key)
        .admit(&allowance, demand, at(10))
        .expect("room");
    let requests = standing.requests.expect("limited");
    assert_eq!(
        (requests.left, requests.whole_in),
        (0, Duration::from_secs(61))
    );
    assert_eq!(standing.tokens.expect("limited").left, 100 - 20 - 40);
    let wait = here.of(&key).admit(&allowance, demand, at(10)).map(|_| ());
    let first_leaves = Duration::from_secs(51);
    assert_eq!(
        wait,
        Err(Refusal::Requests {
            limit: 3,
            wait: first_leaves
        })
    );
    // The other hub is gone.
    here.hear(&[], at(11).now);
    assert!(here.of(&key).admit(&allowance, demand, at(11)).is_ok());
    drop(third);
}
