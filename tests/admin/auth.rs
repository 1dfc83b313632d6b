//! Logging in and out.

use std::sync::Arc;

use bridge::admin::Role;
use bridge::web::Entrance;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::{Answer, House};
use crate::plane::Plane;

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "correct horse battery";

async fn refresh(house: &House, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    house
        .call(Method::POST, "/api/auth/refresh", "", Some(&body))
        .await
}

async fn me(house: &House, token: &str) -> Answer {
    house.call(Method::GET, "/api/auth/me", token, None).await
}

#[tokio::test]
async fn a_session_from_log_in_to_log_out() {
    let house = House::new().await;
    house.user(EMAIL, Role::Viewer, PASSWORD).await;
    let entered = house.login(" Ada@Example.TEST", PASSWORD).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    assert_eq!(entered.body["user"]["email"], EMAIL);
    assert_eq!(entered.body["user"]["role"], "viewer");
    assert_eq!(entered.body["expires_in"], 900);
    let token = entered.text("access_token").to_owned();
    let seen = me(&house, &token).await;
    assert_eq!(seen.body["email"], EMAIL, "{}", seen.body);
    assert!(seen.body["last_login_at"].is_i64(), "{}", seen.body);
    assert!(!seen.body.to_string().contains("argon2"));

    let sessions = house
        .call(Method::GET, "/api/auth/sessions", &token, None)
        .await;
    assert_eq!(sessions.body.as_array().map(Vec::len), Some(1));
    assert_eq!(sessions.body[0]["current"], true);

    let out = house
        .call(Method::POST, "/api/auth/logout", &token, None)
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(me(&house, &token).await.problem(), (401, "unauthorized"));
    let next = refresh(&house, entered.text("refresh_token")).await;
    assert_eq!(next.problem(), (401, "unauthorized"));
    house.end().await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_theft_ends_the_session() {
    let house = House::new().await;
    house.user(EMAIL, Role::Member, PASSWORD).await;
    let first = house.login(EMAIL, PASSWORD).await;
    let second = refresh(&house, first.text("refresh_token")).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    // Another tab, a moment later: refused, and nothing else happens.
    let tab = refresh(&house, first.text("refresh_token")).await;
    assert_eq!(tab.problem(), (409, "refreshed_meanwhile"));
    let third = refresh(&house, second.text("refresh_token")).await;
    assert_eq!(third.status, StatusCode::OK, "{}", third.body);
    assert_eq!(me(&house, third.text("access_token")).await.status, 200);
    // The first one now is older than any tab.
    let stolen = refresh(&house, first.text("refresh_token")).await;
    assert_eq!(stolen.problem(), (401, "unauthorized"));
    for late in [
        me(&house, third.text("access_token")).await,
        refresh(&house, third.text("refresh_token")).await,
    ] {
        assert_eq!(late.problem(), (401, "unauthorized"));
    }
    // Rubbish ends nothing.
    let other = house.login(EMAIL, PASSWORD).await;
    let token = other.text("refresh_token");
    for rubbish in ["", "x", &token[..token.len() - 1], &format!("{token}0")] {
        assert_eq!(refresh(&house, rubbish).await.status, 401, "{rubbish}");
    }
    assert_eq!(refresh(&house, token).await.status, StatusCode::OK);
    house.end().await;
}

#[tokio::test]
async fn browsers_keep_the_refresh_token_as_a_cookie() {
    let house = House::new().await;
    house.user(EMAIL, Role::Member, PASSWORD).await;
    let entered = house.login(EMAIL, PASSWORD).await;
    let kept = entered.header("set-cookie").to_owned();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/api/auth;"] {
        assert!(kept.contains(part), "{kept}");
    }
    let cookie = kept.split(';').next().unwrap_or_default();
    let call = async |headers: &[(&str, &str)]| {
        let body = json!({});
        house
            .call_with(Method::POST, "/api/auth/refresh", "", headers, Some(&body))
            .await
    };
    for headers in [
        &[("cookie", cookie), ("sec-fetch-site", "cross-site")][..],
        &[
            ("cookie", cookie),
            ("origin", "http://evil"),
            ("host", "hub"),
        ],
        &[("cookie", cookie)],
    ] {
        assert_eq!(call(headers).await.problem(), (403, "forbidden"));
    }
    let next = call(&[("cookie", cookie), ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    assert_ne!(next.header("set-cookie"), kept);
    // The cookie opens nothing but the exchange.
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    let seen = house
        .call_with(Method::GET, "/api/auth/me", "", &headers, None)
        .await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    house.end().await;
}

#[tokio::test]
async fn a_refusal_tells_nothing() {
    let house = House::new().await;
    let id = house.user(EMAIL, Role::Member, PASSWORD).await;
    let wrong = house.login(EMAIL, "wrong horse battery").await;
    let nobody = house.login("nobody@example.test", PASSWORD).await;
    let admin = house.person(Role::Admin).await;
    let body = json!({"email": EMAIL, "role": "member", "enabled": false});
    let disabled = house
        .call(
            Method::PUT,
            &format!("/api/users/{id}"),
            &admin,
            Some(&body),
        )
        .await;
    assert_eq!(disabled.status, StatusCode::OK, "{}", disabled.body);
    let disabled = house.login(EMAIL, PASSWORD).await;
    let empty = house.login(EMAIL, "").await;
    for refused in [&wrong, &nobody, &disabled, &empty] {
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.body, wrong.body);
        assert_eq!(refused.header("set-cookie"), "");
    }
    house.end().await;
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let house = House::new().await;
    house.user(EMAIL, Role::Member, PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(house.login(EMAIL, "wrong horse battery").await.status, 401);
    }
    // Also the right password has to wait, or guessing would go on.
    let locked = house.login(EMAIL, PASSWORD).await;
    assert_eq!(locked.problem(), (429, "too_many_requests"));
    assert_eq!(locked.header("retry-after"), "1");
    assert!(locked.text("detail").contains("1 s"), "{}", locked.body);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(house.login(EMAIL, PASSWORD).await.status, StatusCode::OK);
    house.end().await;
}

/// Behind a proxy that is known, guesses from one address do not keep others out; from anywhere else the same words
/// about an address count for nothing.
#[tokio::test]
async fn a_known_proxy_says_who_calls() {
    for (known, others_wait) in [("127.0.0.0/8", false), ("192.0.2.1", true)] {
        let house = House::of_yaml(&format!("TRUSTED_PROXIES: {known}\n")).await;
        let files = house.control.files();
        let entrance = Entrance::new(
            Arc::clone(house.control.hub()),
            files.trusted_proxies.clone(),
        );
        entrance.open_admin(house.admin.endpoint());
        let plane = Plane::through(entrance).await;
        house.user(EMAIL, Role::Member, PASSWORD).await;
        let login = async |forwarded_for: &str, password: &str| {
            let body = json!({"email": EMAIL, "password": password});
            let headers = [("x-forwarded-for", forwarded_for)];
            plane
                .call_with(Method::POST, "/api/auth/login", &headers, Some(&body))
                .await
        };
        for _ in 0..5 {
            // What stands before the last address is the caller's own invention.
            let (status, said) = login("198.51.100.7, 203.0.113.1", "wrong horse battery").await;
            assert_eq!(status, 401, "{said}");
        }
        assert_eq!(login("203.0.113.1", PASSWORD).await.0, 429);
        let (status, said) = login("203.0.113.2", PASSWORD).await;
        assert_eq!(status == 429, others_wait, "{known}: {status} {said}");
        let admin = house.person(Role::Admin).await;
        let audit = house.call(Method::GET, "/api/audit", &admin, None).await;
        let seen = audit.body.to_string();
        assert_eq!(seen.contains("203.0.113.1"), !others_wait, "{seen}");
        assert!(!seen.contains("198.51.100.7"), "{seen}");
        house.end().await;
    }
}

#[tokio::test]
async fn another_password_ends_other_sessions() {
    let house = House::new().await;
    house.user(EMAIL, Role::Member, PASSWORD).await;
    let (here, there) = (
        house.login(EMAIL, PASSWORD).await,
        house.login(EMAIL, PASSWORD).await,
    );
    let change = async |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        let token = here.text("access_token");
        house
            .call(Method::POST, "/api/auth/password", token, Some(&body))
            .await
    };
    let new = "another horse battery";
    for (current, new, field) in [
        ("wrong", new, "current_password"),
        (PASSWORD, PASSWORD, "new_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "password1234", "new_password"),
    ] {
        let refused = change(current, new).await;
        assert_eq!(refused.problem(), (422, "invalid"), "{new}");
        assert_eq!(refused.body["errors"][0]["field"], field);
        assert!(!refused.body.to_string().contains(PASSWORD));
    }
    let changed = change(PASSWORD, new).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
    assert_eq!(me(&house, here.text("access_token")).await.status, 200);
    assert_eq!(me(&house, there.text("access_token")).await.status, 401);
    assert_eq!(house.login(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(house.login(EMAIL, new).await.status, StatusCode::OK);
    house.end().await;
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_and_all_others() {
    let house = House::new().await;
    house.user(EMAIL, Role::Member, PASSWORD).await;
    house.user("eve@example.test", Role::Member, PASSWORD).await;
    let (one, two) = (
        house.login(EMAIL, PASSWORD).await,
        house.login(EMAIL, PASSWORD).await,
    );
    let eve = house.login("eve@example.test", PASSWORD).await;
    let (one, two, eve) = (
        one.text("access_token"),
        two.text("access_token"),
        eve.text("access_token"),
    );
    let list = house
        .call(Method::GET, "/api/auth/sessions", one, None)
        .await;
    let other = list.body.as_array().expect("a list").iter();
    let other = other.filter(|session| session["current"] == false);
    let ids: Vec<_> = other.filter_map(|session| session["id"].as_str()).collect();
    assert_eq!(ids.len(), 1, "{}", list.body);
    let path = format!("/api/auth/sessions/{}", ids[0]);
    let stranger = house.call(Method::DELETE, &path, eve, None).await;
    assert_eq!(stranger.problem(), (404, "not_found"));
    assert_eq!(me(&house, two).await.status, StatusCode::OK);
    let ended = house.call(Method::DELETE, &path, one, None).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(me(&house, two).await.status, StatusCode::UNAUTHORIZED);

    let three = house.login(EMAIL, PASSWORD).await;
    let all = house
        .call(Method::DELETE, "/api/auth/sessions", one, None)
        .await;
    assert_eq!(all.status, StatusCode::NO_CONTENT);
    assert_eq!(me(&house, three.text("access_token")).await.status, 401);
    assert_eq!(me(&house, one).await.status, StatusCode::OK);
    assert_eq!(me(&house, eve).await.status, StatusCode::OK);
    house.end().await;
}

#[tokio::test]
async fn answers_are_shielded_and_for_the_same_origin_alone() {
    let house = House::new().await;
    for path in ["/api/auth/me", "/api/nothing", "/api/setup"] {
        let headers = [("origin", "http://evil")];
        let answer = house.call_with(Method::GET, path, "", &headers, None).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        let cors = answer.headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("access-control-")
        });
        assert!(!cors, "{path}");
    }
    house.end().await;
}
