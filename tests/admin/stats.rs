//! Statistics, the request log, and the older call for it.

use std::pin::Pin;
use std::time::Duration;

use bridge::admin::Role;
use bridge::ledger::capture_context;
use bridge::store::entities::{capture, request, request_detail};
use bridge::store::histogram::slot;
use bridge::store::requests::{Entry, Knowledge, Try};
use bridge::store::{Purpose, now_ms};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::house::House;

/// A token, and the id of the one it belongs to.
async fn somebody(house: &House, role: Role) -> (String, String) {
    let token = house.person(role).await;
    let me = house.call(Method::GET, "/api/auth/me", &token, None).await;
    let id = me.body["id"].as_str().expect("an id").to_owned();
    (token, id)
}

/// The type and the text of an answer.
async fn text(house: &House, path: &str, token: &str) -> (String, String) {
    let response = house.open(path, token).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let kind = response.content_type().unwrap_or_default().to_owned();
    let body = response.into_body().into_string().await;
    (kind, body.expect("a whole body"))
}

/// The frames of an answer that goes on.
struct Frames(Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>>);

impl Frames {
    async fn open(house: &House, path: &str, token: &str) -> Self {
        let response = house.open(path, token).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.content_type(), Some("text/event-stream"));
        Self(Box::pin(response.into_body().into_bytes_stream()))
    }

    async fn next(&mut self) -> String {
        let frame = timeout(Duration::from_secs(20), self.0.next()).await;
        let frame = frame.expect("in time").expect("a frame").expect("sound");
        String::from_utf8(frame.to_vec()).expect("text")
    }

    async fn expect_silence(&mut self) {
        let frame = timeout(Duration::from_millis(300), self.0.next()).await;
        assert!(frame.is_err(), "{frame:?}");
    }
}

/// Requests of two users, the last one minutes ago.
async fn fill(house: &House, owners: [&str; 2]) {
    let now = now_ms();
    let entries: Vec<Entry> = (0..60_i64)
        .map(|n| {
            let id = format!("req_{n:02}");
            let is_bad = n % 6 == 5;
            let at = now - (60 - n) * 60_000;
            Entry {
                request: request::Model {
                    id: id.clone(),
                    at,
                    call_kind: "generate".to_owned(),
                    ingress: "anthropic".to_owned(),
                    upstream: Some("openai-chat".to_owned()),
                    client_key_id: Some(format!("key-{}", n % 2)),
                    client_key: Some(format!("=name {}", n % 2)),
                    owner_id: Some(owners[(n % 2) as usize].to_owned()),
                    provider: Some("qwen".to_owned()),
                    model_asked: "sonnet".to_owned(),
                    model_served: Some(if n < 40 { "qwen-plus" } else { "qwen-max" }.to_owned()),
                    route: Some("role".to_owned()),
                    outcome: if is_bad { "error" } else { "ok" }.to_owned(),
                    status: if is_bad { 502 } else { 200 },
                    error: is_bad.then(|| "50% broke\nFAKE {\"line\":1}".to_owned()),
                    input: 100,
                    uncached: 60,
                    cache_read: 40,
                    output: 10,
                    usage_source: Some("vendor".to_owned()),
                    cost_nano_usd: (n != 0).then_some(1_000),
                    total_us: 200_000,
                    total_slot: slot(200_000),
                    attempts: 1,
                    ..request::Model::default()
                },
                details: Some(request_detail::Model {
                    id: id.clone(),
                    at,
                    attempts: r#"[{"provider":"qwen","status":200}]"#.to_owned(),
                    trace: r#"["alias of `x`"]"#.to_owned(),
                    fidelity: "[]".to_owned(),
                    usages: None,
                }),
                capture: (n == 1).then(|| {
                    let vault = house.control.store().vault();
                    let text = r#"{"client_request":{"text":"secret question"}}"#;
                    capture::Model {
                        sealed: vault.seal(Purpose::Capture, &capture_context(&id), text),
                        bytes: 100,
                        id,
                        at,
                    }
                }),
            }
        })
        .collect();
    house
        .control
        .store()
        .keep(entries, Try::First, &mut Knowledge::default())
        .await
        .expect("the database takes them");
}

