//! Copies of the database, and taking back its room.

use bridge::admin::Role;
use bridge::config::{ConfigErrors, Place, Secret};
use bridge::control::FileNotices;
use bridge::store::{Store, StoreOptions};
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::house::House;

const KEY: &str = "sk-canary-in-a-backup-0001";

#[tokio::test]
async fn what_changed_files_say_in_vain_is_told() {
    let house = House::new().await;
    let token = house.person(Role::Viewer).await;
    let system = async || {
        let path = "/api/system";
        house.call(Method::GET, path, &token, None).await.body
    };
    let mut errors = ConfigErrors::default();
    let place = Place::line_of("config/app.yml", 3);
    errors.push(&place, "PORTT is no key", "did you mean PORT?");
    house.control.notice(FileNotices {
        refused: errors.0,
        waiting: vec!["REDIS_URL: changed, which needs a restart".to_owned()],
    });
    let told = system().await;
    assert_eq!(told["problems"][0]["place"], "config/app.yml:3", "{told}");
    assert_eq!(told["problems"][0]["fix"], "did you mean PORT?");
    let words = told["problems"][0]["message"].as_str().expect("words");
    assert!(
        words.contains("refused") && words.contains("PORTT"),
        "{words}"
    );
    assert!(told["warnings"].to_string().contains("REDIS_URL"), "{told}");
    house.control.notice(FileNotices::default());
    assert_eq!(system().await["problems"], json!([]));
    house.end().await;
}

#[tokio::test]
async fn a_copy_is_whole_sealed_and_of_use_with_the_key() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    let pool = json!({"name": "shared", "keys": [KEY]});
    let made = house
        .call(Method::POST, "/api/key-pools", &token, Some(&pool))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let response = house.post("/api/system/backup", &token).await;
    let kind = house.control.store().kind();
    if kind != "sqlite" {
        assert_eq!(response.status(), StatusCode::CONFLICT);
        let words = response.into_body().into_string().await.expect("text");
        let tool = if kind == "mysql" {
            "mysqldump"
        } else {
            "pg_dump"
        };
        assert!(words.contains(tool), "{words}");
        return house.end().await;
    }
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.content_type(), Some("application/vnd.sqlite3"));
    let bytes = response.into_body().into_vec().await.expect("a whole body");
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    let clear = KEY.as_bytes();
    assert!(!bytes.windows(clear.len()).any(|part| part == clear));
    let left = std::fs::read_dir(house.folder()).expect("a folder");
    let left: Vec<_> = left
        .map(|entry| entry.expect("readable").file_name())
        .filter(|name| name.to_string_lossy().contains("backup"))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    // Put elsewhere it is the same hub, for whoever has its key, and for nobody else.
    let copy = house.folder().join("copy.db");
    std::fs::write(&copy, &bytes).expect("writable");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).expect("mine");
    }
    let options = |key: &str| StoreOptions {
        url: Secret::new(format!("sqlite://{}", copy.display())),
        pool_size: 1,
        pool_timeout: std::time::Duration::from_secs(5),
        encryption_key: Some(Secret::new(key)),
    };
    let refused = Store::open(&options("another key that is long enough, too")).await;
    assert!(refused.is_err());
    let opened = Store::open(&options("a key for tests that is long enough"))
        .await
        .expect("the key opens it");
    let (_, definitions) = opened.definitions().await.expect("readable");
    let secrets = definitions.iter().flat_map(|one| &one.secrets);
    let keys: Vec<&str> = secrets.map(|secret| secret.value.expose()).collect();
    assert_eq!(keys, [KEY]);

    let audit = house
        .call(Method::GET, "/api/audit?limit=1", &token, None)
        .await;
    assert_eq!(
        (
            &audit.body["items"][0]["action"],
            &audit.body["items"][0]["kind"]
        ),
        (&json!("backup"), &json!("database")),
        "{}",
        audit.body
    );
    house.end().await;
}

#[tokio::test]
async fn one_at_a_time_and_for_administrators() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    let done = house
        .call(Method::POST, "/api/system/vacuum", &token, None)
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_eq!(done.body["kind"], house.control.store().kind());
    assert!(
        done.body["size_after"]
            .as_i64()
            .is_some_and(|size| size > 0),
        "{}",
        done.body
    );
    let place = house.admin.upkeep.try_acquire().expect("nobody is at it");
    for path in ["/api/system/backup", "/api/system/vacuum"] {
        let busy = house.call(Method::POST, path, &token, None).await;
        assert_eq!(busy.problem(), (429, "too_many_requests"), "{path}");
    }
    drop(place);
    let operator = house.person(Role::Operator).await;
    let refused = house
        .call(Method::POST, "/api/system/backup", &operator, None)
        .await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    house.end().await;
}
