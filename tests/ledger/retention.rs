//! What goes, and what stays.

use std::collections::{BTreeMap, BTreeSet};

use bridge::store::entities::{
    audit, capture, health_check, request, request_detail, spend, stored_response,
};
use bridge::store::retention::Retention;
use bridge::store::rollups::DAY;
use bridge::store::statistics::Question;
use bridge::store::{Store, new_id};
use sea_orm::{
    ConnectionTrait as _, DatabaseBackend, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, Statement,
};

use crate::desk::{Desk, entry};

const NOW: i64 = 1_790_000_000_000;

/// Tables that grow with what happens, and shrink with a sweep.
const SWEPT: [&str; 9] = [
    "audit",
    "captures",
    "health_checks",
    "latencies",
    "request_details",
    "requests",
    "rollups",
    "spend",
    "stored_responses",
];
/// Tables that grow with what people do, and have bounds of their own where they are written: sessions are tidied with
/// each log-in, conversations go by number, size and age.
const TIDIED: [&str; 3] = ["conversation_messages", "conversations", "sessions"];
/// Tables that hold one row for each thing that there is, however long the hub runs.
const THINGS: [&str; 10] = [
    "client_keys",
    "conversation_switches",
    "definitions",
    // What sums are kept apart by: models, providers, keys, users.
    "dimensions",
    "facts",
    "preferences",
    "revision",
    "seaql_migrations",
    "secrets",
    "users",
];

#[tokio::test]
async fn rows_go_by_age_and_bodies_also_by_size() {
    let desk = Desk::new().await;
    let mut batch = Vec::new();
    for n in 0..1_300_i64 {
        // Many share a millisecond, as they do under load.
        let mut entry = entry(&format!("req_{n}"), NOW - (n / 7) * DAY / 20);
        entry.details = Some(request_detail::Model {
            id: entry.request.id.clone(),
            at: entry.request.at,
            attempts: "[]".to_owned(),
            trace: "[]".to_owned(),
            fidelity: "[]".to_owned(),
            usages: None,
        });
        entry.capture = Some(capture::Model {
            id: entry.request.id.clone(),
            at: entry.request.at,
            bytes: 1_000,
            sealed: "x".repeat(1_000),
        });
        batch.push(entry);
    }
    desk.write(&batch).await;
    desk.roll().await;
    let young = |days: i64| {
        batch
            .iter()
            .filter(|entry| entry.request.at >= NOW - days * DAY)
            .count() as u64
    };
    let retention = Retention {
        days: 5,
        capture_days: 2,
        capture_bytes: 0,
        ..Retention::default()
    };
    let swept = desk.store.sweep(&retention, NOW).await.expect("swept");
    assert_eq!(swept.requests, 1_300 - young(5));
    assert_eq!(swept.captures, 1_300 - young(2));
    let read = desk.store.read();
    assert_eq!(
        request::Entity::find().count(read).await.expect("a count"),
        young(5)
    );
    let details = request_detail::Entity::find().count(read).await;
    assert_eq!(details.expect("a count"), young(5));
    assert_eq!(
        desk.store.captured_bytes().await.expect("a sum"),
        young(2) as i64 * 1_000
    );

    let tight = Retention {
        capture_bytes: 50_000,
        ..retention
    };
    desk.store.sweep(&tight, NOW).await.expect("swept");
    let left = capture::Entity::find().all(read).await.expect("rows");
    assert!(!left.is_empty() && left.len() <= 50, "{}", left.len());
    // The newest stay.
    assert!(left.iter().any(|row| row.at == NOW));
    // What happened stays told.
    let asked = Question::between(NOW - 400 * DAY, NOW + DAY);
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    assert_eq!(statistics.lines[0].totals.requests, 1_300);
    let again = desk.store.sweep(&tight, NOW).await.expect("swept");
    assert_eq!((again.requests, again.details, again.captures), (0, 0, 0));
    desk.end().await;
}

#[tokio::test]
async fn what_goes_lets_others_write_meanwhile() {
    const OLD: i64 = 6_000;
    let desk = Desk::new().await;
    let old: Vec<_> = (0..OLD)
        .map(|n| entry(&format!("old_{n}"), NOW - 9 * DAY + n))
        .collect();
    for batch in old.chunks(500) {
        desk.write(batch).await;
    }
    desk.roll().await;
    let retention = Retention {
        days: 1,
        capture_days: 1,
        capture_bytes: 0,
        ..Retention::default()
    };
    let mut slowest = std::time::Duration::ZERO;
    let mut written = 0;
    let mut sweep = Box::pin(desk.store.sweep(&retention, NOW));
    let swept = loop {
        let begun = std::time::Instant::now();
        let write = async {
            desk.write(&[entry(&format!("new_{written}"), NOW)]).await;
        };
        tokio::select! {
            swept = &mut sweep => break swept.expect("swept"),
            () = write => {
                written += 1;
                slowest = slowest.max(begun.elapsed());
            }
        }
    };
    drop(sweep);
    assert_eq!(swept.requests, OLD as u64);
    // One portion at a time: each let somebody else in.
    assert!(written >= 5, "{written} writes meanwhile");
    assert!(slowest < std::time::Duration::from_secs(3), "{slowest:?}");
    desk.end().await;
}

