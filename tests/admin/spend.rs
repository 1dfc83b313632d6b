//! What client keys spend, on its way into the database and back.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bridge::bookkeeping::{self, Bookkeeper, round};
use bridge::pool::limits::{Demand, Meters, Moment, Period, Refusal, Spend};
use bridge::snapshot::Allowance;
use bridge::store::entities::{client_key, spend};
use bridge::store::{Store, new_id, now_ms};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait as _, EntityTrait as _, Set};

use crate::house::{House, hold};

fn meters() -> Arc<Meters> {
    Arc::new(Meters::new(Instant::now()))
}

fn moment() -> Moment {
    Moment {
        now: Instant::now(),
        wall_ms: now_ms(),
    }
}

/// A request that costs this much.
fn pay(meters: &Meters, key: &str, nano_usd: i64) {
    let meter = meters.of(&key.into());
    let (reservation, _) = meter
        .admit(&Allowance::default(), Demand::default(), moment())
        .expect("not limited");
    let spend = Spend {
        tokens: 7,
        nano_usd: Some(nano_usd),
    };
    reservation.settle(spend, Instant::now());
}

fn this_month(meters: &Meters, key: &str) -> i64 {
    meters.of(&key.into()).spent(Period::month(now_ms())).0
}

async fn row(store: &Store, key: &str) -> Option<(i64, i64, i64)> {
    let month = Period::month(now_ms()).to_string();
    let rows = spend::Entity::find()
        .all(store.read())
        .await
        .expect("there");
    let row = rows
        .into_iter()
        .find(|row| row.client_key_id == key && row.period == month)?;
    Some((row.nano_usd, row.tokens, row.requests))
}

#[tokio::test]
async fn hubs_add_up_and_learn_from_each_other() {
    let house = House::new().await;
    let store = house.control.store();
    let (one, two) = (meters(), meters());
    pay(&one, "ci", 100);
    pay(&one, "other", 1);
    pay(&two, "ci", 30);
    round(&one, store).await.expect("written");
    assert_eq!(this_month(&one, "ci"), 100);
    round(&two, store).await.expect("written");
    assert_eq!(this_month(&two, "ci"), 130, "what the first hub wrote");
    pay(&one, "ci", 5);
    assert_eq!(this_month(&one, "ci"), 105);
    round(&one, store).await.expect("written");
    assert_eq!(this_month(&one, "ci"), 135);
    assert_eq!(row(store, "ci").await, Some((135, 21, 3)));
    round(&one, store).await.expect("nothing to do");
    assert_eq!(row(store, "ci").await, Some((135, 21, 3)));
    assert_eq!(row(store, "other").await, Some((1, 7, 1)));

    // Many keys and periods at once.
    for n in 0..600 {
        pay(&one, &format!("many-{n}"), n);
        pay(&two, &format!("many-{n}"), n);
    }
    let (a, b) = tokio::join!(round(&one, store), round(&two, store));
    a.and(b).expect("written side by side");
    assert_eq!(row(store, "many-599").await, Some((1_198, 14, 2)));
    house.end().await;
}

#[tokio::test]
async fn a_restart_begins_where_the_last_one_ended() {
    let house = House::new().await;
    let store = house.control.store();
    let folder = house.folder().to_owned();
    let before = meters();
    let books = Bookkeeper::start(Arc::clone(&before), store.clone(), &folder).await;
    pay(&before, "ci", 900);
    // Stopping writes what no round has come to write.
    books.expect("the database is there").stop().await;
    assert_eq!(row(store, "ci").await, Some((900, 7, 1)));
    let after = meters();
    let books = Bookkeeper::start(Arc::clone(&after), store.clone(), &folder).await;
    assert_eq!(this_month(&after, "ci"), 900);
    let budget = Allowance {
        budget_month_nano_usd: Some(900),
        ..Allowance::default()
    };
    let refused = after
        .of(&"ci".into())
        .admit(&budget, Demand::default(), moment());
    assert!(
        matches!(refused, Err(Refusal::Exhausted { .. })),
        "{refused:?}"
    );
    books.expect("the database is there").stop().await;
    house.end().await;
}

