//! The catalogue and the prices over it.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_price_over_the_catalogue_from_its_making_to_its_end() {
    let mut files = bridge::config::Settings::default();
    let mut provider = bridge::config::ProviderSettings::new(
        "openai",
        translator::Dialect::OpenAiChat,
        "https://api.openai.com/v1",
        bridge::snapshot::Source::File,
        bridge::config::Place::default(),
    );
    provider.keys = vec![bridge::config::Secret::new("sk-test")];
    files.providers.push(provider);
    let house = House::with(files).await;
    let (viewer, operator) = (
        house.person(Role::Viewer).await,
        house.person(Role::Operator).await,
    );
    let price = async || {
        let path = "/api/models/price?provider=openai&model=gpt-4o";
        house.call(Method::GET, path, &viewer, None).await.body
    };
    assert_eq!(price().await["source"], "catalogue");
    assert_eq!(price().await["catalogue"]["cost"]["input"], 2.5);
    let rates = |model: &str| {
        let snapshot = house.control.hub().snapshots.load_full();
        let found = snapshot.prices.price("openai", model);
        found.map(|price| price.rates.clone())
    };
    let listed = rates("gpt-4o").expect("a price");

    let path = "/api/models/overrides";
    let new = json!({"name": "ours", "provider": "openai", "model": "gpt-4o", "cost": {"input": 1.0, "output": 2.0}});
    let refused = house.call(Method::POST, path, &viewer, Some(&new)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = house.call(Method::POST, path, &operator, Some(&new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(price().await["source"], "manual");
    assert_ne!(rates("gpt-4o").expect("a price"), listed);

    for (what, bad) in [
        (
            "negative",
            json!({"name": "x", "model": "m", "cost": {"input": -1.0, "output": 1.0}}),
        ),
        (
            "half",
            json!({"name": "x", "model": "m", "cost": {"input": 1.0}}),
        ),
        (
            "the catalogue's name",
            json!({"name": "catalogue", "model": "m", "cost": {"input": 1.0, "output": 1.0}}),
        ),
    ] {
        let refused = house.call(Method::POST, path, &operator, Some(&bad)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
    }

    // A newer catalogue does not touch it.
    let newer = json!({
        "format": "model-catalog/1", "source": "house list", "snapshot_date": "2030-01-01",
        "providers": {"openai": {"name": "OpenAI", "models": [
            {"id": "gpt-4o", "cost": {"input": 9.0, "output": 9.0}},
            {"id": "gpt-9", "cost": {"input": 5.0, "output": 5.0}},
        ]}},
    });
    let catalogue = "/api/models/catalogue";
    let imported = house
        .call(Method::PUT, catalogue, &operator, Some(&newer))
        .await;
    assert_eq!(imported.status, StatusCode::OK, "{}", imported.body);
    assert_eq!(
        (&imported.body["source"], &imported.body["models"]),
        (&json!("imported"), &json!(2))
    );
    assert_eq!(price().await["source"], "manual");
    assert!(rates("gpt-9").is_some());
    let bad = house
        .call(
            Method::PUT,
            catalogue,
            &operator,
            Some(&json!({"format": "x"})),
        )
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let list = house.call(Method::GET, path, &viewer, None).await;
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1));
    let reset = house.call(Method::DELETE, catalogue, &operator, None).await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT, "{}", reset.body);
    assert!(rates("gpt-9").is_none());
    let again = house.call(Method::DELETE, catalogue, &operator, None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.body);
    let said = again.body["detail"].as_str().expect("words");
    assert!(said.contains("comes with the program"), "{said}");

    let gone = house
        .call(
            Method::DELETE,
            "/api/models/overrides/ours",
            &operator,
            None,
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert_eq!(rates("gpt-4o").expect("a price"), listed);
    house.end().await;
}

#[tokio::test]
async fn the_catalogue_is_listed_page_by_page() {
    let house = House::new().await;
    let member = house.person(Role::Member).await;
    let info = house
        .call(Method::GET, "/api/models/catalogue", &member, None)
        .await;
    assert_eq!(
        (&info.body["source"], &info.body["models"]),
        (&json!("builtin"), &json!(432))
    );
    let mut seen = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/api/models?limit=100{cursor}");
        let page = house.call(Method::GET, &path, &member, None).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        seen += page.body["items"].as_array().expect("items").len();
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={}", next.replace('/', "%2F"));
    }
    assert_eq!(seen, 432);
    let found = house
        .call(
            Method::GET,
            "/api/models?vendor=anthropic&search=OPUS-4-5",
            &member,
            None,
        )
        .await;
    assert_eq!(found.body["items"][0]["vendor"], "anthropic");
    assert_eq!(found.body["items"].as_array().map(Vec::len), Some(2));
    house.end().await;
}
