//! Who may call what: a table over the document of the admin API.
//!
//! Every operation has a row in `access.json` with the least role that may call it. Each is called with every wrong
//! kind of credential, with every role below its own, and with its own. An operation without a row fails, as does
//! a row without an operation.

use std::collections::BTreeMap;

use bridge::admin::Role;
use bridge::store::entities::{conversation_message, request};
use bridge::store::{Purpose, new_id, now_ms};
use poem::http::{Method, StatusCode};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::house::{Answer, House};

const ROLES: [Role; 4] = [Role::Member, Role::Viewer, Role::Operator, Role::Admin];
/// An identifier that nothing has.
const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The least role, or `open`.
    role: String,
    /// What the identifier in the path is one of, where everybody has their own.
    own: Option<String>,
}

/// An operation of the document, and a request that its schema allows.
struct Operation {
    name: String,
    method: Method,
    path: String,
    body: Option<Value>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("operations") {
            let method = method.to_uppercase();
            let content = &operation["requestBody"]["content"];
            let body = content
                .as_object()
                .and_then(|content| content.values().next());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query: Vec<String> = parameters
                .filter(|one| one["in"] == "query" && one["required"] == true)
                .map(|one| {
                    let value = sample(document, &one["schema"]);
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), ToOwned::to_owned);
                    format!("{}={value}", one["name"].as_str().unwrap_or_default())
                })
                .collect();
            let mark = if query.is_empty() { "" } else { "?" };
            operations.push(Operation {
                name: format!("{method} {path}"),
                method: method.parse().expect("a method"),
                path: format!("{path}{mark}{}", query.join("&")),
                body: body.map(|body| sample(document, &body["schema"])),
            });
        }
    }
    operations
}

/// The smallest value that a schema allows.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return sample(document, &document["components"]["schemas"][name]);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = serde_json::Map::new();
        for part in parts {
            match sample(document, part) {
                Value::Object(members) => whole.extend(members),
                other => return other,
            }
        }
        return whole.into();
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(first) = schema[several].get(0) {
            return sample(document, first);
        }
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("string") => {
            let least = schema["minLength"].as_u64().unwrap_or(1).max(1);
            json!("x".repeat(usize::try_from(least).expect("short")))
        }
        Some("integer" | "number") => json!(schema["minimum"].as_i64().unwrap_or(1)),
        Some("boolean") => json!(false),
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or(0);
            Value::Array(
                (0..least)
                    .map(|_| sample(document, &schema["items"]))
                    .collect(),
            )
        }
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let members = required.filter_map(Value::as_str).filter(|name| {
                // What only answers have.
                schema["properties"][name]["readOnly"] != true
            });
            let member = |name: &str| {
                let value = sample(document, &schema["properties"][name]);
                (name.to_owned(), value)
            };
            members
                .map(member)
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    }
}

fn filled(path: &str, id: &str) -> String {
    let mut filled = String::new();
    for (place, part) in path.split('{').enumerate() {
        match part.split_once('}') {
            Some((_, rest)) if place > 0 => filled.extend([id, rest]),
            _ => filled.push_str(part),
        }
    }
    filled
}

/// Wrong credentials: what they are, and the headers.
struct Wrong(Vec<(&'static str, Vec<(&'static str, String)>)>);

