//! Lists and statistics.

use bridge::store::histogram::slot;
use bridge::store::now_ms;
use bridge::store::request_list::{Cursor, RequestFilter};
use bridge::store::requests::{Entry, Knowledge, Try};
use bridge::store::rollups::{DAY, HOUR};
use bridge::store::statistics::{Group, MINUTE, Question, Selection};

use crate::desk::{Desk, entry};

/// Midnight of some day.
const DAY0: i64 = 1_789_948_800_000 / DAY * DAY;

fn sample() -> Vec<Entry> {
    (0..400_i64)
        .map(|n| {
            let mut entry = entry(&format!("req_{n:03}"), DAY0 + n * 9 * MINUTE);
            let row = &mut entry.request;
            if n % 4 == 0 {
                row.provider = Some("openai".to_owned());
                row.model_served = Some("gpt-5-mini".to_owned());
                row.upstream = Some("openai-responses".to_owned());
                row.client_key_id = Some("key-2".to_owned());
                row.client_key = Some("desk".to_owned());
                row.owner_id = Some("owner-2".to_owned());
            }
            if n % 10 == 3 {
                row.outcome = "error".to_owned();
                row.status = if n % 20 == 3 { 429 } else { 502 };
                row.error_code = Some("upstream".to_owned());
                row.error = Some("the upstream 100%_broke".to_owned());
                row.usage_source = None;
                (row.input, row.uncached, row.output) = (0, 0, 0);
                row.cost_nano_usd = None;
            }
            if n % 50 == 7 {
                // Nobody knows what this one costs.
                row.cost_nano_usd = None;
            }
            row.total_us = 10_000 * (n + 1);
            row.total_slot = slot(row.total_us as u64);
            entry
        })
        .collect()
}

#[tokio::test]
async fn pages_filters_and_searches() {
    let desk = Desk::new().await;
    desk.write(&sample()).await;
    let count = async |filter: RequestFilter| {
        let rows = desk.store.requests(&filter, None, 500).await;
        rows.expect("an answer").len()
    };
    let base = RequestFilter::default;
    assert_eq!(count(base()).await, 400);
    let text = |words: &str| RequestFilter {
        text: Some(words.to_owned()),
        ..base()
    };
    let some = |value: &str| Some(value.to_owned());
    for (what, filter, wanted) in [
        (
            "provider",
            RequestFilter {
                provider: some("openai"),
                ..base()
            },
            100,
        ),
        (
            "owner",
            RequestFilter {
                owner_id: some("owner-1"),
                ..base()
            },
            300,
        ),
        (
            "outcome",
            RequestFilter {
                outcome: some("error"),
                ..base()
            },
            40,
        ),
        (
            "class",
            RequestFilter {
                status: Some(5),
                ..base()
            },
            20,
        ),
        (
            "status",
            RequestFilter {
                status: Some(429),
                ..base()
            },
            20,
        ),
        (
            "model asked",
            RequestFilter {
                model: some("sonnet"),
                ..base()
            },
            400,
        ),
        (
            "model served",
            RequestFilter {
                model: some("gpt-5-mini"),
                ..base()
            },
            100,
        ),
        (
            "tag",
            RequestFilter {
                tag: some("green"),
                ..base()
            },
            400,
        ),
        (
            "half a tag",
            RequestFilter {
                tag: some("gree"),
                ..base()
            },
            0,
        ),
        (
            "slow",
            RequestFilter {
                min_total_us: Some(3_990_000),
                ..base()
            },
            2,
        ),
        (
            "time",
            RequestFilter {
                from: Some(DAY0),
                to: Some(DAY0 + HOUR),
                ..base()
            },
            7,
        ),
        ("words", text("UPSTREAM 100%_b"), 40),
        ("a wildcard is none", text("100__"), 0),
        ("a wildcard alone", text("%"), 40),
        ("the escape", text("!"), 0),
        ("a quote", text("' OR '1'='1"), 0),
        ("a backslash", text("\\"), 0),
        ("id", text("req_399"), 1),
        (
            "injection",
            RequestFilter {
                provider: some("x' OR 1=1 --"),
                ..base()
            },
            0,
        ),
    ] {
        assert_eq!(count(filter).await, wanted, "{what}");
    }
    // Page by page: each once, the newest first.
    let mut seen: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = desk.store.requests(&base(), after.as_ref(), 37).await;
        let page = page.expect("an answer");
        let Some(last) = page.last() else { break };
        after = Cursor::parse(&Cursor::behind(last).to_string());
        assert!(after.is_some());
        seen.extend(page.into_iter().map(|row| row.id));
    }
    let wanted: Vec<String> = (0..400).rev().map(|n| format!("req_{n:03}")).collect();
    assert_eq!(seen, wanted);
    assert!(desk.store.request("req_000", Some("owner-2")).await.is_ok());
    assert!(
        desk.store
            .request("req_000", Some("owner-1"))
            .await
            .is_err()
    );
    desk.end().await;
}

