//! Changes are live at once, on every hub, and disturb no request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bridge::admin::Role;
use bridge::config::{Kind, TrustedProxies};
use bridge::control::{self, Actor};
use bridge::store::definitions::{insert, replace};
use bridge::store::entities::definition::Model;
use bridge::web::{self, Entrance};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;
use crate::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
const CHANGES: usize = 1000;

/// A hub that can be called, in front of an upstream.
async fn called() -> (House, std::net::SocketAddr) {
    let upstream = Upstream::start([Reply::json(200, ANSWER)]).await;
    let house = House::of_yaml(&format!(
        "AUTH: open\nPROVIDERS:\n  - {{name: up, base_url: 'http://{}', api_key: sk-0123456789, allow_private_network: true}}\n",
        upstream.address
    ))
    .await;
    let entrance = Arc::new(Entrance::new(
        Arc::clone(house.control.hub()),
        TrustedProxies::default(),
    ));
    let listener = web::listen("127.0.0.1", 0).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(web::serve(
        entrance,
        listener,
        web::Limits::default(),
        std::future::pending(),
    ));
    (house, address)
}

/// One request: status, route and model.
async fn ask(
    client: &Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
    address: std::net::SocketAddr,
    model: &str,
) -> (u16, String, String) {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let request = http::Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("sound");
    let response = client.request(request).await.expect("an answer");
    let text = |name: &str| {
        let value = response.headers().get(name);
        let value = value.and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let found = (
        response.status().as_u16(),
        text("x-bridge-route"),
        text("x-bridge-model"),
    );
    let body = response.into_body().collect().await;
    assert!(body.is_ok(), "a whole answer");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_55_a_thousand_changes_under_load_fail_no_request() {
    let (house, address) = called().await;
    let document = |number: usize| json!({"match": {"model": ["any"]}, "targets": [{"provider": "up", "model": format!("v{number}")}]});
    let actor = Actor::default;
    let change = house.control.begin(actor()).await.expect("a database");
    let mut row = insert(change.work(), Kind::Route, "r0", 1, true, &document(0))
        .await
        .expect("a row");
    change.commit().await.expect("sound");

    let done = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let mut workers = Vec::new();
    for _ in 0..4 {
        let (done, asked) = (Arc::clone(&done), Arc::clone(&asked));
        workers.push(tokio::spawn(async move {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let (status, route, model) = ask(&client, address, "any").await;
                assert_eq!(status, 200);
                let number: usize = route[1..].parse().expect("a number");
                assert_eq!(model, format!("v{number}"), "one version or the other");
                assert!(number >= last, "never back to an older one");
                last = number;
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for number in 1..=CHANGES {
        let change = house.control.begin(actor()).await.expect("a database");
        let next = Model {
            name: format!("r{number}"),
            document: document(number).to_string(),
            ..row.clone()
        };
        row = replace(change.work(), &next).await.expect("a row");
        change.commit().await.expect("sound");
        // A bad one in between is refused, and what was in force stays.
        if number % 100 == 0 {
            let change = house.control.begin(actor()).await.expect("a database");
            let bad = Model {
                document: json!({"targets": ["nobody"]}).to_string(),
                ..row.clone()
            };
            replace(change.work(), &bad).await.expect("a row");
            assert!(change.commit().await.is_err());
        }
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (_, route, _) = ask(&client, address, "any").await;
    assert_eq!(
        route,
        format!("r{CHANGES}"),
        "in force for the next request"
    );
    done.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("no request failed");
    }
    assert!(asked.load(Ordering::Relaxed) > 50, "there was load");
    let hub = house.control.hub();
    assert_eq!(hub.pools.stats(Instant::now()).len(), 1, "nothing piles up");
    house.end().await;
}

#[tokio::test]
async fn attack_51_without_its_database_the_data_plane_goes_on() {
    let (house, address) = called().await;
    let token = house.person(Role::Admin).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    assert_eq!(ask(&client, address, "up/m").await.0, 200);
    let store = house.control.store();
    store.write().clone().close().await.expect("closed");
    store.read().clone().close().await.expect("closed");
    let away = house.call(Method::GET, "/api/aliases", &token, None).await;
    assert_eq!(
        (away.status, &away.body["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("database_away")),
        "{}",
        away.body
    );
    assert!(house.control.refresh().await.is_err());
    assert_eq!(ask(&client, address, "up/m").await.0, 200);
    house.end().await;
}

#[tokio::test]
async fn a_change_on_one_hub_is_live_on_another_within_a_second() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    let neighbour = house.neighbour().await;
    let following = tokio::spawn(control::follow(Arc::clone(&neighbour)));
    // Time to begin to listen.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for number in 0..3 {
        let body = json!({"name": format!("a{number}"), "model": "demo/one"});
        let made = house
            .call(Method::POST, "/api/aliases", &token, Some(&body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let since = Instant::now();
        while neighbour.in_force().settings.aliases.len() <= number {
            let waited = since.elapsed();
            assert!(waited < Duration::from_secs(5), "not there yet");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // A busy machine is granted some more.
        assert!(
            since.elapsed() < Duration::from_millis(1500),
            "{:?}",
            since.elapsed()
        );
    }
    following.abort();
    let store = neighbour.store();
    let _ = store.write().clone().close().await;
    let _ = store.read().clone().close().await;
    house.end().await;
}