impl Wrong {
    async fn of(house: &House) -> Self {
        let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
        let admin = house.person(Role::Admin).await;
        let claims = house.admin.tokens.read(&admin).expect("a good token");
        let sign = |algorithm, key: &[u8], changed: Value| {
            let now = now_ms() / 1000;
            let mut body = json!({
                "sub": claims.sub, "sid": claims.sid, "aud": claims.aud, "iat": now, "exp": now + 600
            });
            for (name, value) in changed.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let header = jsonwebtoken::Header::new(algorithm);
            let key = jsonwebtoken::EncodingKey::from_secret(key);
            jsonwebtoken::encode(&header, &body, &key).expect("JSON")
        };
        use jsonwebtoken::Algorithm::{HS256, HS512};
        let key = house.control.store().vault().key(Purpose::Access);
        assert!(
            house
                .admin
                .tokens
                .read(&sign(HS256, &*key, json!({})))
                .is_some(),
            "tokens made here count, so that their flaws are what is refused"
        );
        let past = now_ms() / 1000 - 3600;
        let plain = |text: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        };
        let none = format!(
            "{}.{}.",
            plain(r#"{"alg":"none","typ":"JWT"}"#),
            admin.split('.').nth(1).unwrap_or_default()
        );

        let revoked = house.person(Role::Admin).await;
        house
            .call(Method::POST, "/api/auth/logout", &revoked, None)
            .await;
        let disabled = house.person(Role::Admin).await;
        let disabled_id = house.admin.tokens.read(&disabled).expect("good").sub;
        let row = bridge::store::entities::user::ActiveModel {
            id: Set(disabled_id),
            enabled: Set(false),
            ..Default::default()
        };
        row.update(house.control.store().write())
            .await
            .expect("a user");
        let password = "correct horse battery";
        house
            .user("access@example.test", Role::Admin, password)
            .await;
        let entered = house.login("access@example.test", password).await;
        let refresh = entered.text("refresh_token").to_owned();
        let body = json!({"name": "k"});
        let made = house
            .call(Method::POST, "/api/api-keys", &admin, Some(&body))
            .await;
        let key_of_client = made.text("key").to_owned();
        Self(vec![
            ("nothing", Vec::new()),
            ("rubbish", bearer("x")),
            ("nothing behind the scheme", bearer("")),
            (
                "another scheme",
                vec![("authorization", format!("Basic {admin}"))],
            ),
            ("another header", vec![("x-api-key", admin.clone())]),
            (
                "an expired token",
                bearer(&sign(HS256, &*key, json!({"exp": past}))),
            ),
            (
                "another audience",
                bearer(&sign(HS256, &*key, json!({"aud": "x"}))),
            ),
            (
                "another user's session",
                bearer(&sign(HS256, &*key, json!({"sub": NOTHING}))),
            ),
            (
                "a session that never was",
                bearer(&sign(HS256, &*key, json!({"sid": NOTHING}))),
            ),
            ("another key", bearer(&sign(HS256, b"secret", json!({})))),
            ("another algorithm", bearer(&sign(HS512, &*key, json!({})))),
            ("no algorithm", bearer(&none)),
            ("a revoked session", bearer(&revoked)),
            ("a disabled user", bearer(&disabled)),
            ("a refresh token", bearer(&refresh)),
            ("a client key", bearer(&key_of_client)),
            (
                "a client key in its header",
                vec![("x-api-key", key_of_client)],
            ),
        ])
    }
}

async fn call(house: &House, operation: &Operation, id: &str, token: &str) -> Answer {
    let path = filled(&operation.path, id);
    let method = operation.method.clone();
    house
        .knock(method, &path, token, &[], operation.body.as_ref())
        .await
}

