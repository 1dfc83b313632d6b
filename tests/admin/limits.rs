//! Limits of providers that the database defines are in force in the data plane.

use std::time::Instant;

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn concurrency_of_a_defined_provider_and_its_keys_is_bounded() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    let provider = json!({"name": "qwen", "api_format": "openai", "base_url": "https://qwen.example/v1",
        "keys": ["one-key-of-two", "two-key-of-two"], "max_concurrency": 3, "max_concurrency_per_key": 1});
    let made = house
        .call(Method::POST, "/api/providers", &token, Some(&provider))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let hub = house.control.hub();
    let snapshot = hub.snapshots.load_full();
    let provider = snapshot.provider("qwen").expect("defined");
    let places: Vec<_> = (0..4).map(|_| hub.gates.enter(provider)).collect();
    assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 3);
    let now = Instant::now();
    let keys: Vec<_> = (0..3)
        .map(|_| hub.pools.lease(&provider.pool, &"m".into(), now, &[]))
        .collect();
    assert_eq!(keys.iter().filter(|key| key.is_ok()).count(), 2);
    drop((places, keys));
    assert!(hub.gates.enter(provider).is_ok());
    assert!(
        hub.pools
            .lease(&provider.pool, &"m".into(), now, &[])
            .is_ok()
    );
    house.end().await;
}

#[tokio::test]
async fn amounts_that_are_none_are_refused_by_the_api_and_by_files() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    for amount in [
        "-5", "-0.01", "NaN", "inf", "-inf", "1e400", "five", "5 EUR",
    ] {
        for period in ["budget_day", "budget_month"] {
            let body = json!({"name": "ci", "limits": {period: amount}});
            let refused = house
                .call(Method::POST, "/api/api-keys", &token, Some(&body))
                .await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{period} {amount}"
            );
            let yaml = format!(
                "CLIENT_KEYS: [{{name: ci, key: client-secret-0001, {period}: \"{amount}\"}}]\n"
            );
            let told = refused_file(&yaml);
            assert!(
                told.contains("app.yml:1") && told.contains(period),
                "{told}"
            );
        }
    }
    // What JSON and YAML themselves have for it.
    for amount in ["-5", "-0.5", ".nan", ".inf", "-.inf"] {
        let yaml =
            format!("CLIENT_KEYS: [{{name: ci, key: client-secret-0001, budget_day: {amount}}}]\n");
        assert!(refused_file(&yaml).contains("budget_day"), "{amount}");
    }
    let rates = |price: serde_json::Value| json!({"name": "x", "model": "m", "cost": {"input": price, "output": 1.0}});
    for price in [json!(-0.1), json!("NaN"), json!(null), json!(1e300)] {
        let refused = house
            .call(
                Method::POST,
                "/api/models/overrides",
                &token,
                Some(&rates(price.clone())),
            )
            .await;
        assert!(
            [400, 422].contains(&refused.status.as_u16()),
            "{price}: {} {}",
            refused.status,
            refused.body
        );
    }
    let newer = json!({
        "format": "model-catalog/1", "source": "x", "snapshot_date": "2030-01-01",
        "providers": {"openai": {"name": "OpenAI", "models": [{"id": "m", "cost": {"input": -1.0, "output": 1.0}}]}},
    });
    let refused = house
        .call(Method::PUT, "/api/models/catalogue", &token, Some(&newer))
        .await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.body
    );
    house.end().await;
}

/// What is wrong with an `app.yml`.
fn refused_file(yaml: &str) -> String {
    let folder = std::env::temp_dir().join(format!("bridge-amounts-{}", bridge::store::new_id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("app.yml");
    std::fs::write(&file, yaml).expect("a temporary file");
    let options = bridge::config::LoadOptions {
        config: Some(file),
        directory: folder.clone(),
        environment: bridge::config::Environment::default(),
        host: None,
        port: None,
        log_level: None,
    };
    let told = bridge::config::load(&options)
        .err()
        .map(|errors| errors.to_string());
    let _ = std::fs::remove_dir_all(&folder);
    told.unwrap_or_else(|| unreachable!("accepted: {yaml}"))
}
