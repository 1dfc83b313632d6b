//! A hub with a database and its admin API, for one test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bridge::admin::{Admin, Role};
use bridge::config::{self, Environment, LoadOptions, Secret, Settings};
use bridge::control::Control;
use bridge::gateway::{Hub, Tuning};
use bridge::ledger::{Outlets, to_database};
use bridge::snapshot::{Snapshot, SnapshotStore};
use bridge::store::entities::{session, user};
use bridge::store::{Store, StoreOptions, new_id, now_ms};
use poem::Response;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, Method, StatusCode};
use poem::test::TestClient;
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction,
    Set, TransactionTrait as _,
};
use serde_json::{Value, json};
use tokio::time::timeout;

/// A hub with a database and its admin API.
pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    pub(crate) admin: Admin,
    client: TestClient<BoxEndpoint<'static, Response>>,
    folder: PathBuf,
    options: StoreOptions,
    server: Option<(String, String)>,
}

/// What becomes of the requests that its hub serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requests {
    Forgotten,
    Recorded,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) content_type: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A member of the body as text.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    /// The status and the code of the problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.text("code"))
    }
}

impl House {
    /// With nothing but defaults in its files.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// With this `app.yml`.
    pub(crate) async fn of_yaml(yaml: &str) -> Self {
        Self::built(read(yaml), Requests::Forgotten).await
    }

    /// The same, and the requests that it serves are written to the database: after `ledger.flush()` they are there.
    pub(crate) async fn recording(yaml: &str) -> Self {
        Self::built(read(yaml), Requests::Recorded).await
    }

    /// With these files.
    pub(crate) async fn with(files: Settings) -> Self {
        Self::built(files, Requests::Forgotten).await
    }

