//! Batches: whole or not at all, and never twice.

use bridge::store::entities::request;
use bridge::store::now_ms;
use bridge::store::requests::{Entry, Knowledge, Try};
use bridge::store::statistics::Question;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use crate::desk::{Desk, entry};

const NOON: i64 = 1_790_000_000_000;
const DAY: i64 = 86_400_000;

#[tokio::test]
async fn a_batch_that_comes_again_counts_once() {
    let desk = Desk::new().await;
    let batch: Vec<_> = (0..250)
        .map(|n| entry(&format!("req_{n}"), NOON + n))
        .collect();
    assert_eq!(desk.write(&batch).await, 250);
    // What comes now is late: the sums have passed it.
    desk.roll().await;
    // The same again, with some that are new and one twice.
    let mut again = batch.clone();
    again.push(entry("req_new", NOON));
    again.push(entry("req_new", NOON));
    assert_eq!(desk.write(&again).await, 1);
    let asked = Question::between(NOON - 9 * 86_400_000, NOON + 86_400_000);
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    let totals = statistics.lines[0].totals;
    assert_eq!(
        (totals.requests, totals.ok, totals.input),
        (251, 251, 25_100)
    );
    assert_eq!(totals.cost_nano_usd, 251_000);
    assert_eq!(statistics.lines[0].total.total(), 251);
    desk.end().await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_nothing() {
    let desk = Desk::new().await;
    let known = &mut Knowledge::default();
    assert_eq!(desk.write(&[entry("req_there", NOON)]).await, 1);
    desk.roll().await;
    // Whoever says that nobody has seen it is wrong about the last one.
    let mut batch: Vec<_> = (0..120)
        .map(|n| entry(&format!("req_{n}"), NOON + 3_600_000))
        .collect();
    batch.push(entry("req_there", NOON));
    let refused = desk.store.keep(&batch[..], Try::First, known).await;
    assert!(refused.is_err());
    let asked = Question::between(NOON - 86_400_000, NOON + 86_400_000);
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    assert_eq!(statistics.lines[0].totals.requests, 1);
    // Dimensions of a transaction that did not happen are not taken for known.
    assert_eq!(
        desk.store
            .keep(&batch[..], Try::Again, known)
            .await
            .expect("taken"),
        120
    );
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    assert_eq!(statistics.lines[0].totals.requests, 121);
    desk.end().await;
}

#[tokio::test]
async fn new_rows_are_written_whole_or_not_at_all_wherever_the_sums_are() {
    let desk = Desk::new().await;
    let known = &mut Knowledge::default();
    assert_eq!(desk.write(&[entry("req_there", NOON)]).await, 1);
    desk.roll().await;
    let batch = |name: &str, at: i64| -> Vec<Entry> {
        let entries = (0..150).map(|n| entry(&format!("req_{name}_{n}"), at + n));
        entries.collect()
    };
    let mut count = 1;
    // What the sums have passed, what they have not, and both in one batch.
    let (late, fresh) = (batch("late", NOON), batch("fresh", now_ms()));
    let both = [batch("a", NOON), batch("b", now_ms())].concat();
    for entries in [late, fresh.clone(), both] {
        let kept = desk.store.keep(&entries[..], Try::First, known).await;
        assert_eq!(kept.expect("the database takes them"), entries.len());
        count += entries.len() as i64;
    }
    let mut twice = batch("new", now_ms());
    twice.push(fresh[0].clone());
    let refused = desk.store.keep(&twice[..], Try::First, known).await;
    assert!(refused.is_err());
    while desk.store.roll(now_ms() + DAY, known).await.expect("sums") {}
    let asked = Question::between(NOON - DAY, now_ms() + DAY);
    let statistics = desk.store.statistics(&asked).await.expect("an answer");
    assert_eq!(statistics.lines[0].totals.requests, count);
    let rows = request::Entity::find().count(desk.store.read()).await;
    assert_eq!(rows.expect("a count"), count as u64);
    desk.end().await;
}
