//! Answers that Responses clients refer to, beyond the life of a process.

use std::sync::Arc;

use bridge::config::Settings;
use bridge::gateway::{Hub, Tuning};
use bridge::snapshot::{Snapshot, SnapshotStore};
use bridge::store::retention::Retention;
use bridge::store::{Store, now_ms};
use bridge::stored_responses::ResponseKeeper;
use poem::http::Method;
use serde_json::{Value, json};

use crate::house::House;
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
    async fn start(files: &Settings, store: &Store) -> Self {
        let snapshot = Snapshot::build(files, 1).expect("sound files");
        let snapshots = Arc::new(SnapshotStore::new(snapshot));
        let hub = Arc::new(Hub::new(snapshots, None, Tuning::default()).expect("a hub"));
        let keeper = ResponseKeeper::start(store.clone(), 30);
        hub.responses.attach(keeper.archive());
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
    let (files, store) = (house.control.files(), house.control.store());
    let first = Process::start(&files, store).await;
    let (status, answer) = first.ask(ADA, "Which colour was it?", None).await;
    assert_eq!(status, 200, "{answer}");
    let kept = id(&answer);
    let (_, answer) = first.ask(ADA, "Another thing", None).await;
    let deleted = id(&answer);
    let path = format!("{PATH}/{deleted}");
    let (status, _) = first.plane.json(Method::DELETE, &path, ADA, None).await;
    assert_eq!(status, 200);
    first.stop().await;

    let second = Process::start(&files, store).await;
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
    let third = Process::start(&files, store).await;
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

    let fourth = Process::start(&files, store).await;
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
    let fifth = Process::start(&files, store).await;
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
    let process = Process::start(&files, store).await;
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
    let process = Process::start(&house.control.files(), store).await;
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
