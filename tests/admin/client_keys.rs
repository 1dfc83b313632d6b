//! The keys that clients call the hub with: by the API, and what the data plane makes of them.

use bridge::admin::Role;
use bridge::store::now_ms;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{Answer, House};

/// Whether the data plane knows a key now.
fn works(house: &House, key: &str) -> bool {
    let snapshot = house.control.hub().snapshots.load_full();
    snapshot.client_keys.find(key, now_ms()).is_some()
}

async fn make(house: &House, token: &str, body: &Value) -> Answer {
    let made = house
        .call(Method::POST, "/api/api-keys", token, Some(body))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made
}

async fn my_id(house: &House, token: &str) -> String {
    let me = house.call(Method::GET, "/api/auth/me", token, None).await;
    me.text("id").to_owned()
}

#[tokio::test]
async fn a_key_works_from_its_making_to_its_end() {
    let house = House::new().await;
    let operator = house.person(Role::Operator).await;
    let limits = json!({
        "allowed_models": ["gpt-*"], "rpm": 5, "budget_day": "2.50", "may_pin": false
    });
    let body = json!({"name": "laptop", "tags": ["a", "a", "b"], "limits": limits});
    let made = make(&house, &operator, &body).await;
    let key = made.text("key").to_owned();
    assert!(key.starts_with("sk-") && key.len() >= 40, "{key}");
    assert_eq!(made.text("prefix"), &key[..11]);
    assert_eq!(made.body["tags"], json!(["a", "b"]));
    assert_eq!(made.body["limits"]["budget_day"], "2.50");
    assert!(works(&house, &key), "at once");
    assert!(!works(&house, &key[..key.len() - 1]) && !works(&house, "sk-"));
    let snapshot = house.control.hub().snapshots.load_full();
    let found = snapshot.client_keys.find(&key, now_ms()).expect("known");
    assert_eq!(&*found.id, made.text("id"));
    assert_eq!(
        found.owner.as_deref(),
        Some(&*my_id(&house, &operator).await)
    );
    assert!(found.allows_model("gpt-5") && !found.allows_model("claude"));
    assert_eq!(found.allowance.rpm, Some(5));
    assert_eq!(found.allowance.budget_day_nano_usd, Some(2_500_000_000));
    assert!(!found.may_pin);

    let path = format!("/api/api-keys/{}", made.text("id"));
    let list = house
        .call(Method::GET, "/api/api-keys", &operator, None)
        .await;
    assert_eq!(list.body["items"][0]["name"], "laptop", "{}", list.body);
    assert!(list.body["items"][0]["owner_email"].is_string());
    assert!(!list.body.to_string().contains(&key), "shown once");

    for (verb, is_working) in [("disable", false), ("enable", true)] {
        let switched = house
            .call(Method::POST, &format!("{path}/{verb}"), &operator, None)
            .await;
        assert_eq!(switched.body["enabled"], is_working, "{}", switched.body);
        assert_eq!(works(&house, &key), is_working, "{verb}");
    }

    let body = json!({"name": "laptop", "expires_at": now_ms() - 1});
    let stale = house
        .call_with(
            Method::PUT,
            &path,
            &operator,
            &[("if-match", "\"1\"")],
            Some(&body),
        )
        .await;
    assert_eq!(stale.problem(), (412, "changed_meanwhile"));
    let expired = house.call(Method::PUT, &path, &operator, Some(&body)).await;
    assert_eq!(expired.status, StatusCode::OK, "{}", expired.body);
    assert!(!works(&house, &key), "it has expired");
    let body = json!({"name": "laptop"});
    let renewed = house.call(Method::PUT, &path, &operator, Some(&body)).await;
    assert!(renewed.body["expires_at"].is_null() && works(&house, &key));

    let gone = house.call(Method::DELETE, &path, &operator, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert!(!works(&house, &key));
    house.end().await;
}

#[tokio::test]
async fn a_rotation_lets_the_old_key_work_for_its_grace() {
    let house = House::new().await;
    let member = house.person(Role::Member).await;
    let made = make(&house, &member, &json!({"name": "a"})).await;
    let first = made.text("key").to_owned();
    let path = format!("/api/api-keys/{}/rotate", made.text("id"));
    let rotate = async |grace: u64| {
        let body = json!({"grace_seconds": grace});
        house.call(Method::POST, &path, &member, Some(&body)).await
    };
    let second = rotate(60).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    let second = second.text("key").to_owned();
    assert!(works(&house, &first) && works(&house, &second));
    let snapshot = house.control.hub().snapshots.load_full();
    let later = now_ms() + 61_000;
    assert!(snapshot.client_keys.find(&first, later).is_none());
    assert!(snapshot.client_keys.find(&second, later).is_some());
    let third = rotate(0).await.text("key").to_owned();
    assert!(works(&house, &third) && !works(&house, &first) && !works(&house, &second));
    let long = rotate(31 * 24 * 3600).await;
    assert_eq!(long.problem(), (422, "invalid"));
    assert!(works(&house, &third));
    house.end().await;
}

#[tokio::test]
async fn everybody_has_their_own_and_operators_have_all() {
    let house = House::new().await;
    let (ada, eve, viewer, operator) = (
        house.person(Role::Member).await,
        house.person(Role::Member).await,
        house.person(Role::Viewer).await,
        house.person(Role::Operator).await,
    );
    let made = make(&house, &ada, &json!({"name": "ada's"})).await;
    make(&house, &eve, &json!({"name": "eve's"})).await;
    let path = format!("/api/api-keys/{}", made.text("id"));
    let changed = json!({"name": "mine now"});
    for (method, path, body) in [
        (Method::GET, path.clone(), None),
        (Method::PUT, path.clone(), Some(changed.clone())),
        (Method::DELETE, path.clone(), None),
        (Method::POST, format!("{path}/rotate"), Some(json!({}))),
        (Method::POST, format!("{path}/enable"), None),
        (Method::POST, format!("{path}/disable"), None),
    ] {
        let refused = house.call(method.clone(), &path, &eve, body.as_ref()).await;
        assert_eq!(refused.problem(), (404, "not_found"), "{method} {path}");
        if method != Method::GET {
            let refused = house
                .call(method.clone(), &path, &viewer, body.as_ref())
                .await;
            assert_eq!(refused.problem(), (404, "not_found"), "{method} {path}");
        }
    }
    for (token, seen) in [(&ada, 1), (&eve, 1), (&viewer, 2), (&operator, 2)] {
        let list = house.call(Method::GET, "/api/api-keys", token, None).await;
        assert_eq!(list.body["items"].as_array().map(Vec::len), Some(seen));
    }
    let ada_id = my_id(&house, &ada).await;
    let others = format!("/api/api-keys?owner_id={ada_id}");
    let list = house.call(Method::GET, &others, &eve, None).await;
    assert_eq!(list.body["items"], json!([]));
    let body = json!({"name": "x", "owner_id": ada_id});
    let refused = house
        .call(Method::POST, "/api/api-keys", &eve, Some(&body))
        .await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    let done = house
        .call(Method::PUT, &path, &operator, Some(&changed))
        .await;
    assert_eq!(done.text("name"), "mine now", "{}", done.body);
    house.end().await;
}

#[tokio::test]
async fn nobody_widens_what_an_operator_bound() {
    let house = House::new().await;
    let (member, operator) = (
        house.person(Role::Member).await,
        house.person(Role::Operator).await,
    );
    let id = my_id(&house, &member).await;
    let end = now_ms() + 3_600_000;
    let limits = json!({"allowed_models": ["gpt-*"], "rpm": 5, "may_pin": false});
    let body = json!({"name": "k", "owner_id": id, "limits": limits, "expires_at": end});
    let made = make(&house, &operator, &body).await;
    let path = format!("/api/api-keys/{}", made.text("id"));
    let put = async |limits: Value, end: Option<i64>| {
        let body = json!({"name": "k", "limits": limits, "expires_at": end});
        house.call(Method::PUT, &path, &member, Some(&body)).await
    };
    for (limits, end, field) in [
        (json!(null), Some(end), "limits.allowed_models"),
        (
            json!({"allowed_models": ["gpt-5"], "rpm": 6, "may_pin": false}),
            Some(end),
            "limits.rpm",
        ),
        (
            json!({"allowed_models": ["gpt-5"], "rpm": 5}),
            Some(end),
            "limits.may_pin",
        ),
        (limits.clone(), Some(end + 1), "expires_at"),
        (limits.clone(), None, "expires_at"),
    ] {
        let refused = put(limits, end).await;
        assert_eq!(refused.problem(), (422, "invalid"), "{field}");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    let narrower = json!({"allowed_models": ["gpt-5"], "rpm": 1, "may_pin": false});
    let narrowed = put(narrower, Some(end - 1)).await;
    assert_eq!(narrowed.status, StatusCode::OK, "{}", narrowed.body);
    // What the owner narrowed, the owner may widen again, up to the ceiling.
    assert_eq!(put(limits, Some(end)).await.status, StatusCode::OK);

    // Switched off by an operator, it stays off; switched off by the owner, it comes back.
    let switch = async |verb: &str, token: &str| {
        house
            .call(Method::POST, &format!("{path}/{verb}"), token, None)
            .await
            .status
    };
    assert_eq!(switch("disable", &member).await, StatusCode::OK);
    assert_eq!(switch("enable", &member).await, StatusCode::OK);
    assert_eq!(switch("disable", &operator).await, StatusCode::OK);
    assert_eq!(switch("enable", &member).await, StatusCode::FORBIDDEN);
    assert_eq!(switch("enable", &operator).await, StatusCode::OK);

    // A new key is no way around.
    let bounds = json!({"limits": {"rpm": 5}, "max_keys": 2});
    let bounds_path = format!("/api/users/{id}/key-bounds");
    let set = house
        .call(Method::PUT, &bounds_path, &operator, Some(&bounds))
        .await;
    assert_eq!(set.body["max_keys"], 2, "{}", set.body);
    let own = async |limits: Value| {
        let body = json!({"name": "own", "limits": limits});
        house
            .call(Method::POST, "/api/api-keys", &member, Some(&body))
            .await
    };
    assert_eq!(own(json!(null)).await.problem(), (422, "invalid"));
    assert_eq!(own(json!({"rpm": 6})).await.problem(), (422, "invalid"));
    assert_eq!(own(json!({"rpm": 5})).await.status, StatusCode::CREATED);
    assert_eq!(
        own(json!({"rpm": 5})).await.problem(),
        (409, "too_many_keys")
    );
    let own_id = my_id(&house, &operator).await;
    let refused = house
        .call(
            Method::PUT,
            &format!("/api/users/{own_id}/key-bounds"),
            &operator,
            Some(&bounds),
        )
        .await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    house.end().await;
}

#[tokio::test]
async fn keys_end_with_their_people_and_bad_ones_are_refused() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    let id = house
        .user("ada@example.test", Role::Member, "correct horse battery")
        .await;
    let made = make(&house, &admin, &json!({"name": "k", "owner_id": id})).await;
    let key = made.text("key");
    assert!(works(&house, key));
    let path = format!("/api/users/{id}");
    for enabled in [false, true] {
        let body = json!({"email": "ada@example.test", "role": "member", "enabled": enabled});
        let done = house.call(Method::PUT, &path, &admin, Some(&body)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert_eq!(works(&house, key), enabled);
    }
    let gone = house.call(Method::DELETE, &path, &admin, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.body);
    assert!(!works(&house, key));

    for (body, field) in [
        (json!({"limits": {"rpm": 0}}), "limits.rpm"),
        (
            json!({"limits": {"budget_day": "five"}}),
            "limits.budget_day",
        ),
        (
            json!({"limits": {"budget_month": "0"}}),
            "limits.budget_month",
        ),
        (
            json!({"limits": {"allowed_dialects": ["soap"]}}),
            "limits.allowed_dialects",
        ),
        (
            json!({"limits": {"allowed_models": ["a["]}}),
            "limits.allowed_models",
        ),
        (
            json!({"limits": {"allowed_providers": ["nobody"]}}),
            "allowed_providers",
        ),
        (json!({"tags": [""]}), "tags"),
        (json!({"expires_at": 1_577_836_800_000_i64}), "expires_at"),
        (json!({"owner_id": "nobody"}), "owner_id"),
    ] {
        let mut body = body;
        body["name"] = json!("k");
        let refused = house
            .call(Method::POST, "/api/api-keys", &admin, Some(&body))
            .await;
        assert_eq!(refused.problem(), (422, "invalid"), "{body}");
        let found = refused.body["errors"][0]["field"].as_str();
        assert_eq!(found, Some(field), "{}", refused.body);
    }
    house.end().await;
}

#[tokio::test]
async fn a_limit_in_the_wrong_place_is_refused_and_not_overlooked() {
    let house = House::new().await;
    let admin = house.person(Role::Admin).await;
    for body in [
        json!({"name": "ci", "rpm": 6}),
        json!({"name": "ci", "limits": {"rpm": 6, "requests_per_minute": 6}}),
    ] {
        let answer = house
            .call(Method::POST, "/api/api-keys", &admin, Some(&body))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        let wrong = if body["rpm"].is_null() {
            "requests_per_minute"
        } else {
            "rpm"
        };
        assert!(answer.body.to_string().contains(wrong), "{}", answer.body);
    }
}
