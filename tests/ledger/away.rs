//! The database slow, locked, gone, and back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bridge::ledger::{BookSettings, Ledger, Outcome, Outlets, Record, Recorder, book, entry};
use bridge::store::Store;
use bridge::store::entities::request;
use bridge::store::statistics::Question;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, TransactionTrait as _};

use crate::desk::Desk;

fn settings(desk: &Desk) -> BookSettings {
    BookSettings {
        due: 50,
        batch: 50,
        linger: Duration::from_millis(10),
        slow: Duration::from_millis(200),
        waiting: 100,
        longest_pause: Duration::from_millis(200),
        ..BookSettings::at(&desk.folder.join("waiting.jsonl"))
    }
}

fn start(desk: &Desk) -> (Arc<Ledger>, Recorder) {
    let (book, recorder) = book(settings(desk)).expect("a book");
    let outlets = Outlets {
        book: Some((book, Box::new(|record| entry(record, None)))),
        ..Outlets::default()
    };
    let ledger = Ledger::start(outlets, |_| {}).expect("a ledger");
    (Arc::new(ledger), recorder)
}

fn put(ledger: &Ledger, numbers: std::ops::Range<u64>) {
    for number in numbers {
        ledger.put(Box::new(Record {
            id: format!("req_{number}"),
            at_ms: 1_790_000_000_000 + number,
            call: "generate",
            ingress: "anthropic",
            outcome: Outcome::Ok,
            status: 200,
            ..Record::default()
        }));
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn rows(store: &Store) -> u64 {
    request::Entity::find()
        .count(store.read())
        .await
        .unwrap_or(0)
}

async fn stop(ledger: Arc<Ledger>) {
    tokio::task::spawn_blocking(move || ledger.stop())
        .await
        .expect("it ends");
}

/// Rows and sums agree, and each record is there once.
async fn assert_whole(desk: &Desk, count: i64) {
    assert_eq!(rows(&desk.store).await as i64, count);
    let asked = Question::between(1_789_000_000_000, 1_791_000_000_000);
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    assert_eq!(statistics.lines[0].totals.requests, count);
    assert_eq!(statistics.lines[0].total.total(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_locked_and_then_free_misses_nothing() {
    let desk = Desk::new().await;
    if !desk.is_sqlite() {
        return desk.end().await;
    }
    let (ledger, recorder) = start(&desk);
    let writer = tokio::spawn(recorder.run(desk.store.clone()));
    put(&ledger, 0..30);
    until("the first ones arrive", async || {
        rows(&desk.store).await == 30
    })
    .await;

    // Somebody else holds the file.
    let other = Store::open(&desk.options).await.expect("the same database");
    let hold = other.write().execute_unprepared("BEGIN IMMEDIATE").await;
    hold.expect("the lock");
    let counts = ledger.counts();
    for round in 0..5 {
        put(&ledger, 30 + round * 40..70 + round * 40);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("they wait in the file", async || {
        counts.book.spilled.load(Ordering::Relaxed) >= 200
            && counts.book.waiting.load(Ordering::Relaxed) == 0
    })
    .await;
    assert_eq!(rows(&desk.store).await, 30);
    let free = other.write().execute_unprepared("ROLLBACK").await;
    free.expect("the lock is given back");
    until("they arrive", async || rows(&desk.store).await == 230).await;
    until("the file is empty", async || {
        counts.book.spill_bytes.load(Ordering::Relaxed) == 0
    })
    .await;
    assert_eq!(counts.book.lost.load(Ordering::Relaxed), 0);
    assert_eq!(counts.refused.load(Ordering::Relaxed), 0);
    assert_whole(&desk, 230).await;
    stop(ledger).await;
    writer.await.expect("the recorder ends with the ledger");
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_at_the_end_is_written_at_the_next_start() {
    let desk = Desk::new().await;
    // Nobody writes to the database: it has not been there at all.
    let (ledger, recorder) = start(&desk);
    put(&ledger, 0..120);
    let begun = Instant::now();
    stop(ledger).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop(recorder);
    let path = desk.folder.join("waiting.jsonl");
    let waiting = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(waiting.lines().count(), 120);
    // The process died in the middle of a line, and somebody scribbled.
    let mut torn = waiting.clone();
    torn.push_str("{\"request\":{\"id\":\"req_to");
    std::fs::write(&path, torn).expect("a write");

    let (ledger, recorder) = start(&desk);
    let writer = tokio::spawn(recorder.run(desk.store.clone()));
    put(&ledger, 120..150);
    until("all arrive", async || rows(&desk.store).await == 150).await;
    stop(ledger).await;
    writer.await.expect("the recorder ends with the ledger");
    assert_whole(&desk, 150).await;

    // The same file once more: nothing counts twice.
    std::fs::write(&path, waiting).expect("a write");
    let (ledger, recorder) = start(&desk);
    let writer = tokio::spawn(recorder.run(desk.store.clone()));
    let counts = Arc::clone(&ledger);
    until("it was read", async || {
        counts.counts().book.spill_bytes.load(Ordering::Relaxed) == 0
            && counts.counts().book.kept.load(Ordering::Relaxed) >= 120
    })
    .await;
    stop(ledger).await;
    writer.await.expect("the recorder ends with the ledger");
    assert_whole(&desk, 150).await;
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_waits_once_for_a_database_that_hangs() {
    let desk = Desk::new().await;
    let (ledger, recorder) = start(&desk);
    let writer = tokio::spawn(recorder.run(desk.store.clone()));
    let mut held = Vec::new();
    let patience = Duration::from_millis(500);
    while let Ok(one) = tokio::time::timeout(patience, desk.store.write().begin()).await {
        held.push(one.expect("a transaction"));
    }
    // Eight batches.
    put(&ledger, 0..400);
    let begun = Instant::now();
    stop(ledger).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    let waiting = std::fs::read_to_string(desk.folder.join("waiting.jsonl")).expect("the file");
    assert_eq!(waiting.lines().count(), 400);

    drop(held);
    writer.await.expect("the recorder ends with the ledger");
    let (ledger, recorder) = start(&desk);
    let writer = tokio::spawn(recorder.run(desk.store.clone()));
    until("all arrive", async || rows(&desk.store).await == 400).await;
    stop(ledger).await;
    writer.await.expect("the recorder ends with the ledger");
    assert_whole(&desk, 400).await;
    desk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_file_loses_and_counts() {
    let desk = Desk::new().await;
    let (book, recorder) = book(BookSettings {
        spill_bytes: 20_000,
        ..settings(&desk)
    })
    .expect("a book");
    let outlets = Outlets {
        book: Some((book, Box::new(|record| entry(record, None)))),
        ..Outlets::default()
    };
    let ledger = Arc::new(Ledger::start(outlets, |_| {}).expect("a ledger"));
    put(&ledger, 0..400);
    let counts = Arc::clone(&ledger);
    stop(ledger).await;
    let book = &counts.counts().book;
    let (spilled, lost) = (
        book.spilled.load(Ordering::Relaxed),
        book.lost.load(Ordering::Relaxed),
    );
    assert!(spilled > 10 && lost > 100, "{spilled} {lost}");
    assert_eq!(spilled + lost, 400);
    let size = std::fs::metadata(desk.folder.join("waiting.jsonl")).expect("the file");
    assert!(size.len() <= 20_000);
    drop(recorder);
    desk.end().await;
}
