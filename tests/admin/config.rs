//! Settings, their history, and configuration as code.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

fn setting<'a>(config: &'a Value, key: &str) -> &'a Value {
    let settings = config["settings"].as_array().expect("a list");
    settings
        .iter()
        .find(|setting| setting["key"] == key)
        .unwrap_or_else(|| unreachable!("{key}: {config}"))
}

#[tokio::test]
async fn settings_change_while_the_hub_runs() {
    let house = House::of_yaml("MAX_TOKENS_LIMIT: 5000\n").await;
    let admin = house.person(Role::Admin).await;
    let read = house.call(Method::GET, "/api/config", &admin, None).await;
    assert_eq!(
        (
            &setting(&read.body, "MODE")["value"],
            &setting(&read.body, "MODE")["source"]
        ),
        (&json!("transformer"), &json!("default"))
    );
    let filed = setting(&read.body, "MAX_TOKENS_LIMIT");
    assert_eq!(
        (&filed["value"], &filed["source"], &filed["is_read_only"]),
        (&json!(5000), &json!("file"), &json!(true))
    );
    assert!(
        filed["place"]
            .as_str()
            .is_some_and(|place| place.ends_with("app.yml:1"))
    );
    let etag = read.etag.clone().expect("a tag");
    let body = json!({"settings": {"BIG_MODEL": "x/large", "FALLBACK_STRATEGY": "least_busy"}});
    let put = house
        .call_with(
            Method::PUT,
            "/api/config",
            &admin,
            &[("if-match", &etag)],
            Some(&body),
        )
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    assert_eq!(setting(&put.body, "BIG_MODEL")["source"], "database");
    let snapshot = house.control.hub().snapshots.load_full();
    assert_eq!(snapshot.roles.big.as_deref(), Some("x/large"));
    let stale = house
        .call_with(
            Method::PUT,
            "/api/config",
            &admin,
            &[("if-match", &etag)],
            Some(&body),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);

    for (settings, status, code) in [
        (
            json!({"MAX_TOKENS_LIMIT": 1}),
            StatusCode::CONFLICT,
            "read_only",
        ),
        (
            json!({"PORT": 1}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (
            json!({"MODE": "magic"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (
            json!({"BIG_MODEL": "y", "MODE": "magic"}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
    ] {
        let body = json!({"settings": settings});
        let refused = house
            .call(Method::PUT, "/api/config", &admin, Some(&body))
            .await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{body}: {}",
            refused.body
        );
    }
    let snapshot = house.control.hub().snapshots.load_full();
    assert_eq!(
        snapshot.roles.big.as_deref(),
        Some("x/large"),
        "all or nothing"
    );

    let body = json!({"settings": {"MAX_BODY_SIZE": 4096}});
    let put = house
        .call(Method::PUT, "/api/config", &admin, Some(&body))
        .await;
    assert_eq!(setting(&put.body, "MAX_BODY_SIZE")["value"], 4096);
    assert_eq!(house.control.hub().snapshots.load().max_body, 4096);

    let reset = json!({"settings": {"BIG_MODEL": null}});
    let put = house
        .call(Method::PUT, "/api/config", &admin, Some(&reset))
        .await;
    assert_eq!(setting(&put.body, "BIG_MODEL")["source"], "default");
    let history = house
        .call(Method::GET, "/api/config/history", &admin, None)
        .await;
    let newest = &history.body["items"][0];
    assert_eq!(
        (&newest["key"], &newest["before"], &newest["after"]),
        (&json!("BIG_MODEL"), &json!("x/large"), &Value::Null),
        "{}",
        history.body
    );
    let operator = house.person(Role::Operator).await;
    let refused = house
        .call(Method::PUT, "/api/config", &operator, Some(&reset))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    house.end().await;
}

const DOCUMENT: &str = "
BIG_MODEL: qwen/qwen3-max
API_KEY_POOLS:
  shared: {keys: [sk-canary-in-the-pool-1, sk-canary-in-the-pool-2], auth_header: x-api-key}
PROVIDERS:
  - name: qwen
    base_url: https://qwen.example/v1
    api_key: sk-canary-of-the-provider
    headers: {X-Team: hush-hush-hush}
    timeout: 10m
    models: [qwen3-max]
ROUTES:
  - {name: claude, priority: 5, match: {model: 'claude-*'}, targets: [qwen/qwen3-max], key_pool: shared}
ALIASES: {fast: qwen/qwen3-max}
PRESETS:
  - {name: mine, big_model: qwen/qwen3-max, small_model: qwen/qwen3-max}
";

#[tokio::test]
async fn what_is_exported_comes_back_without_its_secrets() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let wish = |document: &str, dry_run: bool, replace: bool| json!({"document": document, "dry_run": dry_run, "replace": replace});
    let dry = house
        .call(
            Method::POST,
            "/api/config/import",
            &admin,
            Some(&wish(DOCUMENT, true, false)),
        )
        .await;
    assert_eq!(dry.status, StatusCode::OK, "{}", dry.body);
    assert_eq!(dry.body["applied"], false);
    assert_eq!(dry.body["differences"].as_array().map(Vec::len), Some(6));
    assert!(house.control.in_force().settings.providers.is_empty());
    let done = house
        .call(
            Method::POST,
            "/api/config/import",
            &admin,
            Some(&wish(DOCUMENT, false, false)),
        )
        .await;
    assert_eq!(
        (done.status, &done.body["applied"]),
        (StatusCode::OK, &json!(true)),
        "{}",
        done.body
    );
    assert!(!done.body.to_string().contains("canary"), "{}", done.body);
    let settings = house.control.in_force().settings.clone();
    assert_eq!(settings.big_model.as_deref(), Some("qwen/qwen3-max"));
    assert_eq!(settings.key_pools[0].keys.len(), 2);
    assert_eq!(
        settings.provider("qwen").expect("there").timeout.as_secs(),
        600
    );

    let text = house.text("/api/config/export", &admin).await;
    assert!(
        text.contains("${QWEN_API_KEY}")
            && text.contains("${SHARED_API_KEY_2}")
            && text.contains("${QWEN_HEADER_X_TEAM}"),
        "{text}"
    );
    assert!(!text.contains("canary") && !text.contains("hush"), "{text}");
    let same = house
        .call(
            Method::POST,
            "/api/config/diff",
            &admin,
            Some(&wish(&text, true, true)),
        )
        .await;
    assert_eq!(same.status, StatusCode::OK, "{}", same.body);
    assert_eq!(same.body["differences"], json!([]), "{text}");
    assert_eq!(same.body["unchanged"], 6);

    // Another hub has none of the secrets that are referred to, so nothing may go out without them.
    let other = House::new().await;
    let stranger = other.person(Role::Admin).await;
    let wishes = wish(&text, false, false);
    let path = "/api/config/import";
    let done = other
        .call(Method::POST, path, &stranger, Some(&wishes))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let enabled = |house: &House| {
        let settings = house.control.in_force().settings.clone();
        settings.provider("qwen").is_some_and(|qwen| qwen.enabled)
    };
    assert!(enabled(&house) && !enabled(&other));
    let told = other
        .call(Method::POST, "/api/config/diff", &stranger, Some(&wishes))
        .await;
    for answer in [done, told] {
        let notes = answer.body["differences"].to_string();
        let words = "disabled, since its secrets are references";
        assert!(notes.contains(words), "{notes}");
    }
    other.end().await;

    // Changed, and one thing gone; secrets stay where they are referred to.
    let changed = text
        .replace("priority: 5", "priority: 6")
        .replace("fast:", "quick:");
    let done = house
        .call(
            Method::POST,
            "/api/config/import",
            &admin,
            Some(&wish(&changed, false, true)),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let mut said: Vec<String> = done.body["differences"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["action"].as_str().expect("text"),
                one["name"].as_str().expect("text")
            )
        })
        .collect();
    said.sort();
    assert_eq!(said, ["create quick", "delete fast", "update claude"]);
    let settings = house.control.in_force().settings.clone();
    assert_eq!(
        settings.provider("qwen").expect("there").keys[0].expose(),
        "sk-canary-of-the-provider"
    );
    house.end().await;
}

#[tokio::test]
async fn hostile_documents_come_to_nothing() {
    let house = House::of_yaml(
        "PROVIDERS:\n  - {name: filed, base_url: 'https://filed.example', api_key: sk-123456}\n",
    )
    .await;
    let admin = house.person(Role::Admin).await;
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        bomb.push_str(&format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{before}"); 10].join(", ")
        ));
    }
    let deep = format!("ALIASES: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let long = format!("ALIASES: {{a: {}}}", "x".repeat(1 << 20));
    for (document, what) in [
        (bomb.as_str(), "aliases of aliases"),
        (&deep, "depth"),
        (&long, "length"),
        ("a: [", "no YAML"),
        ("- 1", "no map"),
        ("PORT: 1", "a key of the file alone"),
        ("HOST: 0.0.0.0\nAUTH: open", "reach"),
        (
            "PROVIDERS: [{name: ../../etc, base_url: 'https://x.example'}]",
            "a name that is a path",
        ),
        (
            "PROVIDERS: [{name: x, base_url: 'file:///etc/passwd'}]",
            "a file",
        ),
        (
            "ROUTES: [{name: x, targets: [nobody]}]",
            "nobody's provider",
        ),
        (
            "ALIASES: {a: one}\nROUTES: [{name: x, targets: [nobody]}]",
            "one of two",
        ),
    ] {
        let body = json!({"document": document});
        for path in ["/api/config/diff", "/api/config/import"] {
            let refused = house.call(Method::POST, path, &admin, Some(&body)).await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{what} at {path}: {}",
                refused.body
            );
        }
    }
    assert!(
        house.control.in_force().settings.aliases.is_empty(),
        "all or nothing"
    );
    // References are never resolved, and files keep what they own.
    let body = json!({"document": "PROVIDERS: [{name: new, base_url: 'https://new.example', api_key: '${PATH}'}, {name: filed, base_url: 'https://evil.example'}]"});
    let done = house
        .call(Method::POST, "/api/config/import", &admin, Some(&body))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let settings = house.control.in_force().settings.clone();
    assert!(settings.provider("new").expect("there").keys.is_empty());
    assert_eq!(
        settings.provider("filed").expect("there").base_url,
        "https://filed.example"
    );
    assert_eq!(done.body["differences"][1]["action"], "skip");
    house.end().await;
}
