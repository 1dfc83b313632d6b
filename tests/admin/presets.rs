//! Presets, and the older paths for switching.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

const FILES: &str = "PROVIDERS:\n  - {name: openai, api_key: sk-0123456789}\n  - {name: claude-of-the-team, api_format: anthropic, base_url: 'https://api.anthropic.com', api_key: sk-ant-0123, models: {big: [claude-opus-4-6], small: [claude-haiku-4-5]}}\n";

#[tokio::test]
async fn seven_presets_name_current_models_and_say_what_is_missing() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let list = house.call(Method::GET, "/api/presets", &token, None).await;
    let presets = list.body["items"].as_array().expect("a list");
    assert_eq!(presets.len(), 7, "{}", list.body);
    let preset = |name: &str| {
        presets
            .iter()
            .find(|preset| preset["name"] == name)
            .unwrap_or_else(|| unreachable!("{name}"))
    };
    let premium = preset("openai_premium");
    assert!(
        premium["big_model"]
            .as_str()
            .is_some_and(|model| model.starts_with("openai/gpt-")),
        "{premium}"
    );
    assert_eq!(premium["warnings"], json!([]));
    // What the team's provider lists is preferred, and called by its name.
    let pure = preset("anthropic_pure");
    assert_eq!(
        (&pure["big_model"], &pure["small_model"]),
        (
            &json!("claude-of-the-team/claude-opus-4-6"),
            &json!("claude-of-the-team/claude-haiku-4-5")
        ),
        "{pure}"
    );
    let gemini = preset("gemini_balanced");
    assert!(
        gemini["warnings"]
            .as_array()
            .is_some_and(|warnings| !warnings.is_empty()),
        "no such provider: {gemini}"
    );
    for (method, path) in [
        (Method::PUT, "/api/presets/cross_speed"),
        (Method::DELETE, "/api/presets/cross_speed"),
    ] {
        let body = json!({"name": "cross_speed", "big_model": "a", "small_model": "b"});
        let refused = house.call(method, path, &token, Some(&body)).await;
        assert_eq!(refused.body["code"], "read_only", "{}", refused.body);
    }
    house.end().await;
}

#[tokio::test]
async fn a_preset_is_looked_at_applied_and_told() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let body = json!({"name": "mine", "big_model": "openai/gpt-5.5", "small_model": "openai/gpt-5.4-nano"});
    let made = house
        .call(Method::POST, "/api/presets", &token, Some(&body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.body["is_active"], false);
    let dry = house
        .call(
            Method::POST,
            "/api/presets/mine/apply?dry_run=true",
            &token,
            None,
        )
        .await;
    assert_eq!(
        (&dry.body["applied"], &dry.body["changes"][0]),
        (
            &json!(false),
            &json!({"key": "BIG_MODEL", "after": "openai/gpt-5.5"})
        ),
        "{}",
        dry.body
    );
    assert_eq!(house.control.in_force().settings.big_model, None);
    let applied = house
        .call(Method::POST, "/api/presets/mine/apply", &token, None)
        .await;
    assert_eq!(applied.body["applied"], true, "{}", applied.body);
    let snapshot = house.control.hub().snapshots.load_full();
    assert_eq!(
        (
            snapshot.roles.big.as_deref(),
            snapshot.roles.small.as_deref()
        ),
        (Some("openai/gpt-5.5"), Some("openai/gpt-5.4-nano"))
    );
    let read = house
        .call(Method::GET, "/api/presets/mine", &token, None)
        .await;
    assert_eq!(read.body["is_active"], true, "{}", read.body);
    house.end().await;
}

#[tokio::test]
async fn older_paths_switch_and_tell() {
    let house = House::of_yaml(FILES).await;
    let token = house.person(Role::Operator).await;
    let switch = |body: Value| {
        let (house, token) = (&house, &token);
        async move {
            house
                .call(Method::POST, "/switch_model", token, Some(&body))
                .await
        }
    };
    let switched = switch(json!({"preset": "anthropic_pure", "preserve_conversation": true})).await;
    assert_eq!(
        (switched.status, &switched.body["success"]),
        (StatusCode::OK, &json!(true)),
        "{}",
        switched.body
    );
    assert_eq!(
        switched.body["current_models"]["big_model"],
        "claude-of-the-team/claude-opus-4-6"
    );
    let config = house.call(Method::GET, "/config", &token, None).await;
    assert_eq!(
        config.body["current_preset"], "anthropic_pure",
        "{}",
        config.body
    );
    let switched =
        switch(json!({"big_model": "openai/gpt-5.5", "small_model": "openai/gpt-5.4-mini"})).await;
    assert_eq!(
        switched.body["current_models"]["small_model"], "openai/gpt-5.4-mini",
        "{}",
        switched.body
    );
    let models = house.call(Method::GET, "/models", &token, None).await;
    assert_eq!(
        models.body["presets"].as_object().map(serde_json::Map::len),
        Some(7),
        "{}",
        models.body
    );
    assert!(models.body["models"]["claude-of-the-team"].is_array());
    for body in [
        json!({}),
        json!({"preset": "anthropic_pure", "preserve_conversation": false}),
    ] {
        assert_eq!(switch(body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(
        switch(json!({"preset": "none"})).await.status,
        StatusCode::NOT_FOUND
    );
    for path in ["/config", "/models"] {
        let nobody = house.call(Method::GET, path, "", None).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(bridge::admin::owns(path));
    }
    house.end().await;
}
