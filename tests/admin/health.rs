//! How providers fare, and how the hub stands.

use std::time::Instant;

use bridge::admin::Role;
use bridge::pool::KeyOutcome;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;
use crate::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

#[tokio::test]
async fn health_comes_from_traffic_and_from_checks_alone() {
    let upstream = Upstream::start([
        Reply::json(500, r#"{"error":{"message":"out of order"}}"#),
        Reply::json(200, ANSWER),
    ])
    .await;
    let house = House::of_yaml(&format!(
        "PROVIDERS:\n  - {{name: up, base_url: 'http://{}', keys: [sk-canary-one-0001, sk-canary-two-0002], allow_private_network: true, models: {{small: [m]}}}}\n",
        upstream.address
    ))
    .await;
    let token = house.person(Role::Operator).await;
    let state = || async {
        let health = house
            .call(Method::GET, "/api/health/up", &token, None)
            .await;
        (
            health.body["state"].as_str().expect("a state").to_owned(),
            health.body["reasons"].to_string(),
        )
    };
    assert_eq!(state().await.0, "unchecked");
    assert!(upstream.asked().is_empty(), "nothing is asked unasked");

    let bad = house
        .call(Method::POST, "/api/health/up/check", &token, None)
        .await;
    assert_eq!(
        (&bad.body["ok"], &bad.body["status"]),
        (&json!(false), &json!(500)),
        "{}",
        bad.body
    );
    let (now, why) = state().await;
    assert!(
        now == "partially_healthy" || now == "unhealthy",
        "{now} {why}"
    );
    assert!(why.contains("out of order"), "{why}");
    let good = house
        .call(Method::POST, "/api/health/check", &token, None)
        .await;
    assert_eq!(good.body[0]["ok"], true, "{}", good.body);
    assert_eq!(state().await.0, "healthy");
    let history = house
        .call(Method::GET, "/api/health/up/history", &token, None)
        .await;
    let items = history.body["items"].as_array().expect("a list");
    assert_eq!(
        (items.len(), &items[0]["ok"], &items[1]["ok"]),
        (2, &json!(true), &json!(false)),
        "{}",
        history.body
    );

    // What traffic shows, and its end.
    let hub = house.control.hub().clone();
    let snapshot = hub.snapshots.load_full();
    let provider = snapshot.provider("up").expect("enabled");
    let lease = hub
        .pools
        .lease(&provider.pool, &"m".into(), Instant::now(), &[])
        .expect("a key");
    lease.settle(KeyOutcome::AuthFailed(403), Instant::now());
    assert_eq!(state().await.0, "partially_healthy");
    for _ in 0..5 {
        let pass = hub
            .breakers
            .admit("up", "m", snapshot.breaker, Instant::now())
            .expect("closed");
        pass.failure(Instant::now());
    }
    assert_eq!(state().await.0, "unhealthy");
    let breakers = house
        .call(Method::GET, "/api/health/breakers", &token, None)
        .await;
    assert_eq!(breakers.body[0]["phase"], "open", "{}", breakers.body);
    let reset = house
        .call(Method::POST, "/api/health/up/reset", &token, None)
        .await;
    assert_eq!(
        reset.body,
        json!({"breakers": 1, "keys": 2}),
        "{}",
        reset.body
    );
    assert_eq!(state().await.0, "healthy");
    let all = house.call(Method::GET, "/api/health", &token, None).await;
    assert_eq!(all.body["state"], "healthy", "{}", all.body);
    assert!(!all.body.to_string().contains("canary"));
    let none = house
        .call(Method::GET, "/api/health/none", &token, None)
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    house.end().await;
}

#[tokio::test]
async fn the_hub_tells_how_it_stands() {
    let house = House::new().await;
    let viewer = house.person(Role::Viewer).await;
    let system = house.call(Method::GET, "/api/system", &viewer, None).await;
    assert_eq!(system.status, StatusCode::OK, "{}", system.body);
    let database = &system.body["database"];
    assert_eq!(database["ok"], true);
    assert!(
        database["size"].as_i64().is_some_and(|size| size > 0),
        "{database}"
    );
    assert!(
        database["migrations"]
            .as_array()
            .is_some_and(|steps| steps.len() >= 3 && steps.iter().all(|step| step["done"] == true)),
        "{database}"
    );
    assert_eq!(system.body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(system.body["problems"], json!([]));
    house.end().await;
}
