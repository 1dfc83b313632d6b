//! Hot reload: good changes are applied, bad ones leave the old snapshot.
#![expect(
    clippy::disallowed_methods,
    reason = "a test that waits for the file system has no runtime to block"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Bench;
use crate::config::watch;
use crate::snapshot::{Snapshot, SnapshotStore};

fn wait_for(what: &str, mut check: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !check() {
        assert!(Instant::now() < end, "timed out: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_change_is_applied_and_a_bad_one_is_not() {
    let bench = Bench::app("MAX_TOKENS_LIMIT: 1\n");
    let settings = bench.settings();
    let store = Arc::new(SnapshotStore::new(
        Snapshot::build(&settings, 1).expect("sound"),
    ));
    let applied = store.clone();
    let watcher = watch(
        bench.options(),
        &settings,
        move |settings| applied.apply(&settings),
        |_| {},
    )
    .expect("watchable");
    let path = bench.directory.join("config/app.yml");
    let write = |text: &str| std::fs::write(&path, text).expect("writable");
    write("MAX_TOKENS_LIMIT: 2\n");
    wait_for("first change", || store.load().clamps.max_tokens == Some(2));
    write("MAX_TOKENS_LIMIT: many\n");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(
        (store.load().version, store.load().clamps.max_tokens),
        (2, Some(2))
    );
    write("MAX_TOKENS_LIMIT: 3\n");
    wait_for("second change", || {
        store.load().clamps.max_tokens == Some(3)
    });
    drop(watcher);
}

#[test]
fn a_file_that_is_away_for_a_moment_takes_nothing_away() {
    let bench = Bench::app("MAX_TOKENS_LIMIT: 1\n");
    let settings = bench.settings();
    let store = Arc::new(SnapshotStore::new(
        Snapshot::build(&settings, 1).expect("sound"),
    ));
    let applied = store.clone();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let watcher = watch(
        bench.options(),
        &settings,
        move |settings| applied.apply(&settings),
        move |errors| heard.lock().expect("sound").push(errors.to_string()),
    )
    .expect("watchable");
    let count = || told.lock().expect("sound").len();
    let path = bench.directory.join("config/app.yml");
    std::fs::rename(&path, bench.directory.join("config/app.yml~")).expect("movable");
    wait_for("the refusal", || count() == 1);
    assert_eq!(store.load().clamps.max_tokens, Some(1));
    assert_eq!(store.load().version, 1);
    std::fs::write(&path, "MAX_TOKENS_LIMIT: 2\n").expect("writable");
    wait_for("the new file", || count() == 2);
    assert_eq!(store.load().clamps.max_tokens, Some(2));
    let told = told.lock().expect("sound").clone();
    assert!(told[0].contains("app.yml:1: the file has gone"), "{told:?}");
    assert_eq!(told[1], "");
    drop(watcher);
}
