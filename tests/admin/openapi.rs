//! The document of the admin API, and the pages that show it.

use bridge::admin::{Role, document};
use bridge::config::Settings;
use poem::http::{Method, StatusCode};
use serde_json::Value;

use crate::house::House;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");

#[test]
fn the_kept_document_is_the_one_in_force() {
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == format!("{}\n", document()),
        "openapi/openapi.json is stale; run `cargo run -- openapi --out openapi/openapi.json`"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty(), "{method} {path} has no operation_id");
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_pages_are_open_and_the_document_is_not() {
    let house = House::new().await;
    let page = house.call(Method::GET, "/docs", "", None).await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    for path in [
        "/docs/page.css",
        "/docs/page.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui.js",
    ] {
        let part = house.call(Method::GET, path, "", None).await;
        assert_eq!(part.status, StatusCode::OK, "{path}");
        assert_eq!(part.header("x-content-type-options"), "nosniff");
    }
    let older = house.call(Method::GET, "/redoc", "", None).await;
    assert_eq!(
        (older.status.as_u16(), older.header("location")),
        (302, "/docs")
    );
    let closed = house.call(Method::GET, "/openapi.json", "", None).await;
    assert_eq!(closed.problem(), (401, "unauthorized"));
    let member = house.person(Role::Member).await;
    let open = house
        .call(Method::GET, "/openapi.json", &member, None)
        .await;
    assert_eq!(open.body["info"]["title"], "LLM Bridge", "{}", open.body);
    house.end().await;

    let demo = House::with(Settings {
        demo: true,
        ..Settings::default()
    })
    .await;
    let open = demo.call(Method::GET, "/openapi.json", "", None).await;
    assert_eq!(open.status, StatusCode::OK);
    let closed = demo.call(Method::GET, "/api/users", "", None).await;
    assert_eq!(closed.status, StatusCode::UNAUTHORIZED);
    demo.end().await;
}