#[tokio::test]
async fn an_outage_loses_nothing_and_counts_nothing_twice() {
    let house = House::new().await;
    let store = house.control.store();
    let meters = meters();
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    pay(&meters, "ci", 10);
    let away = rename("spend", "elsewhere");
    store
        .write()
        .execute_unprepared(&away)
        .await
        .expect("renamed");
    for _ in 0..3 {
        round(&meters, store).await.expect_err("no such table");
        pay(&meters, "ci", 10);
    }
    assert_eq!(this_month(&meters, "ci"), 40, "limits go on meanwhile");
    let back = rename("elsewhere", "spend");
    store
        .write()
        .execute_unprepared(&back)
        .await
        .expect("renamed");
    round(&meters, store).await.expect("written");
    assert_eq!(row(store, "ci").await, Some((40, 28, 4)));
    assert_eq!(this_month(&meters, "ci"), 40);
    house.end().await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted_and_never_goes_back() {
    let house = House::new().await;
    let store = house.control.store();
    let id = new_id();
    let row = client_key::ActiveModel {
        id: Set(id.clone()),
        name: Set("ci".to_owned()),
        owner_id: Set(new_id()),
        prefix: Set("sk-".to_owned()),
        digest: Set("0".repeat(64)),
        previous_digest: Set(None),
        previous_until: Set(None),
        enabled: Set(true),
        limits: Set("{}".to_owned()),
        ceiling: Set(None),
        tags: Set("[]".to_owned()),
        expires_at: Set(None),
        last_used_at: Set(None),
        version: Set(1),
        created_at: Set(1),
        updated_at: Set(1),
    };
    row.insert(store.write()).await.expect("a new key");
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    let now = i64::try_from(since.as_millis()).expect("soon");
    for (used, noted) in [
        (now, now),
        (now - 120_000, now),
        (now + 60_000, now + 60_000),
    ] {
        let meters = meters();
        meters.of(&id.as_str().into()).touch(used);
        // Keys of files have no row.
        meters.of(&"ci".into()).touch(used);
        round(&meters, store).await.expect("written");
        let found = client_key::Entity::find_by_id(&id).one(store.read()).await;
        let found = found.expect("there").expect("the key");
        assert_eq!(found.last_used_at, Some(noted));
        assert_eq!(
            (found.version, found.updated_at),
            (1, 1),
            "no change of the key"
        );
    }
    house.end().await;
}

#[tokio::test]
async fn the_end_waits_once_for_a_database_that_hangs_and_loses_nothing() {
    let house = House::new().await;
    let store = house.control.store();
    let folder = house.folder().to_owned();
    let meters = meters();
    let keeper = Bookkeeper::start(Arc::clone(&meters), store.clone(), &folder).await;
    let keeper = keeper.expect("a database");
    let held = hold(store.write()).await;
    // Several transactions' worth.
    for key in 0..3_000 {
        pay(&meters, &format!("key-{key}"), 1);
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let begun = Instant::now();
    keeper.stop().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    bookkeeping::leave(&meters, &folder);
    drop(held);
    assert_eq!(row(store, "key-7").await, None);

    // What it could not write down waits for the next start, and counts once.
    for _ in 0..2 {
        let next = Arc::new(Meters::new(Instant::now()));
        let keeper = Bookkeeper::start(Arc::clone(&next), store.clone(), &folder).await;
        assert_eq!(this_month(&next, "key-7"), 1);
        keeper.expect("a database").stop().await;
        bookkeeping::leave(&next, &folder);
        for key in [0, 7, 2_999] {
            assert_eq!(row(store, &format!("key-{key}")).await, Some((1, 7, 1)));
        }
    }
    house.end().await;
}
