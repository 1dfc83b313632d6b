//! Providers.

use bridge::admin::Role;
use bridge::store::entities::audit;
use poem::http::{Method, StatusCode};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::house::House;
use crate::upstream::{Reply, Upstream};

const CANARY: &str = "sk-canary-0123456789-end1";
const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    let made = house
        .call(
            Method::POST,
            "/api/providers",
            &token,
            Some(&json!({"name": "qwen", "api_format": "openai", "base_url": "https://qwen.example/v1", "priority": 3,
                "api_key": CANARY, "headers": {"X-Team": "hush-hush-header-value"}, "models": {"big": ["qwen3-max"]}})),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["source"], "database");
    assert_eq!(made.body["priority"], 3);
    assert!(
        made.body["secrets"]["keys"][0]
            .as_str()
            .is_some_and(|mask| mask.starts_with("sk-c...end1#"))
    );
    assert!(made.body["secrets"]["headers"]["X-Team"].is_string());
    let keys = |house: &House| {
        let settings = house.control.in_force().settings.clone();
        let provider = settings.provider("qwen").expect("defined").clone();
        (
            provider
                .keys
                .iter()
                .map(|key| key.expose().to_owned())
                .collect::<Vec<_>>(),
            provider.headers.len(),
        )
    };
    assert_eq!(keys(&house), (vec![CANARY.to_owned()], 1));

    // What is not named stays; what was read may be sent back as it is.
    let mut read = house
        .call(Method::GET, "/api/providers/qwen", &token, None)
        .await;
    assert!(!read.body.to_string().contains("canary"), "{}", read.body);
    read.body["timeout"] = json!(30);
    let etag = read.etag.clone().expect("a tag");
    let kept = house
        .call_with(
            Method::PUT,
            "/api/providers/qwen",
            &token,
            &[("if-match", &etag)],
            Some(&read.body),
        )
        .await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
    assert_eq!(keys(&house), (vec![CANARY.to_owned()], 1));

    // `null` removes; a list replaces; a header of `null` stays.
    read.body["headers"] = json!({"X-Team": null, "X-More": "other-header-value"});
    read.body["keys"] = json!(["one-key-of-many", "two-key-of-many\n", "one-key-of-many"]);
    let changed = house
        .call(Method::PUT, "/api/providers/qwen", &token, Some(&read.body))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        keys(&house),
        (
            vec!["one-key-of-many".to_owned(), "two-key-of-many".to_owned()],
            2
        )
    );
    read.body["headers"] = Value::Null;
    read.body["keys"] = Value::Null;
    let emptied = house
        .call(Method::PUT, "/api/providers/qwen", &token, Some(&read.body))
        .await;
    assert_eq!(emptied.status, StatusCode::OK, "{}", emptied.body);
    assert_eq!(keys(&house), (vec![], 0));

    let audit = audit::Entity::find()
        .all(house.control.store().read())
        .await
        .expect("rows");
    assert!(audit.len() >= 4);
    assert!(
        !format!("{audit:?}").contains("canary") && !format!("{audit:?}").contains("hush-hush")
    );
    house.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    for (body, field, words) in [
        (
            json!({"name": "a", "base_url": "ftp://x"}),
            "base_url",
            "http",
        ),
        (
            json!({"name": "a", "base_url": "https://x.example", "api_format": "soap"}),
            "api_format",
            "must be one of",
        ),
        (
            json!({"name": "a b", "base_url": "https://x.example"}),
            "",
            "cannot be the name",
        ),
        (
            json!({"name": "a", "base_url": "https://x.example", "key_pool": "none"}),
            "key_pool",
            "does not exist",
        ),
    ] {
        let refused = house
            .call(Method::POST, "/api/providers", &token, Some(&body))
            .await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.body
        );
        let error = &refused.body["errors"][0];
        assert_eq!(error["field"], field, "{}", refused.body);
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(words)),
            "{}",
            refused.body
        );
    }
    let list = house
        .call(Method::GET, "/api/providers", &token, None)
        .await;
    assert_eq!(list.body["items"], json!([]), "nothing was kept");
    house.end().await;
}

