//! Answers that Responses clients refer to, beyond the life of a process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bridge::admin::Role;
use bridge::config::Settings;
use bridge::control::Control;
use bridge::gateway::{Hub, Tuning};
use bridge::snapshot::{Snapshot, SnapshotStore};
use bridge::store::entities::stored_response::{Column, Entity};
use bridge::store::now_ms;
use bridge::store::retention::Retention;
use bridge::stored_responses::ResponseKeeper;
use poem::http::{Method, StatusCode};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::{Value, json};

use crate::house::{House, hold};
use crate::plane::Plane;
use crate::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"It was blue."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
const PATH: &str = "/v1/responses";
const ADA: &str = "ada-0123456789abcdef";
const EVE: &str = "eve-0123456789abcdef";

/// A process: a hub with the same files, over the same database.
struct Process {
    hub: Arc<Hub>,
    keeper: ResponseKeeper,
    plane: Plane,
}

impl Process {
    async fn start(files: &Settings, control: &Arc<Control>) -> Self {
        let snapshot = Snapshot::build(files, 1).expect("sound files");
        let snapshots = Arc::new(SnapshotStore::new(snapshot));
        let hub = Arc::new(Hub::new(snapshots, None, Tuning::default()).expect("a hub"));
        let keeper = ResponseKeeper::start(control, &hub.responses);
        Self {
            plane: Plane::of(&hub).await,
            hub,
            keeper,
        }
    }

    async fn stop(self) {
        self.keeper.stop().await;
        drop(self.hub);
    }

    async fn ask(&self, key: &str, input: &str, previous: Option<&str>) -> (u16, Value) {
        let body = json!({"model": "m", "input": input, "previous_response_id": previous});
        self.plane.json(Method::POST, PATH, key, Some(&body)).await
    }
}

