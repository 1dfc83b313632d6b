//! Secrets that must not come out again: planted wherever one can be given, and looked for wherever something is told.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bridge::admin::first_start;
use bridge::config::{Secret, Settings};
use bridge::store::entities::{audit, client_key, session, user};
use poem::http::{Method, StatusCode};
use sea_orm::EntityTrait as _;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::house::House;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn attack_46_secrets_come_out_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _watch = tracing::subscriber::set_default(subscriber);
    let admin_password = "canary-of-ADMIN_PASSWORD";
    let house = House::with(Settings {
        admin_password: Some(Secret::new(admin_password)),
        jwt_secret_key: Some(Secret::new("canary-of-JWT_SECRET_KEY")),
        ..Settings::default()
    })
    .await;
    let welcome = first_start(&house.control).await.expect("a database");
    let first_key = welcome.expect("nobody was there").client_key;
    let mut canaries = vec![
        admin_password.to_owned(),
        "canary-of-JWT_SECRET_KEY".to_owned(),
        first_key.expose().to_owned(),
        "canary-for-a-user".to_owned(),
        "canary-that-is-wrong".to_owned(),
        "canary-typed-as-address".to_owned(),
        "canary-in-place-of-token".to_owned(),
        "canary-refresh-rubbish".to_owned(),
        "canary-chosen-anew".to_owned(),
    ];
    let entered = house.login("admin@localhost", admin_password).await;
    let token = entered.text("access_token").to_owned();
    let refresh = json!({"refresh_token": entered.text("refresh_token")});
    let next = house
        .call(Method::POST, "/api/auth/refresh", "", Some(&refresh))
        .await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    for answer in [&entered, &next] {
        canaries.push(answer.text("access_token").to_owned());
        canaries.push(answer.text("refresh_token").to_owned());
    }
    let mut told = Vec::new();
    for (method, path, body) in [
        (
            "POST",
            "/api/users",
            json!({"email": "a@b", "password": "canary-for-a-user"}),
        ),
        (
            "POST",
            "/api/users",
            json!({"email": "a@b", "password": "canary-for-a-user"}),
        ),
        (
            "POST",
            "/api/users",
            json!({"email": "a@c", "password": ["canary-for-a-user"]}),
        ),
        (
            "POST",
            "/api/auth/login",
            json!({"email": "a@b", "password": "canary-that-is-wrong"}),
        ),
        (
            "POST",
            "/api/auth/login",
            json!({"email": "canary-typed-as-address", "password": "x"}),
        ),
        (
            "POST",
            "/api/auth/refresh",
            json!({"refresh_token": "canary-refresh-rubbish"}),
        ),
        (
            "POST",
            "/api/auth/password",
            json!({"current_password": "canary-that-is-wrong", "new_password": "canary-chosen-anew"}),
        ),
        (
            "POST",
            "/api/auth/password",
            json!({"current_password": admin_password, "new_password": "canary-chosen-anew"}),
        ),
    ] {
        let method: Method = method.parse().expect("a method");
        told.push(house.call(method, path, &token, Some(&body)).await);
    }
    told.push(
        house
            .call(
                Method::GET,
                "/api/auth/me",
                "canary-in-place-of-token",
                None,
            )
            .await,
    );
    for (path, body) in [
        ("/api/users", json!({"email": "made@b"})),
        ("/api/api-keys", json!({"name": "k"})),
    ] {
        let made = house.call(Method::POST, path, &token, Some(&body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        // Shown once, and from here on a secret.
        let shown = [made.text("key"), made.text("password")];
        canaries.extend(
            shown
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(ToOwned::to_owned),
        );
        let id = made.text("id");
        let again = format!("{path}/{id}");
        told.push(house.call(Method::GET, &again, &token, None).await);
        if path == "/api/api-keys" {
            let rotate = format!("{again}/rotate");
            let body = json!({"grace_seconds": 60});
            let rotated = house.call(Method::POST, &rotate, &token, Some(&body)).await;
            canaries.push(rotated.text("key").to_owned());
        } else {
            let reset = format!("{again}/password");
            let reset = house
                .call(Method::POST, &reset, &token, Some(&json!({})))
                .await;
            canaries.push(reset.text("password").to_owned());
        }
    }
    assert!(canaries.len() >= 17 && canaries.iter().all(|canary| canary.len() >= 16));
    for path in [
        "/api/users",
        "/api/api-keys",
        "/api/audit?limit=100",
        "/api/auth/sessions",
        "/api/auth/me",
        "/api/setup",
        "/openapi.json",
    ] {
        let seen = house.call(Method::GET, path, &token, None).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.body);
        told.push(seen);
    }
    let mut outputs: Vec<(&str, String)> = told
        .iter()
        .map(|answer| ("an answer", format!("{} {:?}", answer.body, answer.headers)))
        .collect();
    let read = house.control.store().read();
    let rows = audit::Entity::find().all(read).await.expect("rows");
    assert!(rows.len() >= 10, "{}", rows.len());
    outputs.push(("the audit", format!("{rows:?}")));
    let rows = user::Entity::find().all(read).await.expect("rows");
    outputs.push(("users", format!("{rows:?}")));
    let rows = session::Entity::find().all(read).await.expect("rows");
    outputs.push(("sessions", format!("{rows:?}")));
    let rows = client_key::Entity::find().all(read).await.expect("rows");
    outputs.push(("client keys", format!("{rows:?}")));
    outputs.push((
        "what is in force",
        format!("{:?}", house.control.in_force()),
    ));
    outputs.push(("what is shared", format!("{:?}", house.admin)));
    let logged = log.0.lock().expect("nobody panicked").clone();
    outputs.push(("the log", String::from_utf8_lossy(&logged).into_owned()));
    for (place, text) in &outputs {
        for canary in &canaries {
            assert!(!text.contains(canary.as_str()), "{canary} is in {place}");
        }
    }
    house.end().await;
}
