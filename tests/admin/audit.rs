//! Who changed what.

use bridge::admin::Role;
use bridge::store::now_ms;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

const PASSWORD: &str = "correct horse battery";

async fn rows(house: &House, token: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/audit?{query}");
    let list = house.call(Method::GET, &path, token, None).await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.body);
    list.body["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn log_ins_and_changes_are_written_down() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let id = house.user("ada@example.test", Role::Member, PASSWORD).await;
    house.login("ada@example.test", PASSWORD).await;
    house.login("ada@example.test", "wrong horse battery").await;
    house.login("typed-a-secret-here", "x").await;
    let role = json!({"role": "viewer"});
    let path = format!("/api/users/{id}/role");
    house.call(Method::PUT, &path, &admin, Some(&role)).await;

    let seen = rows(&house, &admin, "kind=session").await;
    let told: Vec<_> = seen
        .iter()
        .map(|row| (row["action"].as_str(), row["target"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("login_failed"), Some("an unknown account")),
            (Some("login_failed"), Some("ada@example.test")),
            (Some("login"), Some("ada@example.test")),
        ],
        "newest first, and nothing of what strangers type"
    );
    let changes = rows(&house, &admin, "action=update&kind=user").await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["before"]["role"], "member");
    assert_eq!(changes[0]["after"]["role"], "viewer");
    assert_eq!(changes[0]["target_id"], id);
    assert!(changes[0]["actor_id"].is_string());

    for (query, found) in [
        (format!("target={id}"), 2),
        ("target=ada%40".to_owned(), 4),
        ("actor=ada%40".to_owned(), 1),
        ("actor=%25".to_owned(), 0),
        (format!("from={}", now_ms() + 60_000), 0),
        (format!("to={}", now_ms() - 60_000), 0),
        ("action=login&kind=user".to_owned(), 0),
    ] {
        // Failed log-ins of a known account have it as their target too.
        let seen = rows(&house, &admin, &query).await;
        let of_ada = seen.len();
        if query.starts_with("target=") && !query.contains("%40") {
            assert!(of_ada >= found, "{query}: {seen:?}");
        } else {
            assert_eq!(of_ada, found, "{query}: {seen:?}");
        }
    }
    let all = rows(&house, &admin, "limit=100").await.len();
    let first = house
        .call(Method::GET, "/api/audit?limit=2", &admin, None)
        .await;
    let next = format!("limit=100&cursor={}", first.text("next"));
    assert_eq!(rows(&house, &admin, &next).await.len(), all - 2);
    house.end().await;
}