#[tokio::test]
async fn files_own_what_they_name() {
    let house = House::of_yaml("PROVIDERS:\n  - {name: filed, base_url: 'https://filed.example/v1', api_key: sk-of-the-file-123456}\n").await;
    let token = house.person(Role::Admin).await;
    let list = house
        .call(Method::GET, "/api/providers", &token, None)
        .await;
    assert_eq!(list.body["items"][0]["source"], "file", "{}", list.body);
    assert!(
        list.body["items"][0]["place"]
            .as_str()
            .is_some_and(|place| place.ends_with("app.yml:2"))
    );
    let body = json!({"name": "filed", "base_url": "https://other.example"});
    for (method, path) in [
        (Method::PUT, "/api/providers/filed"),
        (Method::DELETE, "/api/providers/filed"),
        (Method::POST, "/api/providers"),
        (Method::POST, "/api/providers/filed/disable"),
    ] {
        let refused = house.call(method.clone(), path, &token, Some(&body)).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (StatusCode::CONFLICT, &json!("read_only")),
            "{method} {path}"
        );
        assert!(
            refused.body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("app.yml:2"))
        );
    }
    house.end().await;
}

#[tokio::test]
async fn the_dial_guard_is_an_administrators() {
    let house = House::new().await;
    let operator = house.person(Role::Operator).await;
    let admin = house.person(Role::Admin).await;
    let body = json!({"name": "local", "base_url": "http://127.0.0.1:9/v1", "allow_private_network": true, "models": {"small": ["m"]}});
    let refused = house
        .call(Method::POST, "/api/providers", &operator, Some(&body))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let made = house
        .call(Method::POST, "/api/providers", &admin, Some(&body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    // Nor may others turn it elsewhere.
    let mut moved = body.clone();
    moved["base_url"] = json!("http://127.0.0.1:10/v1");
    let refused = house
        .call(Method::PUT, "/api/providers/local", &operator, Some(&moved))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    moved["base_url"] = body["base_url"].clone();
    moved["priority"] = json!(7);
    let allowed = house
        .call(Method::PUT, "/api/providers/local", &operator, Some(&moved))
        .await;
    assert_eq!(allowed.status, StatusCode::OK, "{}", allowed.body);
    // Without leave, the guard holds in tests too.
    let closed =
        json!({"name": "closed", "base_url": "http://127.0.0.1:9/v1", "models": {"small": ["m"]}});
    house
        .call(Method::POST, "/api/providers", &operator, Some(&closed))
        .await;
    let tested = house
        .call(Method::POST, "/api/providers/closed/test", &operator, None)
        .await;
    assert_eq!(tested.body["ok"], false, "{}", tested.body);
    assert!(
        tested.body["error"]
            .as_str()
            .is_some_and(|error| error.contains("allow_private_network")),
        "{}",
        tested.body
    );
    house.end().await;
}

#[tokio::test]
async fn a_test_tells_latency_and_faults_and_models_are_adopted() {
    let upstream = Upstream::start([
        Reply::json(200, ANSWER),
        Reply::json(
            401,
            &format!(r#"{{"error":{{"message":"wrong key {CANARY}","type":"auth"}}}}"#),
        ),
        Reply::json(
            200,
            r#"{"object":"list","data":[{"id":"two"},{"id":"one"}]}"#,
        ),
    ])
    .await;
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    let body = json!({"name": "up", "base_url": format!("http://{}", upstream.address), "enabled": false, "api_key": CANARY,
        "allow_private_network": true, "models": {"big": ["large"], "small": ["one"]}});
    let made = house
        .call(Method::POST, "/api/providers", &token, Some(&body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);

    let good = house
        .call(Method::POST, "/api/providers/up/test", &token, None)
        .await;
    assert_eq!(
        (
            good.status,
            &good.body["ok"],
            &good.body["status"],
            &good.body["model"]
        ),
        (StatusCode::OK, &json!(true), &json!(200), &json!("one")),
        "{}",
        good.body
    );
    assert!(good.body["latency_ms"].is_u64());
    let bad = house
        .call(
            Method::POST,
            "/api/providers/up/test?model=large",
            &token,
            None,
        )
        .await;
    assert_eq!(
        (&bad.body["ok"], &bad.body["status"], &bad.body["model"]),
        (&json!(false), &json!(401), &json!("large")),
        "{}",
        bad.body
    );
    assert!(!bad.body.to_string().contains("canary"), "{}", bad.body);

    let offered = house
        .call(Method::GET, "/api/providers/up/models", &token, None)
        .await;
    assert_eq!(
        offered.body,
        json!([{"id": "one", "listed": true}, {"id": "two", "listed": false}])
    );
    let adopted = house
        .call(
            Method::POST,
            "/api/providers/up/models",
            &token,
            Some(&json!({"models": ["two", "one"], "list": "middle"})),
        )
        .await;
    assert_eq!(
        adopted.body,
        json!({"big": ["large"], "middle": ["two", "one"], "small": ["one"]}),
        "{}",
        adopted.body
    );

    let on = house
        .call(Method::POST, "/api/providers/up/enable", &token, None)
        .await;
    assert_eq!(on.body["enabled"], true, "{}", on.body);
    assert!(
        house
            .control
            .hub()
            .snapshots
            .load_full()
            .provider("up")
            .is_some()
    );
    let asked = upstream.asked();
    assert_eq!(asked[0].path, "/v1/chat/completions");
    assert_eq!(
        asked[0].headers["authorization"],
        format!("Bearer {CANARY}")
    );
    assert_eq!(asked[2].path, "/v1/models");
    house.end().await;
}

#[tokio::test]
async fn vendors_are_there_to_pick() {
    let house = House::new().await;
    let token = house.person(Role::Viewer).await;
    let presets = house
        .call(Method::GET, "/api/providers/presets", &token, None)
        .await;
    let names: Vec<&str> = presets
        .body
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|preset| preset["name"].as_str())
        .collect();
    for name in [
        "openai",
        "anthropic",
        "gemini",
        "qwen",
        "modelscope",
        "aiping",
        "deepseek",
        "moonshot",
        "zhipu",
        "openrouter",
        "groq",
        "mistral",
        "xai",
        "azure",
        "ollama",
        "vllm",
        "llama.cpp",
        "lm-studio",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    house.end().await;
}

#[tokio::test]
async fn a_pool_does_not_hide_the_keys_of_a_provider() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    let provider = |name: &str| json!({"name": name, "api_format": "openai", "base_url": "https://p.example/v1", "keys": ["sk-canary-of-its-own"]});
    let make =
        async |path: &str, body: Value| house.call(Method::POST, path, &token, Some(&body)).await;
    let made = make("/api/providers", provider("shad")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let refused = make("/api/key-pools", json!({"name": "shad"})).await;
    assert_eq!(refused.problem(), (409, "name_taken"), "{}", refused.body);
    let said = refused.body["detail"].to_string();
    assert!(said.contains("keys of its own"), "{said}");
    let pool = json!({"name": "pool", "keys": ["sk-canary-of-the-pool"]});
    let made = make("/api/key-pools", pool).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let refused = make("/api/providers", provider("pool")).await;
    assert_eq!(refused.problem(), (409, "name_taken"), "{}", refused.body);

    // What still uses a thing is told to whoever wants that gone.
    let rule = json!({"name": "gr", "targets": [{"provider": "shad"}]});
    let made = make("/api/routes", rule).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let kept = house
        .call(Method::DELETE, "/api/providers/shad", &token, None)
        .await;
    let flaw = &kept.body["errors"][0];
    let said = flaw["message"].as_str().expect("words");
    assert!(
        said.contains("still used") && said.contains("`gr`"),
        "{said}"
    );
    assert_eq!(flaw["fix"], "change that first");
    house.end().await;
}