    async fn built(mut files: Settings, requests: Requests) -> Self {
        let folder = std::env::temp_dir().join(format!("bridge-admin-{}", new_id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let server = std::env::var("TEST_DATABASE_SERVER").ok();
        let name = format!("t{}", new_id().replace('-', ""));
        files.database_url = Secret::new(match &server {
            Some(server) => {
                let database = Database::connect(server.as_str())
                    .await
                    .expect("the server runs");
                database
                    .execute_unprepared(&format!("CREATE DATABASE {name}"))
                    .await
                    .expect("a new database");
                format!("{server}/{name}")
            }
            None => format!("sqlite://{}?mode=rwc", folder.join("app.db").display()),
        });
        files.encryption_key = Some(Secret::new("a key for tests that is long enough"));
        let options = StoreOptions {
            pool_size: 4,
            pool_timeout: Duration::from_secs(20),
            ..StoreOptions::of(&files)
        };
        let store = Store::open(&options).await.expect("a new database");
        let snapshot = Snapshot::build(&files, 1).expect("sound files");
        let mut outlets = Outlets::default();
        if requests == Requests::Recorded {
            let way = to_database(&folder.join("requests.jsonl"));
            let (book, recorder) = way.expect("a temporary file");
            outlets.book = Some(book);
            tokio::spawn(recorder.run(store.clone()));
        }
        let hub = Hub::new(
            Arc::new(SnapshotStore::new(snapshot)),
            outlets,
            Tuning::default(),
        );
        let hub = Arc::new(hub.expect("a hub"));
        let control = Control::start(store, hub, files, None)
            .await
            .expect("a control");
        let admin = Admin::new(Arc::clone(&control));
        Self {
            client: TestClient::new(admin.endpoint()),
            admin,
            control,
            folder,
            options,
            server: server.map(|server| (server, name)),
        }
    }

    /// Another hub on the same database.
    pub(crate) async fn neighbour(&self) -> Arc<Control> {
        let store = Store::open(&self.options).await.expect("the same database");
        let snapshot = Snapshot::build(&Settings::default(), 1).expect("defaults");
        let snapshots = Arc::new(SnapshotStore::new(snapshot));
        let hub = Hub::new(snapshots, None, Tuning::default());
        let hub = Arc::new(hub.expect("a hub"));
        Control::start(store, hub, Settings::default(), None)
            .await
            .expect("a control")
    }

    /// Somebody new with this role: a session token of theirs.
    pub(crate) async fn person(&self, role: Role) -> String {
        let now = now_ms();
        let id = new_id();
        let row = user::ActiveModel {
            id: Set(id.clone()),
            email: Set(format!("{id}@example.test")),
            name: Set(role.as_str().to_owned()),
            role: Set(role.as_str().to_owned()),
            password: Set(String::new()),
            enabled: Set(true),
            must_change_password: Set(false),
            key_bounds: Set(None),
            last_login_at: Set(None),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        row.insert(self.control.store().write())
            .await
            .expect("a new user");
        let row = session::ActiveModel {
            id: Set(new_id()),
            user_id: Set(id),
            digest: Set(new_id()),
            previous_digest: Set(None),
            client: Set(String::new()),
            address: Set(String::new()),
            created_at: Set(now),
            used_at: Set(now),
            expires_at: Set(now + 3_600_000),
            revoked_at: Set(None),
        };
        let row = row
            .insert(self.control.store().write())
            .await
            .expect("a new session");
        self.admin.tokens.issue(&row.user_id, &row.id)
    }

    /// Somebody new with a password, made by an administrator.
    pub(crate) async fn user(&self, email: &str, role: Role, password: &str) -> String {
        let admin = self.person(Role::Admin).await;
        let body = json!({"email": email, "role": role.as_str(), "password": password});
        let made = self
            .call(Method::POST, "/api/users", &admin, Some(&body))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.text("id").to_owned()
    }

    /// Logs in.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        self.call(Method::POST, "/api/auth/login", "", Some(&body))
            .await
    }

    /// Calls with a token (empty: none) and further headers.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let response = self.send(method, path, token, headers, body).await;
        answer(response).await
    }

    /// Calls as `call_with` does, and does not wait for the end of an answer that has none.
    pub(crate) async fn knock(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut response = self.send(method, path, token, headers, body).await;
        let kind = response.content_type().unwrap_or_default();
        if !kind.contains("json") {
            response.take_body();
        }
        answer(response).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Response {
        let mut request = self.client.request(method, path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body_json(body);
        }
        request.send().await.0
    }

    /// Calls with a token and leaves the body to be read.
    pub(crate) async fn open(&self, path: &str, token: &str) -> Response {
        let request = self.client.get(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        request.send().await.0
    }

    /// Sends what needs no words, and leaves the answer to be read.
    pub(crate) async fn post(&self, path: &str, token: &str) -> Response {
        self.send(Method::POST, path, token, &[], None).await
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Reads what is no JSON.
    pub(crate) async fn text(&self, path: &str, token: &str) -> String {
        let response = self.open(path, token).await;
        assert!(response.status().is_success(), "{}", response.status());
        let body = response.into_body().into_string().await;
        body.expect("text")
    }

    /// Calls with a token.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.call_with(method, path, token, &[], body).await
    }

    /// Ends it and removes what it left.
    pub(crate) async fn end(self) {
        if let Some((server, name)) = &self.server {
            let store = self.control.store();
            let _ = store.write().clone().close().await;
            let database = Database::connect(server.as_str())
                .await
                .expect("the server runs");
            let _ = database
                .execute_unprepared(&format!("DROP DATABASE {name}"))
                .await;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Holds all connections: to everybody else the database hangs.
pub(crate) async fn hold(database: &DatabaseConnection) -> Vec<DatabaseTransaction> {
    let mut held = Vec::new();
    while let Ok(one) = timeout(Duration::from_millis(500), database.begin()).await {
        held.push(one.expect("a transaction"));
    }
    held
}

async fn answer(response: Response) -> Answer {
    let header = |name: &str| response.header(name).map(ToOwned::to_owned);
    let (status, etag, content_type) = (response.status(), header("etag"), header("content-type"));
    let headers = response.headers().clone();
    let bytes = response
        .into_body()
        .into_bytes()
        .await
        .expect("a whole body");
    Answer {
        status,
        etag,
        content_type: content_type.unwrap_or_default(),
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// The settings of this `app.yml`.
fn read(yaml: &str) -> Settings {
    let folder = std::env::temp_dir().join(format!("bridge-files-{}", new_id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("app.yml");
    std::fs::write(&file, yaml).expect("a temporary file");
    let options = LoadOptions {
        config: Some(file),
        directory: folder.clone(),
        environment: Environment::default(),
        host: None,
        port: None,
        log_level: None,
    };
    let settings = config::load(&options).unwrap_or_else(|errors| unreachable!("{errors}\n{yaml}"));
    let _ = std::fs::remove_dir_all(&folder);
    settings
}