async fn house() -> (House, Upstream) {
    let upstream = Upstream::start([Reply::json(200, ANSWER)]).await;
    let yaml = format!(
        "CLIENT_KEYS: [{{name: ada, key: {ADA}}}, {{name: eve, key: {EVE}}}]\nPROVIDERS:\n  - {{name: up, base_url: 'http://{}', api_key: sk-0123456789, allow_private_network: true, models: {{big: [m]}}}}\n",
        upstream.address
    );
    (House::of_yaml(&yaml).await, upstream)
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn they_survive_a_restart_and_belong_to_their_key() {
    let (house, upstream) = house().await;
    let files = house.control.files();
    let first = Process::start(&files, &house.control).await;
    let (status, answer) = first.ask(ADA, "Which colour was it?", None).await;
    assert_eq!(status, 200, "{answer}");
    let kept = id(&answer);
    let (_, answer) = first.ask(ADA, "Another thing", None).await;
    let deleted = id(&answer);
    let path = format!("{PATH}/{deleted}");
    let (status, _) = first.plane.json(Method::DELETE, &path, ADA, None).await;
    assert_eq!(status, 200);
    first.stop().await;

    let second = Process::start(&files, &house.control).await;
    let path = format!("{PATH}/{kept}");
    let (status, _) = second.plane.json(Method::GET, &path, EVE, None).await;
    assert_eq!(status, 404, "of another key");
    let (status, refused) = second.ask(EVE, "and?", Some(&kept)).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (400, &json!("previous_response_not_found"))
    );
    let (status, found) = second.plane.json(Method::GET, &path, ADA, None).await;
    assert_eq!((status, id(&found)), (200, kept.clone()));
    let path = format!("{PATH}/{deleted}");
    let (status, _) = second.plane.json(Method::GET, &path, ADA, None).await;
    assert_eq!(status, 404, "what was deleted stays so");
    second.stop().await;

    // A process that has it in no memory goes on with it, and finds items that are referred to.
    let third = Process::start(&files, &house.control).await;
    let (status, answer) = third.ask(ADA, "Are you sure?", Some(&kept)).await;
    assert_eq!(status, 200, "{answer}");
    let asked = upstream.asked();
    let body: Value = serde_json::from_str(&asked.last().expect("a call").body).expect("JSON");
    let said: Vec<&str> = body["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter_map(|message| message["content"].as_str())
        .collect();
    assert_eq!(
        said,
        ["Which colour was it?", "It was blue.", "Are you sure?"]
    );
    let item = answer["output"][0]["id"]
        .as_str()
        .expect("an item")
        .to_owned();
    third.stop().await;

    let fourth = Process::start(&files, &house.control).await;
    let input =
        json!([{"type": "item_reference", "id": item}, {"role": "user", "content": "Why?"}]);
    let body = json!({"model": "m", "input": input, "store": false});
    let (status, answer) = fourth
        .plane
        .json(Method::POST, PATH, ADA, Some(&body))
        .await;
    assert_eq!(status, 200, "{answer}");
    let asked = upstream.asked();
    assert!(asked.last().expect("a call").body.contains("It was blue."));

    // Another process answers after this one has looked at what there is.
    let fifth = Process::start(&files, &house.control).await;
    let (_, answer) = fifth.ask(ADA, "And now?", None).await;
    fifth.stop().await;
    let input = json!([
        {"type": "item_reference", "id": answer["output"][0]["id"]},
        {"role": "user", "content": "Why?"},
    ]);
    let body = json!({"model": "m", "input": input, "store": false});
    let (status, answer) = fourth
        .plane
        .json(Method::POST, PATH, ADA, Some(&body))
        .await;
    assert_eq!(status, 200, "{answer}");
    fourth.stop().await;
    house.end().await;
}

#[tokio::test]
async fn memory_goes_on_without_a_database() {
    let (house, _upstream) = house().await;
    let (files, store) = (house.control.files(), house.control.store());
    let process = Process::start(&files, &house.control).await;
    let (_, answer) = process.ask(ADA, "one", None).await;
    for database in [store.read(), store.write()] {
        let _ = database.clone().close().await;
    }
    let (status, answer) = process.ask(ADA, "two", Some(&id(&answer))).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = process.ask(ADA, "three", Some(&id(&answer))).await;
    assert_eq!(status, 200, "{answer}");
    let (status, _) = process.ask(ADA, "four", Some("resp_unknown")).await;
    assert_eq!(status, 400, "soon");
    drop(process);
    house.end().await;
}

#[tokio::test]
async fn they_are_bounded_by_age_and_room() {
    let (house, _upstream) = house().await;
    let store = house.control.store();
    let process = Process::start(&house.control.files(), &house.control).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let (_, answer) = process
            .ask(ADA, &format!("{n} {}", "x".repeat(2_000)), None)
            .await;
        ids.push(id(&answer));
    }
    process.stop().await;
    let kept = async |retention: Retention, now: i64| {
        let swept = store.sweep(&retention, now).await.expect("swept");
        let left = store.newest_responses("ada", i64::MIN).await.expect("rows");
        (swept.responses, left.len())
    };
    let tight = Retention {
        response_bytes: 7_000,
        ..Retention::default()
    };
    let (gone, left) = kept(tight, now_ms()).await;
    assert!(
        gone >= 1 && left <= 3 && gone + left as u64 == 4,
        "{gone} {left}"
    );
    let newest = store
        .response("ada", &ids[3], i64::MIN)
        .await
        .expect("a database");
    assert!(newest.is_some(), "the newest stay");
    let later = now_ms() + 40 * 86_400_000;
    assert_eq!(kept(Retention::default(), later).await.1, 0);
    house.end().await;
}

#[tokio::test]
async fn a_changed_age_is_in_force_at_once() {
    let (house, _upstream) = house().await;
    let first = Process::start(&house.control.files(), &house.control).await;
    let (_, one) = first.ask(ADA, "one", None).await;
    let (_, two) = first.ask(ADA, "two", None).await;
    first.stop().await;
    Entity::update_many()
        .col_expr(Column::At, Expr::value(now_ms() - 5 * 86_400_000))
        .exec(house.control.store().write())
        .await
        .expect("a database");
    let second = Process::start(&house.control.files(), &house.control).await;
    let status = async |answer: &Value| {
        let path = format!("{PATH}/{}", id(answer));
        second.plane.json(Method::GET, &path, ADA, None).await.0
    };
    assert_eq!(status(&one).await, 200);
    let admin = house.person(Role::Admin).await;
    let body = json!({"settings": {"RESPONSES_RETENTION_DAYS": 3}});
    let put = house
        .call(Method::PUT, "/api/config", &admin, Some(&body))
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    assert_eq!(status(&two).await, 404);
    second.stop().await;
    house.end().await;
}

