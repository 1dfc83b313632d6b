//! What people set for themselves.

use bridge::admin::Role;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn everybody_has_their_own() {
    let house = House::new().await;
    let (ada, eve) = (
        house.person(Role::Member).await,
        house.person(Role::Member).await,
    );
    let path = "/api/preferences";
    let get = async |token: &str| house.call(Method::GET, path, token, None).await.body;
    assert!(get(&ada).await.is_object(), "empty at first");
    let put = async |body: &Value| house.call(Method::PUT, path, &ada, Some(body)).await;
    for language in ["ja", "pt-BR"] {
        let body = json!({"language": language, "theme": "dark", "other": {"columns": [1, 2]}});
        let set = put(&body).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.body);
        let kept = get(&ada).await;
        assert_eq!(kept["language"], language);
        assert_eq!(
            (&kept["theme"], &kept["other"]),
            (&body["theme"], &body["other"])
        );
    }
    assert!(get(&eve).await.get("language").is_none_or(Value::is_null));
    for bad in [
        json!({"language": "<script>"}),
        json!({"theme": "pink"}),
        json!({"other": {"a": "x".repeat(20_000)}}),
        json!({"other": 3}),
    ] {
        let refused = put(&bad).await;
        assert!(refused.status.is_client_error(), "{bad}");
        assert_eq!(get(&ada).await["language"], "pt-BR");
    }
    house.end().await;
}

/// Two browsers that change what both have read do not write over each other unseen.
#[tokio::test]
async fn a_change_of_what_was_changed_meanwhile_is_refused() {
    let house = House::new().await;
    let ada = house.person(Role::Member).await;
    let path = "/api/preferences";
    let put = async |tag: &str, theme: &str| {
        let headers = [("if-match", tag)];
        let body = json!({"theme": theme});
        house
            .call_with(Method::PUT, path, &ada, &headers, Some(&body))
            .await
    };
    let read = async || {
        let read = house.call(Method::GET, path, &ada, None).await;
        (read.etag.clone().expect("a version"), read)
    };
    let (before, _) = read().await;
    let mut last = before.clone();
    for theme in ["dark", "light", "dark"] {
        let set = put(&last, theme).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.body);
        let (now, kept) = read().await;
        assert_eq!(set.etag.as_deref(), Some(now.as_str()));
        assert_eq!(kept.body["theme"], theme);
        for old in [&before, &last] {
            let refused = put(old, "system").await;
            assert_eq!(refused.problem(), (412, "changed_meanwhile"), "{old}");
        }
        last = now;
    }
    // Of many at once with the same knowledge one goes through, at first and later.
    let eve = house.person(Role::Member).await;
    for _ in 0..2 {
        let read = house.call(Method::GET, path, &eve, None).await;
        let tag = read.etag.expect("a version");
        let headers = [("if-match", tag.as_str())];
        let body = json!({"theme": "dark"});
        let many = (0..8).map(|_| house.call_with(Method::PUT, path, &eve, &headers, Some(&body)));
        let many = futures_util::future::join_all(many).await;
        let kept = many.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(
            kept,
            1,
            "{:?}",
            many.iter().map(|a| a.status).collect::<Vec<_>>()
        );
    }
    house.end().await;
}
