//! People, as administrators see and change them.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

const PASSWORD: &str = "correct horse battery";

async fn my_id(house: &House, token: &str) -> String {
    let me = house.call(Method::GET, "/api/auth/me", token, None).await;
    me.text("id").to_owned()
}

#[tokio::test]
async fn a_person_from_arrival_to_leaving() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let body = json!({"email": "Ada@Example.test", "name": "Ada", "role": "user"});
    let made = house
        .call(Method::POST, "/api/auth/register", &admin, Some(&body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.text("email"), "ada@example.test");
    assert_eq!(made.text("role"), "member", "the older word");
    let password = made.text("password").to_owned();
    assert!(password.len() >= 20, "a made password is shown once");
    let path = format!("/api/users/{}", made.text("id"));
    let seen = house.call(Method::GET, &path, &admin, None).await;
    assert_eq!(seen.etag.as_deref(), Some("\"1\""));
    assert!(seen.body.get("password").is_none(), "{}", seen.body);

    let again = house
        .call(Method::POST, "/api/users", &admin, Some(&body))
        .await;
    assert_eq!(again.problem(), (409, "name_taken"));

    // A made password must be changed before anything else.
    let entered = house.login("ada@example.test", &password).await;
    let token = entered.text("access_token").to_owned();
    assert_eq!(entered.body["user"]["must_change_password"], true);
    let early = house
        .call(Method::GET, "/api/auth/sessions", &token, None)
        .await;
    assert_eq!(early.problem(), (403, "forbidden"));
    assert!(early.text("detail").contains("password"));
    let body = json!({"current_password": password, "new_password": PASSWORD});
    let changed = house
        .call(Method::POST, "/api/auth/password", &token, Some(&body))
        .await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
    let now = house
        .call(Method::GET, "/api/auth/sessions", &token, None)
        .await;
    assert_eq!(now.status, StatusCode::OK);

    // A new role holds for sessions that are there.
    assert_eq!(
        house
            .call(Method::GET, "/api/aliases", &token, None)
            .await
            .status,
        403
    );
    let role = house
        .call(
            Method::PUT,
            &format!("{path}/role"),
            &admin,
            Some(&json!({"role": "viewer"})),
        )
        .await;
    assert_eq!(role.text("role"), "viewer", "{}", role.body);
    assert_eq!(
        house
            .call(Method::GET, "/api/aliases", &token, None)
            .await
            .status,
        200
    );

    let body = json!({"email": "ada@example.test", "role": "viewer", "enabled": false});
    let stale = house
        .call_with(
            Method::PUT,
            &path,
            &admin,
            &[("if-match", "\"1\"")],
            Some(&body),
        )
        .await;
    assert_eq!(stale.problem(), (412, "changed_meanwhile"));
    let disabled = house.call(Method::PUT, &path, &admin, Some(&body)).await;
    assert_eq!(disabled.body["enabled"], false, "{}", disabled.body);
    let shut = house.call(Method::GET, "/api/auth/me", &token, None).await;
    assert_eq!(shut.status, StatusCode::UNAUTHORIZED);

    let gone = house.call(Method::DELETE, &path, &admin, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    let missing = house.call(Method::GET, &path, &admin, None).await;
    assert_eq!(missing.problem(), (404, "not_found"));
    house.end().await;
}

#[tokio::test]
async fn a_reset_ends_all_sessions_of_theirs() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let id = house.user("ada@example.test", Role::Member, PASSWORD).await;
    let entered = house.login("ada@example.test", PASSWORD).await;
    let list = house
        .call(
            Method::GET,
            &format!("/api/users/{id}/sessions"),
            &admin,
            None,
        )
        .await;
    assert_eq!(list.body.as_array().map(Vec::len), Some(1), "{}", list.body);
    let path = format!("/api/users/{id}/password");
    let weak = house
        .call(
            Method::POST,
            &path,
            &admin,
            Some(&json!({"password": "hunter2"})),
        )
        .await;
    assert_eq!(weak.body["errors"][0]["field"], "password");
    let reset = house
        .call(Method::POST, &path, &admin, Some(&json!({})))
        .await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.body);
    let token = entered.text("access_token");
    let shut = house.call(Method::GET, "/api/auth/me", token, None).await;
    assert_eq!(shut.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.login("ada@example.test", PASSWORD).await.status, 401);
    let new = reset.text("password");
    let entered = house.login("ada@example.test", new).await;
    assert_eq!(entered.body["user"]["must_change_password"], true);
    let ended = house
        .call(
            Method::DELETE,
            &format!("/api/users/{id}/sessions"),
            &admin,
            None,
        )
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let token = entered.text("access_token");
    let shut = house.call(Method::GET, "/api/auth/me", token, None).await;
    assert_eq!(shut.status, StatusCode::UNAUTHORIZED);
    house.end().await;
}