async fn tables(store: &Store) -> BTreeSet<String> {
    let sql = match store.backend() {
        DatabaseBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        DatabaseBackend::MySql => {
            "SELECT CAST(table_name AS CHAR) AS name FROM information_schema.tables WHERE table_schema = DATABASE()"
        }
        _ => {
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let statement = Statement::from_string(store.backend(), sql);
    let rows = store.read().query_all_raw(statement).await.expect("tables");
    rows.iter()
        .map(|row| row.try_get::<String>("", "name").expect("a name"))
        .collect()
}

async fn counts(store: &Store) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for table in SWEPT {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(store.backend(), sql);
        let row = store.read().query_one_raw(statement).await;
        let row = row.expect("a table").expect("a row");
        counts.insert(table, row.try_get::<i64>("", "n").expect("a number"));
    }
    counts
}

/// One row in each table that a sweep looks after, but for sums.
async fn happened(desk: &Desk, at: i64, day: &str) {
    let mut entry = entry(&format!("req_{at}"), at);
    let id = entry.request.id.clone();
    entry.details = Some(request_detail::Model {
        id: id.clone(),
        at,
        attempts: "[]".to_owned(),
        trace: "[]".to_owned(),
        fidelity: "[]".to_owned(),
        usages: None,
    });
    entry.capture = Some(capture::Model {
        id,
        at,
        bytes: 1,
        sealed: "x".to_owned(),
    });
    desk.write(&[entry]).await;
    let work = desk.store.write();
    let row = audit::Model {
        id: new_id(),
        at,
        actor_id: None,
        actor: "system".to_owned(),
        action: "update".to_owned(),
        kind: "setting".to_owned(),
        target_id: String::new(),
        target: String::new(),
        before: None,
        after: None,
        address: None,
    };
    let done = audit::Entity::insert(row.into_active_model()).exec_without_returning(work);
    done.await.expect("a row");
    let row = health_check::Model {
        id: new_id(),
        provider: "qwen".to_owned(),
        at,
        ok: true,
        status: Some(200),
        latency_ms: 1,
        model: "m".to_owned(),
        error: None,
    };
    let done = health_check::Entity::insert(row.into_active_model()).exec_without_returning(work);
    done.await.expect("a row");
    let row = stored_response::Model {
        id: new_id(),
        scope: "key-1".to_owned(),
        at,
        bytes: 1,
        sealed: "x".to_owned(),
    };
    let done =
        stored_response::Entity::insert(row.into_active_model()).exec_without_returning(work);
    done.await.expect("a row");
    for period in [day, &day[..7]] {
        let row = spend::Model {
            id: new_id(),
            client_key_id: "key-1".to_owned(),
            period: period.to_owned(),
            nano_usd: 1,
            tokens: 1,
            requests: 1,
        };
        let done = spend::Entity::insert(row.into_active_model()).exec_without_returning(work);
        done.await.expect("a row");
    }
}

#[tokio::test]
async fn every_table_that_only_grows_is_bounded() {
    let desk = Desk::new().await;
    let known: BTreeSet<String> = SWEPT
        .iter()
        .chain(&TIDIED)
        .chain(&THINGS)
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(
        tables(&desk.store).await,
        known,
        "a new table says here what bounds it"
    );
    happened(&desk, NOW, "2026-09-21").await;
    desk.roll().await;
    let young = counts(&desk.store).await;
    happened(&desk, NOW - 120 * DAY, "2026-05-24").await;
    desk.roll().await;
    let before = counts(&desk.store).await;
    for table in SWEPT {
        assert!(young[table] > 0 && before[table] > young[table], "{table}");
    }
    let retention = Retention {
        days: 1,
        capture_days: 1,
        response_days: 1,
        audit_days: 1,
        health_days: 1,
        ..Retention::default()
    };
    desk.store.sweep(&retention, NOW).await.expect("swept");
    let after = counts(&desk.store).await;
    for table in SWEPT {
        match table {
            // Sums per hour go; those per day are small, and what long statistics are made of.
            "rollups" | "latencies" => {
                assert!(after[table] < before[table], "{table}: {after:?}");
            }
            _ => assert_eq!(after[table], young[table], "{table}"),
        }
    }
    let again = desk.store.sweep(&retention, NOW).await.expect("swept");
    assert_eq!(again, bridge::store::retention::Swept::default());
    desk.end().await;
}
