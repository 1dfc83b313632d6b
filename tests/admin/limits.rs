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