#[tokio::test]
async fn a_look_that_failed_is_no_look() {
    let (house, upstream) = house().await;
    let write = house.control.store().write();
    let first = Process::start(&house.control.files(), &house.control).await;
    let (_, answer) = first.ask(ADA, "one", None).await;
    first.stop().await;
    Entity::update_many()
        .col_expr(Column::At, Expr::value(now_ms() - 86_400_000))
        .exec(write)
        .await
        .expect("a database");
    let second = Process::start(&house.control.files(), &house.control).await;
    let rename = async |from: &str, to: &str| {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        write
            .execute_unprepared(&statement)
            .await
            .expect("a database");
    };
    let input = json!([
        {"type": "item_reference", "id": answer["output"][0]["id"]},
        {"role": "user", "content": "Why?"},
    ]);
    let body = json!({"model": "m", "input": input, "store": false});
    let is_found = async || {
        let _ = second
            .plane
            .json(Method::POST, PATH, ADA, Some(&body))
            .await;
        let asked = upstream.asked();
        asked.last().expect("a call").body.contains("It was blue.")
    };
    rename("stored_responses", "away").await;
    assert!(!is_found().await, "nowhere to look");
    rename("away", "stored_responses").await;
    // A database that has failed is left alone for three seconds.
    tokio::time::sleep(std::time::Duration::from_millis(3_200)).await;
    assert!(is_found().await);
    second.stop().await;
    house.end().await;
}

#[tokio::test]
async fn what_one_hub_removes_leaves_the_memory_of_the_other() {
    let (house, _upstream) = house().await;
    let files = house.control.files();
    let one = Process::start(&files, &house.control).await;
    let two = Process::start(&files, &house.control).await;
    let (_, gone) = one.ask(ADA, "one", None).await;
    let (_, stays) = one.ask(ADA, "two", None).await;
    let status = async |process: &Process, method: Method, answer: &Value| {
        let path = format!("{PATH}/{}", id(answer));
        process.plane.json(method, &path, ADA, None).await.0
    };
    for answer in [&gone, &stays] {
        // Written behind the request.
        let deadline = Instant::now() + Duration::from_secs(10);
        while status(&two, Method::GET, answer).await != 200 {
            assert!(Instant::now() < deadline, "it is there for both");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(status(&one, Method::DELETE, &gone).await, 200);
    let deadline = Instant::now() + Duration::from_secs(15);
    while status(&two, Method::GET, &gone).await != 404 {
        assert!(Instant::now() < deadline, "it is gone for both");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status(&two, Method::GET, &stays).await, 200);
    let rows = Entity::find().all(house.control.store().read()).await;
    let rows = rows.expect("a database");
    let marks: Vec<_> = rows.iter().filter(|row| row.scope.is_empty()).collect();
    assert_eq!((rows.len(), marks.len()), (2, 1));
    assert!(marks[0].sealed.is_empty() && marks[0].bytes == 0);
    one.stop().await;
    two.stop().await;
    let retention = Retention {
        response_days: 0,
        ..Retention::default()
    };
    let later = now_ms() + 2 * 86_400_000;
    let swept = house.control.store().sweep(&retention, later).await;
    assert_eq!(swept.expect("swept").responses, 1, "the mark");
    house.end().await;
}

#[tokio::test]
async fn a_database_that_hangs_is_waited_for_once() {
    let (house, _upstream) = house().await;
    let process = Process::start(&house.control.files(), &house.control).await;
    let store = house.control.store();
    let held = (hold(store.read()).await, hold(store.write()).await);
    let unknown = async |id: &str| {
        let begun = Instant::now();
        let (status, _) = process.ask(ADA, "and?", Some(id)).await;
        assert_eq!(status, 400);
        begun.elapsed()
    };
    let first = unknown("resp_unknown_1").await;
    assert!(first < Duration::from_secs(6), "{first:?}");
    let next = unknown("resp_unknown_2").await + unknown("resp_unknown_3").await;
    assert!(next < Duration::from_secs(1), "{next:?}");

    let (status, _) = process.ask(ADA, "not written", None).await;
    assert_eq!(status, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    process.stop().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "the end: {took:?}");
    drop(held);
    house.end().await;
}
