//! Breakers, gates and latencies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::seconds;
use crate::pool::{BreakerPhase, Breakers, Gates, Latencies};
use crate::snapshot::{BreakerSettings, Snapshot};

const SETTINGS: BreakerSettings = BreakerSettings {
    failure_threshold: 2,
    recovery_timeout: Duration::from_secs(10),
};

fn phase(breakers: &Breakers, now: Instant) -> BreakerPhase {
    breakers.states(now)[0].phase
}

#[test]
fn opens_probes_and_closes() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    let admit = |at| breakers.admit("p", "m", SETTINGS, at);
    admit(now).expect("closed").failure(now);
    admit(now).expect("closed").success(now);
    admit(now).expect("closed").failure(now);
    assert_eq!(
        phase(&breakers, now),
        BreakerPhase::Closed,
        "a success in between starts the count anew"
    );
    admit(now).expect("closed").failure(now);
    assert_eq!(admit(now + seconds(3)).expect_err("open"), seconds(7));
    assert!(
        breakers.admit("p", "other", SETTINGS, now).is_ok(),
        "another model is not touched"
    );
    let later = now + seconds(10);
    let probe = admit(later).expect("one probe");
    assert!(admit(later).is_err(), "and only one");
    probe.failure(later);
    assert_eq!(
        admit(later + seconds(9)).expect_err("open again"),
        seconds(1)
    );
    let last = later + seconds(10);
    admit(last).expect("probe").success(last);
    assert_eq!(phase(&breakers, last), BreakerPhase::Closed);
    assert!(admit(last).is_ok());
}

#[test]
fn a_probe_that_is_answering_frees_its_place_on_trial() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    let admit = |at| breakers.admit("p", "m", SETTINGS, at);
    for _ in 0..2 {
        admit(now).expect("closed").failure(now);
    }
    let later = now + seconds(10);
    let mut probe = admit(later).expect("one probe");
    assert!(admit(later).is_err());
    probe.answering();
    drop(admit(later).expect("calls pass while it streams"));
    probe.failure(later);
    assert_eq!(phase(&breakers, later), BreakerPhase::Open, "it was cut");

    let last = later + seconds(10);
    let mut probe = admit(last).expect("one probe");
    probe.answering();
    probe.success(last);
    admit(last).expect("closed").failure(last);
    assert_eq!(
        phase(&breakers, last),
        BreakerPhase::Closed,
        "the count began anew"
    );
}

#[test]
fn a_dropped_probe_lets_the_next_one_probe() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    for _ in 0..2 {
        breakers
            .admit("p", "m", SETTINGS, now)
            .expect("closed")
            .failure(now);
    }
    let later = now + seconds(11);
    drop(breakers.admit("p", "m", SETTINGS, later).expect("probe"));
    breakers
        .admit("p", "m", SETTINGS, later)
        .expect("another probe")
        .success(later);
    assert_eq!(phase(&breakers, later), BreakerPhase::Closed);
}

#[test]
fn late_news_from_before_the_opening_is_ignored() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    let old = breakers.admit("p", "m", SETTINGS, now).expect("closed");
    for _ in 0..2 {
        breakers
            .admit("p", "m", SETTINGS, now)
            .expect("closed")
            .failure(now);
    }
    old.success(now);
    assert_eq!(phase(&breakers, now), BreakerPhase::Open);
    assert_eq!(breakers.reset("p", None), 1);
    assert!(breakers.admit("p", "m", SETTINGS, now).is_ok());
}

#[test]
fn a_threshold_of_zero_switches_breakers_off() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    let off = BreakerSettings {
        failure_threshold: 0,
        ..SETTINGS
    };
    for _ in 0..10 {
        breakers
            .admit("p", "m", off, now)
            .expect("off")
            .failure(now);
    }
    assert!(breakers.states(now).is_empty());
}

#[test]
fn gates_refuse_at_the_limit_and_open_again() {
    let mut settings = crate::config::Settings::default();
    let source = crate::snapshot::Source::File;
    let mut provider = crate::config::ProviderSettings::new(
        "p",
        translator::Dialect::Gemini,
        "http://p",
        source,
        crate::config::Place::default(),
    );
    provider.max_concurrency = Some(1);
    settings.providers.push(provider);
    let snapshot = Snapshot::build(&settings, 1).expect("sound");
    let (gates, provider) = (Gates::default(), snapshot.provider("p").expect("enabled"));
    let pass = gates.enter(provider).expect("free");
    assert_eq!(gates.busy("p"), 1);
    assert_eq!(gates.enter(provider).expect_err("full").limit, 1);
    drop(pass);
    assert_eq!(gates.busy("p"), 0);
    assert!(gates.enter(provider).is_ok());
}

#[test]
fn latencies_follow_slowly() {
    let latencies = Latencies::default();
    let (provider, model): (Arc<str>, Arc<str>) = ("p".into(), "m".into());
    assert_eq!(latencies.get("p", "m"), None);
    latencies.record(&provider, &model, Duration::from_millis(100));
    latencies.record(&provider, &model, Duration::from_millis(200));
    let average = latencies.get("p", "m").expect("measured");
    assert!((average - 120.0).abs() < 0.001, "{average}");
}

#[test]
fn a_breaker_that_is_open_elsewhere_is_open_here() {
    let (here, there) = (Breakers::default(), Breakers::default());
    let now = Instant::now();
    let settings = BreakerSettings {
        failure_threshold: 1,
        recovery_timeout: Duration::from_secs(30),
    };
    there
        .admit("p", "m", settings, now)
        .expect("closed")
        .failure(now);
    here.hear(&there.tell(now), now);
    let wait = here.admit("p", "m", settings, now).map(|_| ());
    assert_eq!(wait, Err(Duration::from_secs(30)));
    assert!(here.admit("p", "other", settings, now).is_ok());
    assert_eq!(here.states(now)[0].phase, BreakerPhase::Open);
    assert!(here.tell(now).is_empty(), "hearsay is not told on");
    let later = now + Duration::from_secs(31);
    assert!(
        here.admit("p", "m", settings, later).is_ok(),
        "its time is over"
    );
    here.hear(&[], now);
    assert!(
        here.admit("p", "m", settings, now).is_ok(),
        "nobody says so any more"
    );
}

#[test]
fn models_that_callers_invent_are_not_remembered_without_end() {
    let (breakers, now) = (Breakers::default(), Instant::now());
    for number in 0..12_000 {
        let model = format!("invented-{number}");
        if let Ok(pass) = breakers.admit("p", &model, SETTINGS, now) {
            pass.failure(now);
        }
    }
    assert_eq!(breakers.states(now).len(), 10_000);
    let first = breakers.admit("p", "invented-0", SETTINGS, now);
    first.expect("closed").failure(now);
    assert!(
        breakers.admit("p", "invented-0", SETTINGS, now).is_err(),
        "those that are known still open"
    );
}
