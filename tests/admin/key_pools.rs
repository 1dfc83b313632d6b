//! Pools of provider keys.

use std::time::{Duration, Instant};

use bridge::admin::Role;
use bridge::pool::KeyOutcome;
use http_body_util::BodyExt as _;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;
use crate::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
const ONE: &str = "sk-canary-number-one-0001";
const TWO: &str = "sk-canary-number-two-0002";

/// A pool with two keys and a provider that uses it.
async fn with_pool(house: &House, token: &str, base_url: &str) {
    for (path, body) in [
        (
            "/api/key-pools",
            json!({"name": "shared", "keys": [ONE, TWO]}),
        ),
        (
            "/api/providers",
            json!({"name": "up", "base_url": base_url, "key_pool": "shared", "allow_private_network": true, "models": {"small": ["m"]}}),
        ),
    ] {
        let made = house.call(Method::POST, path, token, Some(&body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{path}: {}", made.body);
    }
}

fn ids(keys: &Value) -> Vec<String> {
    let keys = keys.as_array().expect("a list");
    keys.iter()
        .map(|key| key["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn keys_come_and_go_and_the_last_is_guarded() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    with_pool(&house, &token, "http://127.0.0.1:9").await;
    let call = |method, path: String, body: Option<Value>| {
        let (house, token) = (&house, &token);
        async move { house.call(method, &path, token, body.as_ref()).await }
    };
    let added = call(
        Method::POST,
        "/api/key-pools/shared/keys".to_owned(),
        Some(json!({"keys": [format!(" {TWO}\nsk-canary-number-three-3\r\n"), ONE], "label": "spare"})),
    )
    .await;
    assert_eq!(
        (&added.body["added"], &added.body["duplicates"]),
        (&json!(1), &json!(2)),
        "{}",
        added.body
    );
    assert!(!added.body.to_string().contains("canary"), "{}", added.body);
    let ids = ids(&added.body["keys"]);
    assert_eq!(added.body["keys"][2]["label"], "spare");
    let in_use = |house: &House| {
        let snapshot = house.control.hub().snapshots.load_full();
        snapshot
            .provider("up")
            .map_or(0, |provider| provider.pool.keys.len())
    };
    assert_eq!(in_use(&house), 3, "live at once");

    let off = call(
        Method::POST,
        format!("/api/key-pools/shared/keys/{}/disable", ids[0]),
        None,
    )
    .await;
    assert_eq!(
        (off.status, &off.body["state"]),
        (StatusCode::OK, &json!("disabled")),
        "{}",
        off.body
    );
    let gone = call(
        Method::DELETE,
        format!("/api/key-pools/shared/keys/{}", ids[2]),
        None,
    )
    .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(in_use(&house), 1);
    for (method, path) in [
        (
            Method::DELETE,
            format!("/api/key-pools/shared/keys/{}", ids[1]),
        ),
        (
            Method::POST,
            format!("/api/key-pools/shared/keys/{}/disable", ids[1]),
        ),
    ] {
        let guarded = call(method, path, None).await;
        assert_eq!(
            (guarded.status, &guarded.body["code"]),
            (StatusCode::CONFLICT, &json!("last_key")),
            "{}",
            guarded.body
        );
    }
    let forced = call(
        Method::DELETE,
        format!("/api/key-pools/shared/keys/{}?force=true", ids[1]),
        None,
    )
    .await;
    assert_eq!(forced.status, StatusCode::NO_CONTENT, "{}", forced.body);
    let on = call(
        Method::POST,
        format!("/api/key-pools/shared/keys/{}/enable", ids[0]),
        None,
    )
    .await;
    assert_eq!(on.body["enabled"], true, "{}", on.body);

    let pool = call(Method::GET, "/api/key-pools/shared".to_owned(), None).await;
    assert_eq!(pool.body["counts"]["total"], 1, "{}", pool.body);
    assert_eq!(pool.body["providers"], json!(["up"]));
    // It is needed: it cannot go.
    let needed = call(Method::DELETE, "/api/key-pools/shared".to_owned(), None).await;
    assert_eq!(
        needed.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        needed.body
    );
    assert!(
        needed.body["detail"].as_str().is_some_and(
            |detail| detail.contains("still used: provider `up` names key pool `shared`")
        ),
        "{}",
        needed.body
    );
    house.end().await;
}

#[tokio::test]
async fn what_traffic_does_to_keys_is_seen_and_ended() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    with_pool(&house, &token, "http://127.0.0.1:9").await;
    let hub = house.control.hub().clone();
    let pool = hub
        .snapshots
        .load_full()
        .provider("up")
        .expect("enabled")
        .pool
        .clone();
    let now = Instant::now();
    let lease = hub
        .pools
        .lease(&pool, &"m".into(), now, &[])
        .expect("a key");
    lease.settle(
        KeyOutcome::RateLimited {
            retry_after: Some(Duration::from_secs(90)),
        },
        now,
    );
    let lease = hub
        .pools
        .lease(&pool, &"m".into(), now, &[])
        .expect("the other key");
    lease.settle(KeyOutcome::AuthFailed(401), now);

    let keys = house
        .call(Method::GET, "/api/key-pools/shared/keys", &token, None)
        .await;
    let keys = keys.body["items"].as_array().expect("a list").clone();
    let cooling = keys
        .iter()
        .find(|key| key["state"] == "cooling")
        .expect("one rests");
    assert!(
        cooling["cooling_seconds"]
            .as_u64()
            .is_some_and(|seconds| seconds > 80),
        "{cooling}"
    );
    let refused = keys
        .iter()
        .find(|key| key["state"] == "quarantined")
        .expect("one is set aside");
    assert_eq!(
        (
            &refused["last_error"],
            &refused["status_codes"],
            &refused["success_rate"]
        ),
        (&json!(401), &json!({"401": 1}), &json!(0.0)),
        "{refused}"
    );
    assert!(refused["last_used"].is_i64());
    let list = house
        .call(Method::GET, "/api/key-pools", &token, None)
        .await;
    let counts = &list.body["items"][0]["counts"];
    assert_eq!(
        (
            &counts["cooling"],
            &counts["quarantined"],
            &counts["active"]
        ),
        (&json!(1), &json!(1), &json!(0)),
        "{counts}"
    );

    let id = refused["id"].as_str().expect("an id");
    let reset = house
        .call(
            Method::POST,
            &format!("/api/key-pools/shared/keys/{id}/reset"),
            &token,
            None,
        )
        .await;
    assert_eq!(reset.body["state"], "active", "{}", reset.body);
    let all = house
        .call(Method::POST, "/api/key-pools/shared/reset", &token, None)
        .await;
    assert_eq!(all.body["touched"], 2, "{}", all.body);
    house.end().await;
}

#[tokio::test]
async fn all_keys_are_tested_and_a_good_one_comes_back() {
    let bad = r#"{"error":{"message":"no such key","type":"invalid_request_error"}}"#;
    let upstream = Upstream::start([
        Reply::json(200, ANSWER),
        Reply::json(401, bad),
        Reply::json(200, ANSWER),
    ])
    .await;
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    with_pool(&house, &token, &format!("http://{}", upstream.address)).await;
    let tested = house
        .call(Method::POST, "/api/key-pools/shared/test", &token, None)
        .await;
    let results = tested.body.as_array().expect("a list");
    let good = results.iter().filter(|result| result["ok"] == true).count();
    assert_eq!((results.len(), good), (2, 1), "{}", tested.body);
    let bad = results
        .iter()
        .find(|result| result["ok"] == false)
        .expect("one");
    assert_eq!(bad["status"], 401);
    let id = bad["id"].as_str().expect("an id");
    let key = house
        .call(Method::GET, "/api/key-pools/shared/keys", &token, None)
        .await;
    assert!(
        key.body.to_string().contains("\"quarantined\""),
        "{}",
        key.body
    );
    let again = house
        .call(
            Method::POST,
            &format!("/api/key-pools/shared/keys/{id}/test"),
            &token,
            None,
        )
        .await;
    assert_eq!(again.body["ok"], true, "{}", again.body);
    let keys = house
        .call(Method::GET, "/api/key-pools/shared/keys", &token, None)
        .await;
    assert!(
        !keys.body.to_string().contains("\"quarantined\""),
        "{}",
        keys.body
    );
    let sent: std::collections::BTreeSet<String> = upstream
        .asked()
        .iter()
        .map(|asked| {
            asked.headers["authorization"]
                .to_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(
        sent,
        [format!("Bearer {ONE}"), format!("Bearer {TWO}")].into()
    );
    house.end().await;
}

#[tokio::test]
async fn pools_of_files_and_keys_of_providers_are_listed_too() {
    let house = House::of_yaml("API_KEY_POOLS:\n  filed: {keys: [sk-of-the-file-number-1, sk-of-the-file-number-2]}\nPROVIDERS:\n  - {name: own, base_url: 'https://own.example', api_key: sk-of-the-file-number-3}\n").await;
    let token = house.person(Role::Admin).await;
    let list = house
        .call(Method::GET, "/api/key-pools", &token, None)
        .await;
    let items = list.body["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2, "{}", list.body);
    assert_eq!(
        (
            &items[0]["name"],
            &items[0]["source"],
            &items[0]["of_provider"],
            &items[0]["counts"]["total"]
        ),
        (&json!("filed"), &json!("file"), &json!(false), &json!(2))
    );
    assert_eq!(
        (&items[1]["name"], &items[1]["of_provider"]),
        (&json!("own"), &json!(true))
    );
    let keys = house
        .call(Method::GET, "/api/key-pools/filed/keys", &token, None)
        .await;
    assert_eq!(
        keys.body["items"].as_array().map(Vec::len),
        Some(2),
        "{}",
        keys.body
    );
    let refused = house
        .call(
            Method::POST,
            "/api/key-pools/filed/keys",
            &token,
            Some(&json!({"keys": ["x"]})),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("read_only")),
        "{}",
        refused.body
    );
    house.end().await;
}

#[tokio::test]
async fn changes_of_keys_are_streamed_one_frame_each() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    with_pool(&house, &token, "http://127.0.0.1:9").await;
    let mut response = house.open("/api/key-pools/events", &token).await;
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let mut body: http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error> =
        response.take_body().into();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame())
            .await
            .expect("in time");
        let data = frame
            .expect("more")
            .expect("sound")
            .into_data()
            .expect("data");
        let text = String::from_utf8(data.to_vec()).expect("text");
        let json = text
            .strip_prefix("event: keys\ndata: ")
            .and_then(|rest| rest.strip_suffix("\n\n"))
            .expect("one whole event")
            .to_owned();
        serde_json::from_str::<Value>(&json).expect("JSON")
    };
    let all = next().await;
    assert_eq!(all["keys"].as_array().map(Vec::len), Some(2), "{all}");
    let hub = house.control.hub().clone();
    let pool = hub
        .snapshots
        .load_full()
        .provider("up")
        .expect("enabled")
        .pool
        .clone();
    let lease = hub
        .pools
        .lease(&pool, &"m".into(), Instant::now(), &[])
        .expect("a key");
    lease.settle(KeyOutcome::AuthFailed(403), Instant::now());
    let changed = next().await;
    assert_eq!(
        changed["keys"].as_array().map(Vec::len),
        Some(1),
        "{changed}"
    );
    assert_eq!(
        (&changed["keys"][0]["state"], &changed["keys"][0]["pool"]),
        (&json!("quarantined"), &json!("shared"))
    );
    // Places are bounded, and given back.
    let mut watchers = Vec::new();
    loop {
        let watcher = house.open("/api/key-pools/events", &token).await;
        if watcher.status() == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        watchers.push(watcher);
        assert!(watchers.len() < 200, "there is a bound");
    }
    watchers.pop();
    let watcher = house.open("/api/key-pools/events", &token).await;
    assert_eq!(watcher.status(), StatusCode::OK);
    house.end().await;
}

#[tokio::test]
async fn the_order_of_keys_is_said_and_in_force_at_once() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    with_pool(&house, &token, "http://127.0.0.1:9").await;
    let call = async |method, path: &str, body: Value| {
        let body = Some(body).filter(|body| !body.is_null());
        let answer = house.call(method, path, &token, body.as_ref()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        answer.body
    };
    let in_force = || {
        let snapshot = house.control.hub().snapshots.load_full();
        let pool = &snapshot.provider("up").expect("enabled").pool;
        let weights: Vec<u32> = pool.keys.iter().map(|key| key.weight).collect();
        (pool.rotation.as_str(), weights)
    };
    let pool = call(Method::GET, "/api/key-pools/shared", Value::Null).await;
    assert_eq!(pool["strategy"], "round_robin", "{pool}");
    let wanted = json!({"name": "shared", "strategy": "weighted"});
    let pool = call(Method::PUT, "/api/key-pools/shared", wanted).await;
    assert_eq!(
        (&pool["strategy"], &pool["counts"]["total"]),
        (&json!("weighted"), &json!(2)),
        "{pool}"
    );
    let keys = call(Method::GET, "/api/key-pools/shared/keys", Value::Null).await;
    assert_eq!(keys["items"][0]["weight"], 1, "{keys}");
    let ids = ids(&keys["items"]);
    let path = format!("/api/key-pools/shared/keys/{}", ids[1]);
    let key = call(Method::PUT, &path, json!({"weight": 4})).await;
    assert_eq!((&key["weight"], &key["label"]), (&json!(4), &json!("")));
    let key = call(Method::PUT, &path, json!({"label": "big account"})).await;
    assert_eq!(
        (&key["weight"], &key["label"]),
        (&json!(4), &json!("big account")),
        "what is not named stays"
    );
    assert_eq!(in_force(), ("weighted", vec![1, 4]));
    let more = json!({"keys": ["sk-canary-number-three-3"], "weight": 2});
    call(Method::POST, "/api/key-pools/shared/keys", more).await;
    assert_eq!(in_force(), ("weighted", vec![1, 4, 2]));

    // What leaves says it, and what comes in is taken at its word.
    let text = house.text("/api/config/export", &token).await;
    assert!(
        text.contains("strategy: weighted") && text.contains("weight: 4"),
        "{text}"
    );
    let document = "API_KEY_POOLS:\n  second:\n    strategy: priority\n    keys: [sk-canary-second-1, {key: sk-canary-second-2, weight: 7}]\n";
    let import = json!({"document": document});
    call(Method::POST, "/api/config/import", import).await;
    let keys = call(Method::GET, "/api/key-pools/second/keys", Value::Null).await;
    assert_eq!(
        (&keys["items"][0]["weight"], &keys["items"][1]["weight"]),
        (&json!(1), &json!(7)),
        "{keys}"
    );

    let audit = call(Method::GET, "/api/audit?limit=50", Value::Null).await;
    let edits = audit["items"].as_array().expect("a list");
    let edits = edits.iter().filter(|entry| entry["action"] == "update_key");
    assert_eq!(edits.count(), 2, "{audit}");
    for (path, body) in [
        (
            "/api/key-pools/shared",
            json!({"name": "shared", "strategy": "fastest"}),
        ),
        (&*path, json!({"weight": -1})),
        (&*path, json!({"key": "sk-another"})),
    ] {
        let refused = house.call(Method::PUT, path, &token, Some(&body)).await;
        assert!(
            [400, 422].contains(&refused.status.as_u16()),
            "{body}: {}",
            refused.body
        );
    }
    house.end().await;
}

#[tokio::test]
async fn keys_of_a_provider_have_an_order_too() {
    let house = House::of_yaml("PROVIDERS:\n  - {name: own, base_url: 'https://own.example', key_strategy: least_busy, keys: [sk-of-the-file-number-1, {key: sk-of-the-file-number-2, weight: 5}]}\n").await;
    let token = house.person(Role::Admin).await;
    let get = async |path: &str| house.call(Method::GET, path, &token, None).await.body;
    let pool = get("/api/key-pools/own").await;
    assert_eq!(
        (&pool["strategy"], &pool["of_provider"]),
        (&json!("least_busy"), &json!(true)),
        "{pool}"
    );
    let keys = get("/api/key-pools/own/keys").await;
    assert_eq!(keys["items"][1]["weight"], 5, "{keys}");
    let id = keys["items"][1]["id"].as_str().expect("an id");
    let path = format!("/api/key-pools/own/keys/{}", id.replace('#', "%23"));
    let refused = house
        .call(Method::PUT, &path, &token, Some(&json!({"weight": 1})))
        .await;
    assert_eq!(refused.problem(), (409, "read_only"), "{}", refused.body);

    let made = json!({"name": "mine", "base_url": "https://mine.example", "key_strategy": "random", "keys": [ONE, TWO]});
    let made = house
        .call(Method::POST, "/api/providers", &token, Some(&made))
        .await;
    assert_eq!(made.body["key_strategy"], "random", "{}", made.body);
    let pool = get("/api/key-pools/mine").await;
    assert_eq!(pool["strategy"], "random", "{pool}");
    house.end().await;
}
