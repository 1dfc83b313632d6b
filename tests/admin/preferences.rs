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