/// Something of somebody else: their token and its identifier.
async fn foreign(house: &House, kind: &str) -> (String, String) {
    let other = house.person(Role::Member).await;
    let claims = house.admin.tokens.read(&other).expect("good");
    let id = match kind {
        "session" => claims.sid,
        "client_key" => {
            let body = json!({"name": "k"});
            let made = house
                .call(Method::POST, "/api/api-keys", &other, Some(&body))
                .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            made.text("id").to_owned()
        }
        "conversation" => {
            let body = json!({"title": "t"});
            let path = "/api/conversations";
            let made = house.call(Method::POST, path, &other, Some(&body)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            let id = made.text("id").to_owned();
            // One identifier fills all places of a path: the message has that of its conversation.
            let row = conversation_message::ActiveModel {
                id: Set(id.clone()),
                conversation_id: Set(id.clone()),
                place: Set(-1),
                role: Set("user".to_owned()),
                sealed: Set(house.control.store().vault().seal(
                    Purpose::Conversation,
                    &format!("conversation_messages/{id}"),
                    "[]",
                )),
                bytes: Set(2),
                model: Set(None),
                provider: Set(None),
                dialect: Set(None),
                request_id: Set(None),
                usage_json: Set(None),
                created_at: Set(now_ms()),
            };
            let row = row.insert(house.control.store().write()).await;
            row.expect("a message").id
        }
        "request" => {
            let row = request::Model {
                id: new_id(),
                at: now_ms(),
                owner_id: Some(claims.sub),
                ..request::Model::default()
            };
            let row = row.into_active_model().reset_all();
            let row = row.insert(house.control.store().write()).await;
            row.expect("a request").id
        }
        other => unreachable!("nobody knows how to make a {other} for this test"),
    };
    (other, id)
}

#[tokio::test]
async fn attack_05_every_operation_with_every_wrong_credential() {
    let house = House::new().await;
    let document: Value = serde_json::from_str(&bridge::admin::document()).expect("JSON");
    let mut table: BTreeMap<String, Row> =
        serde_json::from_str(include_str!("access.json")).expect("a table");
    let wrong = Wrong::of(&house).await;
    let mut people = BTreeMap::new();
    for role in ROLES {
        people.insert(role, house.person(role).await);
    }
    for operation in operations(&document) {
        let name = &operation.name;
        let Some(row) = table.remove(name) else {
            panic!("{name} has no row in tests/admin/access.json: say who may call it");
        };
        if row.role == "open" {
            let answer = call(&house, &operation, NOTHING, "").await;
            assert_ne!(answer.text("detail"), "no session token was sent", "{name}");
            continue;
        }
        let least = Role::parse(&row.role).unwrap_or_else(|| panic!("{name}: {}", row.role));
        for (what, headers) in &wrong.0 {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let path = filled(&operation.path, NOTHING);
            let method = operation.method.clone();
            let body = operation.body.as_ref();
            let answer = house.knock(method, &path, "", &headers, body).await;
            assert_eq!(
                answer.problem(),
                (401, "unauthorized"),
                "{name} with {what}"
            );
        }
        for (role, token) in people.range(..least) {
            let answer = call(&house, &operation, NOTHING, token).await;
            let role = role.as_str();
            assert_eq!(
                answer.problem(),
                (403, "forbidden"),
                "{name} as {role}: {}",
                answer.body
            );
        }
        // Somebody new each time: some calls end the session.
        let token = house.person(least).await;
        let answer = call(&house, &operation, NOTHING, &token).await;
        assert!(
            ![401, 403].contains(&answer.status.as_u16()),
            "{name} as {}: {} {}",
            row.role,
            answer.status,
            answer.body
        );
        let has_id = operation.path.contains('{');
        if let Some(own) = row.own {
            let (owner, id) = foreign(&house, &own).await;
            let token = house.person(least).await;
            let answer = call(&house, &operation, &id, &token).await;
            assert_eq!(answer.problem(), (404, "not_found"), "{name} of another");
            let answer = call(&house, &operation, &id, &owner).await;
            assert!(
                answer.status.is_success(),
                "{name} of one's own: {}",
                answer.body
            );
        } else {
            let may_be_anybodys = has_id && least == Role::Member;
            assert!(!may_be_anybodys, "{name}: say what it is one of, as `own`");
        }
    }
    let left: Vec<_> = table.keys().collect();
    assert!(left.is_empty(), "rows without an operation: {left:?}");
    house.end().await;
}

#[tokio::test]
async fn attack_04_other_spellings_of_a_path_reach_nothing() {
    let house = House::new().await;
    for path in [
        "/api/%75sers",
        "/api/users/",
        "/api//users",
        "//api/users",
        "/api/./users",
        "/api/auth/../users",
        "/api/auth/login/../../users",
        "/api/auth/login%2f..%2f..%2fusers",
        "/api/auth/login;/users",
        "/api/users;x=1",
        "/api/users%00",
        "/api/setup/../users",
        "/API/users",
        "/api/Users",
        "/docs/../api/users",
        "/docs/..%2fapi%2fusers",
        "/openapi.json/",
        "/openapi%2ejson",
    ] {
        for method in [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS] {
            let answer = house.knock(method.clone(), path, "", &[], None).await;
            assert!(
                [401, 404].contains(&answer.status.as_u16()),
                "{method} {path}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    // Nor do headers that name another path.
    for header in ["x-original-url", "x-rewrite-url", "x-forwarded-uri"] {
        let headers = [(header, "/api/setup")];
        let answer = house
            .knock(Method::GET, "/api/users", "", &headers, None)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
    house.end().await;
}

#[tokio::test]
async fn attack_13_a_database_that_fails_lets_nobody_in() {
    let house = House::new().await;
    let token = house.person(Role::Admin).await;
    let password = "correct horse battery";
    house.user("ada@example.test", Role::Admin, password).await;
    let entered = house.login("ada@example.test", password).await;
    let store = house.control.store();
    let row = bridge::store::entities::session::Entity::find()
        .one(store.read())
        .await
        .expect("a database");
    assert!(row.is_some());
    for database in [store.read(), store.write()] {
        let _ = database.clone().close().await;
    }
    let login = house.login("ada@example.test", password).await;
    let refresh = json!({"refresh_token": entered.text("refresh_token")});
    let refresh = house
        .call(Method::POST, "/api/auth/refresh", "", Some(&refresh))
        .await;
    let me = house.call(Method::GET, "/api/auth/me", &token, None).await;
    for answer in [login, refresh, me] {
        assert_eq!(answer.problem(), (503, "database_away"), "{}", answer.body);
    }
    house.end().await;
}

#[tokio::test]
async fn attack_42_nobody_calls_in_without_an_account() {
    // There is no webhook: whoever changes something has a session, or a password or a refresh token to get one with.
    let table: BTreeMap<String, Row> =
        serde_json::from_str(include_str!("access.json")).expect("a table");
    let open: Vec<&str> = table
        .iter()
        .filter(|(name, row)| row.role == "open" && !name.starts_with("GET "))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(open, ["POST /api/auth/login", "POST /api/auth/refresh"]);
    let document: Value = serde_json::from_str(&bridge::admin::document()).expect("JSON");
    assert!(document.get("webhooks").is_none());
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("operations").values());
    assert!(operations.clone().count() > 100);
    for operation in operations {
        assert!(operation.get("callbacks").is_none(), "{operation}");
    }
    // Nor does a signature stand for one: this is the right one of "{}" with an empty secret.
    let house = House::new().await;
    let empty = "sha256=22f8eea909400af98adf3681a9f31923ef6b7fcba4abb553d92823a3e9d5c25e";
    for header in [
        "x-hub-signature-256",
        "stripe-signature",
        "webhook-signature",
    ] {
        for path in [
            "/api/providers",
            "/api/event_logging/batch",
            "/api/webhooks",
            "/webhook",
        ] {
            let headers = [(header, empty)];
            let body = json!({});
            let answer = house
                .call_with(Method::POST, path, "", &headers, Some(&body))
                .await;
            assert!(
                [401, 404].contains(&answer.status.as_u16()),
                "{path}: {} {}",
                answer.status,
                answer.body
            );
        }
    }
    house.end().await;
}

#[tokio::test]
async fn attack_11_no_other_issuer_is_trusted() {
    // There is no single sign-on, so nothing of it must work: no other issuer, no key that a token names, no way back
    // from somewhere else. (Where the interface goes after log-in: `admin-ui/src/lib/session/destination.test.ts`.)
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let house = House::new().await;
    let document: Value = serde_json::from_str(&bridge::admin::document()).expect("JSON");
    let schemes = document["components"]["securitySchemes"].as_object();
    for (name, scheme) in schemes.expect("a way to log in") {
        assert_eq!(scheme["type"], "http", "{name}");
    }
    let admin = house.person(Role::Admin).await;
    let claims = house.admin.tokens.read(&admin).expect("a good token");
    let now = now_ms() / 1000;
    let body = |more: Value| {
        let mut body = json!({
            "sub": claims.sub, "sid": claims.sid, "aud": claims.aud, "iat": now, "exp": now + 600,
            "iss": "https://accounts.example.test", "nonce": "n", "email_verified": true
        });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let foreign = EncodingKey::from_secret(b"the public key of somebody, as if it were a secret");
    let own = house.control.store().vault().key(Purpose::Access);
    let own = EncodingKey::from_secret(&*own);
    let named = |algorithm| Header {
        kid: Some("../../dev/null".to_owned()),
        jku: Some("https://evil.example.test/keys.json".to_owned()),
        x5u: Some("https://evil.example.test/chain.pem".to_owned()),
        ..Header::new(algorithm)
    };
    for (what, header, body, key) in [
        (
            "another issuer's key",
            named(Algorithm::HS256),
            body(json!({})),
            &foreign,
        ),
        (
            "another algorithm",
            named(Algorithm::HS384),
            body(json!({})),
            &own,
        ),
        (
            "another audience",
            Header::new(Algorithm::HS256),
            body(json!({"aud": "some-client-id"})),
            &own,
        ),
        (
            "several audiences, none of them ours",
            Header::new(Algorithm::HS256),
            body(json!({"aud": ["some-client-id", "other"]})),
            &own,
        ),
        (
            "an end that has passed",
            Header::new(Algorithm::HS256),
            body(json!({"exp": now - 3_600})),
            &own,
        ),
        (
            "a session that is not there",
            Header::new(Algorithm::HS256),
            body(json!({"sid": new_id()})),
            &own,
        ),
    ] {
        let token = encode(&header, &body, key).expect("JSON");
        let answer = house.call(Method::GET, "/api/auth/me", &token, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    for path in [
        "/api/auth/callback",
        "/api/auth/oidc/callback",
        "/oauth2/callback",
        "/.well-known/openid-configuration",
    ] {
        let path = format!("{path}?code=c&state=s&redirect_uri=https://evil.example.test");
        let answer = house.knock(Method::GET, &path, "", &[], None).await;
        assert!(
            [401, 404].contains(&answer.status.as_u16()),
            "{path}: {}",
            answer.status
        );
        assert!(answer.header("location").is_empty(), "{path}");
    }
    house.end().await;
}
