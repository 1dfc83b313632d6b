//! A database of its own for one test, and requests to put into it.

use std::path::PathBuf;
use std::time::Duration;

use bridge::config::Secret;
use bridge::store::entities::request;
use bridge::store::histogram::slot;
use bridge::store::requests::{Entry, Knowledge, Try};
use bridge::store::{Store, StoreOptions, new_id, now_ms};
use sea_orm::{ConnectionTrait as _, Database};

/// A database of its own.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) options: StoreOptions,
    pub(crate) folder: PathBuf,
    server: Option<(String, String)>,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("bridge-ledger-{}", new_id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let server = std::env::var("TEST_DATABASE_SERVER").ok();
        let name = format!("t{}", new_id().replace('-', ""));
        let url = match &server {
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
        };
        let options = StoreOptions {
            url: Secret::new(url),
            pool_size: 4,
            pool_timeout: Duration::from_secs(20),
            encryption_key: Some(Secret::new("a key for tests that is long enough")),
        };
        Self {
            store: Store::open(&options).await.expect("a new database"),
            options,
            folder,
            server: server.map(|server| (server, name)),
        }
    }

    /// Whether it is a file.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.server.is_none()
    }

    /// Writes entries.
    pub(crate) async fn write(&self, entries: &[Entry]) -> usize {
        self.store
            .keep(entries, Try::Again, &mut Knowledge::default())
            .await
            .expect("the database takes them")
    }

    /// Makes sums of everything.
    pub(crate) async fn roll(&self) {
        let known = &mut Knowledge::default();
        while self.store.roll(now_ms(), known).await.expect("sums") {}
    }

    /// Makes sums of what is older than this.
    pub(crate) async fn roll_until(&self, end: i64) {
        let known = &mut Knowledge::default();
        while self.store.roll(end + 120_000, known).await.expect("sums") {}
    }

    pub(crate) async fn end(self) {
        if let Some((server, name)) = &self.server {
            let _ = self.store.write().clone().close().await;
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

/// A request that went well.
pub(crate) fn entry(id: &str, at: i64) -> Entry {
    Entry {
        request: request::Model {
            id: id.to_owned(),
            at,
            call_kind: "generate".to_owned(),
            ingress: "anthropic".to_owned(),
            upstream: Some("openai-chat".to_owned()),
            client_key_id: Some("key-1".to_owned()),
            client_key: Some("ci".to_owned()),
            owner_id: Some("owner-1".to_owned()),
            tags: Some("|blue|green|".to_owned()),
            provider: Some("qwen".to_owned()),
            model_asked: "sonnet".to_owned(),
            model_served: Some("qwen-plus".to_owned()),
            route: Some("role".to_owned()),
            outcome: "ok".to_owned(),
            status: 200,
            input: 100,
            uncached: 100,
            output: 20,
            usage_source: Some("vendor".to_owned()),
            cost_nano_usd: Some(1_000),
            price_version: Some("v".to_owned()),
            first_byte_us: Some(40_000),
            first_byte_slot: Some(slot(40_000)),
            total_us: 100_000,
            total_slot: slot(100_000),
            attempts: 1,
            ..request::Model::default()
        },
        details: None,
        capture: None,
    }
}
