//! The first start.

use std::sync::Arc;

use bridge::admin::first_start;
use bridge::config::{Secret, Settings};
use bridge::store::now_ms;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

async fn is_set_up(house: &House) -> bool {
    let seen = house.call(Method::GET, "/api/setup", "", None).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert_eq!(seen.body.as_object().map(serde_json::Map::len), Some(1));
    seen.body["complete"] == true
}

#[tokio::test]
async fn a_random_password_must_be_changed_and_ends_the_set_up() {
    let house = House::new().await;
    let welcome = first_start(&house.control).await.expect("a database");
    let welcome = welcome.expect("nobody was there");
    let password = welcome.password.as_ref().expect("a random one");
    assert!(password.expose().len() >= 20);
    assert!(welcome.words().contains(password.expose()));
    assert!(welcome.words().contains(welcome.client_key.expose()));
    assert!(!format!("{welcome:?}").contains(password.expose()));
    let snapshot = house.control.hub().snapshots.load_full();
    let key = welcome.client_key.expose();
    assert!(snapshot.client_keys.find(key, now_ms()).is_some());

    assert!(!is_set_up(&house).await);
    let entered = house.login("admin@localhost", password.expose()).await;
    assert_eq!(entered.body["user"]["role"], "admin", "{}", entered.body);
    let token = entered.text("access_token");
    let early = house.call(Method::GET, "/api/users", token, None).await;
    assert_eq!(early.problem(), (403, "forbidden"));
    let body = json!({
        "current_password": password.expose(), "new_password": "correct horse battery"
    });
    let changed = house
        .call(Method::POST, "/api/auth/password", token, Some(&body))
        .await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
    assert!(is_set_up(&house).await);
    let users = house.call(Method::GET, "/api/users", token, None).await;
    assert_eq!(users.status, StatusCode::OK);
    let again = first_start(&house.control).await.expect("a database");
    assert!(again.is_none(), "once only");
    house.end().await;
}

#[tokio::test]
async fn a_given_password_counts_if_it_is_strong() {
    let files = |email: Option<&str>, password: &str| Settings {
        admin_email: email.map(ToOwned::to_owned),
        admin_password: Some(Secret::new(password)),
        ..Settings::default()
    };
    for (email, password, why) in [
        (None, "admin", "ADMIN_PASSWORD is too weak"),
        (None, "password1234", "ADMIN_PASSWORD is too weak"),
        (Some("root"), "correct horse battery", "ADMIN_EMAIL"),
    ] {
        let house = House::with(files(email, password)).await;
        let refused = first_start(&house.control).await.expect_err(password);
        assert!(refused.to_string().contains(why), "{refused}");
        assert!(!refused.to_string().contains("password1234"), "{refused}");
        assert_eq!(house.login("admin@localhost", password).await.status, 401);
        house.end().await;
    }
    let password = "correct horse battery";
    let house = House::with(files(Some("Ada@Example.test"), password)).await;
    let welcome = first_start(&house.control).await.expect("a database");
    let welcome = welcome.expect("nobody was there");
    assert!(welcome.password.is_none() && !welcome.words().contains(password));
    assert!(is_set_up(&house).await);
    let entered = house.login("ada@example.test", password).await;
    assert_eq!(entered.body["user"]["must_change_password"], false);
    house.end().await;
}

#[tokio::test]
async fn of_two_starts_at_once_one_makes_the_administrator() {
    let house = House::new().await;
    let control = Arc::clone(&house.control);
    let (a, b) = tokio::join!(first_start(&house.control), first_start(&control));
    let made = [a, b]
        .into_iter()
        .filter_map(|made| made.expect("a database"));
    assert_eq!(made.count(), 1);
    house.end().await;
}
