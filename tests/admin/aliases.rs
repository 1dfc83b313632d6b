//! Names for models.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn an_alias_from_its_making_to_its_end() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    let made = house
        .call(
            Method::POST,
            "/api/aliases",
            &token,
            Some(&json!({"name": "fast", "model": "demo/one"})),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.etag.as_deref(), Some("\"1\""));
    assert_eq!(made.body["enabled"], true);
    // It is in force at once.
    let in_force = |house: &House| house.control.in_force().settings.aliases.clone();
    assert_eq!(
        in_force(&house),
        [("fast".to_owned(), "demo/one".to_owned())]
    );

    let again = house
        .call(
            Method::POST,
            "/api/aliases",
            &token,
            Some(&json!({"name": "fast", "model": "x"})),
        )
        .await;
    assert_eq!(
        (again.status, &again.body["code"]),
        (StatusCode::CONFLICT, &json!("name_taken"))
    );
    assert_eq!(again.content_type, "application/problem+json");

    let new = json!({"name": "fast", "model": "demo/two"});
    let stale = house
        .call_with(
            Method::PUT,
            "/api/aliases/fast",
            &token,
            &[("if-match", "\"7\"")],
            Some(&new),
        )
        .await;
    assert_eq!(
        stale.status,
        StatusCode::PRECONDITION_FAILED,
        "{}",
        stale.body
    );
    let changed = house
        .call_with(
            Method::PUT,
            "/api/aliases/fast",
            &token,
            &[("if-match", "\"1\"")],
            Some(&new),
        )
        .await;
    assert_eq!(
        (changed.status, changed.etag.as_deref()),
        (StatusCode::OK, Some("\"2\"")),
        "{}",
        changed.body
    );
    assert_eq!(
        in_force(&house),
        [("fast".to_owned(), "demo/two".to_owned())]
    );

    let gone = house
        .call(Method::DELETE, "/api/aliases/fast", &token, None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert!(in_force(&house).is_empty());
    let missing = house
        .call(Method::GET, "/api/aliases/fast", &token, None)
        .await;
    assert_eq!(
        (missing.status, &missing.body["code"]),
        (StatusCode::NOT_FOUND, &json!("not_found"))
    );
    house.end().await;
}

#[tokio::test]
async fn pages_are_capped_and_lead_on() {
    let house = House::new().await;
    let token = house.person(Role::Operator).await;
    for number in 0..5 {
        let body = json!({"name": format!("a{number}"), "model": "demo/one"});
        let made = house
            .call(Method::POST, "/api/aliases", &token, Some(&body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    let first = house
        .call(Method::GET, "/api/aliases?limit=2", &token, None)
        .await;
    assert_eq!(
        first.body["items"].as_array().map(Vec::len),
        Some(2),
        "{}",
        first.body
    );
    assert_eq!(first.body["next"], "a1");
    let last = house
        .call(
            Method::GET,
            "/api/aliases?limit=100000&cursor=a1",
            &token,
            None,
        )
        .await;
    assert_eq!(last.body["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(last.body["next"], json!(null));
    let found = house
        .call(Method::GET, "/api/aliases?search=a3", &token, None)
        .await;
    assert_eq!(found.body["items"][0]["name"], "a3");
    house.end().await;
}

#[tokio::test]
async fn only_those_who_may() {
    let house = House::new().await;
    let body = json!({"name": "fast", "model": "demo/one"});
    let nobody = house
        .call(Method::POST, "/api/aliases", "", Some(&body))
        .await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{}", nobody.body);
    let viewer = house.person(Role::Viewer).await;
    let seen = house.call(Method::GET, "/api/aliases", &viewer, None).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let refused = house
        .call(Method::POST, "/api/aliases", &viewer, Some(&body))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let member = house.person(Role::Member).await;
    let refused = house.call(Method::GET, "/api/aliases", &member, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    house.end().await;
}