#[tokio::test]
async fn statistics_by_group_and_time() {
    let house = House::new().await;
    let (viewer, _) = somebody(&house, Role::Viewer).await;
    let (member, own) = somebody(&house, Role::Member).await;
    fill(&house, [&own, "another"]).await;
    let get = async |token: &str, path: &str| house.call(Method::GET, path, token, None).await;

    let all = get(&viewer, "/api/stats/requests?range=24h&group_by=model").await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.body);
    let lines = all.body["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["key"], json!(["qwen-plus"]));
    assert_eq!(
        (&lines[0]["requests"], &lines[1]["requests"]),
        (&json!(40), &json!(20))
    );
    let p95 = lines[0]["latency"]["p95_ms"].as_f64().expect("a time");
    assert!((p95 / 200.0 - 1.0).abs() < 0.2, "{p95}");
    assert_eq!(lines[0]["unpriced"], 1);

    let by_time = get(
        &viewer,
        "/api/stats/requests?range=2h&group_by=time&step=hour",
    )
    .await;
    let sum: i64 = by_time.body["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line["requests"].as_i64().expect("a count"))
        .sum();
    assert_eq!(sum, 60, "{}", by_time.body);

    // Somebody who may see their own alone sees their own alone, whoever they name.
    for path in [
        "/api/stats/token-usage?range=24h",
        "/api/stats/token-usage?range=24h&user_id=another",
    ] {
        let own = get(&member, path).await;
        assert_eq!(own.body["lines"][0]["requests"], 30, "{path}");
        assert_eq!(own.body["lines"][0]["cache_rate"], 0.4);
    }
    let by_key = get(&viewer, "/api/stats/token-usage?range=24h&group_by=key").await;
    assert_eq!(by_key.body["lines"][0]["label"], "=name 0");
    let by_user = get(&viewer, "/api/stats/requests?range=24h&group_by=user").await;
    let labels = by_user.body["lines"].to_string();
    assert!(labels.contains("@example.test"), "{labels}");

    let older = get(&member, "/debug_logs?log_type=model_mapping&limit=50").await;
    assert_eq!(older.body["count"], 30, "{}", older.body);
    assert_eq!(older.body["logs"][0]["mapped_model"], "qwen-max");

    let summary = get(&viewer, "/api/stats/summary?range=24h").await;
    assert_eq!(summary.body["requests"]["requests"], 60);
    assert_eq!(summary.body["requests"]["errors"], 10);
    assert_eq!(summary.body["requests_before"]["requests"], 0);
    assert_eq!(summary.body["tokens"]["cost_nano_usd"], 59_000);
    assert_eq!(summary.body["providers"][0]["label"], "qwen");

    for bad in ["range=1y", "from=5&to=4", "step=fortnight", "group_by=moon"] {
        let path = format!("/api/stats/requests?{bad}");
        let refused = get(&viewer, &path).await;
        assert!(
            refused.status.is_client_error(),
            "{bad}: {}",
            refused.status
        );
    }
    for path in [
        "/api/stats/requests",
        "/api/stats/token-usage",
        "/api/stats/summary",
    ] {
        assert_eq!(
            get("", path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    house.end().await;
}

#[tokio::test]
async fn attack_09_and_23_logs_of_others_and_words_that_are_no_words() {
    let house = House::new().await;
    let (viewer, _) = somebody(&house, Role::Viewer).await;
    let (operator, _) = somebody(&house, Role::Operator).await;
    let (member, own) = somebody(&house, Role::Member).await;
    fill(&house, [&own, "another"]).await;
    let get = async |token: &str, path: &str| house.call(Method::GET, path, token, None).await;
    let count = |answer: &Value| answer["items"].as_array().map_or(0, Vec::len);

    let first = get(&viewer, "/api/logs?limit=25").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(
        (count(&first.body), &first.body["items"][0]["id"]),
        (25, &json!("req_59"))
    );
    let next = first.body["next"].as_str().expect("more");
    let second = get(&viewer, &format!("/api/logs?limit=100&cursor={next}")).await;
    assert_eq!(
        (count(&second.body), &second.body["items"][0]["id"]),
        (35, &json!("req_34"))
    );
    assert!(second.body["next"].is_null());

    for (query, wanted) in [
        ("search=50%25", 10),
        ("search=5_%25", 0),
        ("search=%27%20OR%201%3D1%20--", 0),
        ("provider=qwen%27%20OR%20%271%27%3D%271", 0),
        ("model=qwen-max", 20),
        ("status=5", 10),
        ("outcome=ok", 50),
        ("id=req_07", 1),
    ] {
        let found = get(&viewer, &format!("/api/logs?limit=100&{query}")).await;
        assert_eq!(found.status, StatusCode::OK, "{query}: {}", found.body);
        assert_eq!(count(&found.body), wanted, "{query}");
    }
    let nul = get(&viewer, "/api/logs?search=%00").await;
    assert_eq!(nul.problem(), (400, "malformed"));
    let capped = get(&viewer, "/api/logs?limit=100000").await;
    assert_eq!(count(&capped.body), 60);
    for bad in ["cursor=x", "cursor=1%2E%00", "status=abc"] {
        let answer = get(&viewer, &format!("/api/logs?{bad}")).await;
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{bad}");
    }

    assert_eq!(
        count(
            &get(&member, "/api/logs?limit=100&user_id=another")
                .await
                .body
        ),
        30
    );
    assert_eq!(
        get(&member, "/api/logs/req_00").await.status,
        StatusCode::OK
    );
    let foreign = get(&member, "/api/logs/req_01").await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    // Bodies are for those who may change things, and for the owner.
    let seen = get(&viewer, "/api/logs/req_01").await;
    assert!(seen.body["capture"].is_null(), "{}", seen.body);
    assert_eq!(seen.body["attempts"][0]["provider"], "qwen");
    let seen = get(&operator, "/api/logs/req_01").await;
    assert_eq!(
        seen.body["capture"]["client_request"]["text"],
        "secret question"
    );

    let refused = house
        .call(Method::DELETE, "/api/logs/req_02", &operator, None)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let admin = house.person(Role::Admin).await;
    let gone = house
        .call(Method::DELETE, "/api/logs/req_02", &admin, None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(
        get(&viewer, "/api/logs/req_02").await.status,
        StatusCode::NOT_FOUND
    );
    house.end().await;
}

#[tokio::test]
async fn attack_26_what_leaves_is_inert() {
    let house = House::new().await;
    let (viewer, _) = somebody(&house, Role::Viewer).await;
    let (member, own) = somebody(&house, Role::Member).await;
    fill(&house, [&own, "another"]).await;
    let (kind, csv) = text(&house, "/api/logs/export?format=csv", &viewer).await;
    assert!(kind.starts_with("text/csv"), "{kind}");
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 62, "names, sixty requests, an end");
    assert!(lines[0].starts_with("id,at,call"));
    assert!(csv.contains("\"'=name 0\"") && !csv.contains(",\"=name"));
    let (kind, jsonl) = text(
        &house,
        "/api/logs/export?format=jsonl&outcome=error",
        &viewer,
    )
    .await;
    assert!(kind.starts_with("application/x-ndjson"), "{kind}");
    let rows: Vec<Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).expect("one document per line"))
        .collect();
    assert_eq!(rows.len(), 10);
    let (_, own) = text(&house, "/api/logs/export?user_id=another", &member).await;
    assert_eq!(own.lines().count(), 30);
    let (_, few) = text(&house, "/api/logs/export?limit=7", &viewer).await;
    assert_eq!(few.lines().count(), 7);
    house.end().await;
}

#[tokio::test]
async fn an_export_has_what_the_list_has() {
    let house = House::new().await;
    let (viewer, _) = somebody(&house, Role::Viewer).await;
    fill(&house, ["one", "another"]).await;
    let odd = Entry {
        request: request::Model {
            id: "req_odd".to_owned(),
            at: now_ms(),
            call_kind: "count".to_owned(),
            ingress: "gemini".to_owned(),
            upstream: Some("anthropic".to_owned()),
            route: Some("side road".to_owned()),
            outcome: "error".to_owned(),
            status: 429,
            error_code: Some("rate_limited".to_owned()),
            total_us: 3_000_000,
            total_slot: slot(3_000_000),
            ..request::Model::default()
        },
        details: None,
        capture: None,
    };
    let store = house.control.store();
    store
        .keep([odd], Try::First, &mut Knowledge::default())
        .await
        .expect("kept");
    for asked in [
        "id=req_odd",
        "call=count",
        "ingress=gemini",
        "upstream=anthropic",
        "route=side%20road",
        "error_code=rate_limited",
        "min_ms=2000",
        "status=4",
    ] {
        let list = house
            .call(Method::GET, &format!("/api/logs?{asked}"), &viewer, None)
            .await;
        let (_, lines) = text(&house, &format!("/api/logs/export?{asked}"), &viewer).await;
        let ids: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone())
            .collect();
        assert_eq!(ids, ["req_odd"], "{asked}");
        assert_eq!(list.body["items"][0]["id"], "req_odd", "{asked}");
    }
    house.end().await;
}

#[tokio::test]
async fn how_much_is_kept_is_said_and_in_force_at_once() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let operator = house.person(Role::Operator).await;
    let before = house
        .call(Method::GET, "/api/logs/settings", &operator, None)
        .await;
    assert_eq!(before.body["capture"], "off");
    let wanted = json!({
        "capture": "errors", "retention_days": 30, "capture_retention_days": 2, "capture_max_bytes": 1_000_000,
    });
    let path = "/api/logs/settings";
    let refused = house
        .call(Method::PUT, path, &operator, Some(&wanted))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let done = house.call(Method::PUT, path, &admin, Some(&wanted)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_eq!(done.body["retention_days"], 30);
    let mode = house.control.hub().ledger.capture_mode();
    assert_eq!(mode, bridge::ledger::CaptureMode::Errors);
    let mut bad = wanted.clone();
    bad["capture"] = json!("some");
    let refused = house.call(Method::PUT, path, &admin, Some(&bad)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let swept = house
        .call(Method::POST, "/api/logs/sweep", &admin, None)
        .await;
    assert_eq!(swept.status, StatusCode::OK, "{}", swept.body);
    house.end().await;
}

#[tokio::test]
async fn the_tail_tells_of_requests_as_they_end() {
    let house = House::new().await;
    let viewer = house.person(Role::Viewer).await;
    let member = house.person(Role::Member).await;
    let mut all = Frames::open(&house, "/api/logs/tail", &viewer).await;
    let mut own = Frames::open(&house, "/api/logs/tail", &member).await;
    assert_eq!(all.next().await, ": watching\n\n");
    assert_eq!(own.next().await, ": watching\n\n");
    house
        .control
        .hub()
        .ledger
        .put(Box::new(bridge::ledger::Record {
            id: "req_tail".to_owned(),
            at_ms: 5,
            call: "generate",
            ingress: "gemini",
            model_asked: "line\nbreak\n\nevent: fake".to_owned(),
            ..bridge::ledger::Record::default()
        }));
    let frame = all.next().await;
    let data = frame
        .strip_prefix("event: request\ndata: ")
        .expect("an event");
    let row: Value = serde_json::from_str(data.trim_end()).expect("one document on one line");
    assert_eq!(
        (&row["id"], &row["outcome"]),
        (&json!("req_tail"), &json!("cancelled"))
    );
    assert!(frame.ends_with("\n\n") && frame.matches('\n').count() == 3);
    // It is nobody's of theirs.
    own.expect_silence().await;
    drop((all, own));
    // There is a bound on those who watch at once, and places are given back.
    let mut watchers = Vec::new();
    for _ in 0..32 {
        watchers.push(Frames::open(&house, "/api/logs/tail", &viewer).await);
    }
    let refused = house
        .call(Method::GET, "/api/logs/tail", &viewer, None)
        .await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    drop(watchers);
    let mut again = Frames::open(&house, "/api/logs/tail", &viewer).await;
    assert_eq!(again.next().await, ": watching\n\n");
    house.end().await;
}