#[tokio::test]
async fn sums_are_those_of_the_rows_wherever_they_come_from() {
    let desk = Desk::new().await;
    let sample = sample();
    desk.write(&sample[..150]).await;
    check(&desk, 150).await;
    // A part of it becomes sums, what comes later is added to them or stays behind the mark.
    desk.roll_until(DAY0 + 10 * HOUR).await;
    check(&desk, 150).await;
    desk.write(&sample[150..]).await;
    check(&desk, 400).await;
    desk.roll().await;
    check(&desk, 400).await;
    details(&desk).await;
    desk.end().await;
}

#[tokio::test]
async fn sums_made_while_writing_are_those_that_are_read_back() {
    let (writer, reader) = (Desk::new().await, Desk::new().await);
    let sample = sample();
    let known = &mut Knowledge::default();
    for batch in sample.chunks(70) {
        let taken = writer.store.keep(batch, Try::First, known).await;
        assert_eq!(taken.expect("taken"), batch.len());
    }
    reader.write(&sample).await;
    // Somebody else's row, and one that is gone: there the rows are the better witness.
    let mut foreign = sample[210].clone();
    foreign.request.id = "req_foreign".to_owned();
    for desk in [&writer, &reader] {
        desk.write(std::slice::from_ref(&foreign)).await;
        let gone = desk.store.remove_request("req_300").await;
        gone.expect("it was there");
    }
    while writer.store.roll(now_ms(), known).await.expect("sums") {}
    reader.roll().await;
    check(&writer, 400).await;
    for by in [None, Some(Group::Model), Some(Group::ClientKey)] {
        let question = Question {
            by,
            step: Some(HOUR),
            ..Question::between(DAY0, DAY0 + 30 * DAY)
        };
        let told = async |desk: &Desk| {
            let statistics = desk.store.statistics(&question).await;
            format!("{:?}", statistics.expect("an answer").lines)
        };
        assert_eq!(told(&writer).await, told(&reader).await);
    }
    writer.end().await;
    reader.end().await;
}

/// Every way of telling requests apart gives all of them.
async fn check(desk: &Desk, count: i64) {
    for group in [
        None,
        Some(Group::Provider),
        Some(Group::Model),
        Some(Group::ClientKey),
        Some(Group::Owner),
        Some(Group::Dialects),
        Some(Group::Route),
        Some(Group::Call),
    ] {
        for step in [None, Some(HOUR), Some(DAY)] {
            let question = Question {
                by: group,
                step,
                ..Question::between(DAY0, DAY0 + 30 * DAY)
            };
            let lines = desk
                .store
                .statistics(&question)
                .await
                .expect("an answer")
                .lines;
            let sum: i64 = lines.iter().map(|line| line.totals.requests).sum();
            assert_eq!(sum, count, "{group:?} {step:?}");
            for line in &lines {
                assert_eq!(line.total.total(), line.totals.requests, "{group:?}");
                assert_eq!(
                    line.first_byte.total(),
                    line.totals.first_bytes,
                    "{group:?}"
                );
            }
        }
    }
}

async fn details(desk: &Desk) {
    let ask = async |question: Question| desk.store.statistics(&question).await.expect("an answer");
    let by = |by, step| Question {
        by,
        step,
        ..Question::between(DAY0, DAY0 + 30 * DAY)
    };
    let all = ask(by(None, None)).await;
    let totals = all.lines[0].totals;
    assert_eq!(totals.requests, 400);
    assert_eq!(
        (totals.errors, totals.limited, totals.unpriced),
        (40, 20, 8)
    );
    assert_eq!(totals.cost_nano_usd, 352_000);
    let median = all.lines[0].total.percentile(0.5).expect("not empty") as f64;
    assert!((median / 2_000_000.0 - 1.0).abs() < 0.1, "{median}");

    let keys = ask(by(Some(Group::ClientKey), None)).await.lines;
    assert_eq!(keys[0].key, ["key-1"]);
    assert_eq!(keys[0].name.as_deref(), Some("ci"));
    assert_eq!(keys[1].totals.requests, 100);

    // By time and group at once, from sums per hour.
    let lines = ask(Question {
        step: Some(HOUR),
        ..by(Some(Group::Provider), None)
    })
    .await;
    assert_eq!(lines.step, Some(HOUR));
    let sum: i64 = lines.lines.iter().map(|line| line.totals.requests).sum();
    assert_eq!(sum, 400);
    assert!(
        lines
            .lines
            .iter()
            .all(|line| line.bucket.is_some_and(|at| at % HOUR == 0))
    );

    // From the rows themselves.
    let fresh = ask(Question {
        step: Some(MINUTE),
        ..Question {
            by: Some(Group::Dialects),
            ..Question::between(DAY0, DAY0 + HOUR)
        }
    })
    .await;
    let sum: i64 = fresh.lines.iter().map(|line| line.totals.requests).sum();
    assert_eq!(sum, 7);
    assert_eq!(fresh.lines[0].key.len(), 2);
    assert!(
        fresh
            .lines
            .iter()
            .all(|line| line.total.total() == line.totals.requests)
    );

    let only = Selection {
        owner_id: Some("owner-2".to_owned()),
        ..Selection::default()
    };
    let own = ask(Question {
        only,
        ..by(Some(Group::Model), None)
    })
    .await;
    assert_eq!(own.lines.len(), 1);
    assert_eq!(own.lines[0].totals.requests, 100);
}
