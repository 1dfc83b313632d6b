//! What goes, and what stays.

use bridge::store::entities::{capture, request, request_detail};
use bridge::store::retention::Retention;
use bridge::store::rollups::DAY;
use bridge::store::statistics::Question;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use crate::desk::{Desk, entry};

const NOW: i64 = 1_790_000_000_000;

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