#[tokio::test]
async fn nobody_touches_their_own_rights_and_one_admin_stays() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let id = my_id(&house, &admin).await;
    let path = format!("/api/users/{id}");
    let email = format!("{id}@example.test");
    let role = json!({"role": "viewer"});
    for (method, path, body) in [
        (Method::PUT, format!("{path}/role"), Some(role)),
        (
            Method::PUT,
            path.clone(),
            Some(json!({"email": email, "role": "member"})),
        ),
        (
            Method::PUT,
            path.clone(),
            Some(json!({"email": email, "role": "admin", "enabled": false})),
        ),
        (Method::DELETE, path.clone(), None),
        (Method::POST, format!("{path}/password"), Some(json!({}))),
    ] {
        let refused = house.call(method, &path, &admin, body.as_ref()).await;
        assert_eq!(refused.problem(), (403, "forbidden"), "{path}");
    }
    // A name of one's own is one's own.
    let body = json!({"email": email, "name": "Root", "role": "admin"});
    let renamed = house.call(Method::PUT, &path, &admin, Some(&body)).await;
    assert_eq!(renamed.text("name"), "Root", "{}", renamed.body);

    // Two administrators who remove each other at the same time: one stays.
    let other = house.person(Role::Admin).await;
    let other_path = format!("/api/users/{}", my_id(&house, &other).await);
    let (a, b) = tokio::join!(
        house.call(Method::DELETE, &other_path, &admin, None),
        house.call(Method::DELETE, &path, &other, None),
    );
    let gone = [&a, &b]
        .iter()
        .filter(|answer| answer.status == 204)
        .count();
    assert_eq!(gone, 1, "{} {}", a.body, b.body);
    house.end().await;
}

#[tokio::test]
async fn lists_are_searched_by_what_is_written() {
    let house = House::new().await;
    let operator = house.person(Role::Operator).await;
    house.user("a_b@example.test", Role::Member, PASSWORD).await;
    house.user("axb@example.test", Role::Member, PASSWORD).await;
    for (search, found) in [
        ("a_b@", 1),
        ("%25", 0),
        ("A_B@", 1),
        ("%27%20OR%201%3D1--", 0),
        ("!", 0),
    ] {
        let path = format!("/api/users?search={search}");
        let list = house.call(Method::GET, &path, &operator, None).await;
        let items = list.body["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(found), "{search}: {}", list.body);
    }
    let first = house
        .call(Method::GET, "/api/users?limit=1", &operator, None)
        .await;
    let next = format!("/api/users?limit=100&cursor={}", first.text("next"));
    let rest = house.call(Method::GET, &next, &operator, None).await;
    assert!(
        rest.body["items"]
            .as_array()
            .is_some_and(|items| items.len() >= 3)
    );
    assert!(rest.body["next"].is_null());
    for (body, field) in [
        (json!({"email": "no address"}), "email"),
        (json!({"email": "a@b", "role": "root"}), "role"),
        (json!({"email": "a@b", "password": "short"}), "password"),
    ] {
        let admin = house.person(Role::Admin).await;
        let refused = house
            .call(Method::POST, "/api/users", &admin, Some(&body))
            .await;
        assert_eq!(refused.problem(), (422, "invalid"), "{body}");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    house.end().await;
}
