//! The hub itself: version, database, what was left out, what became of request records.

use std::sync::atomic::Ordering;

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::person::{Role, Session};
use super::problem::Answer;
use crate::config::ConfigError;

/// A step of the database schema.
#[derive(Clone, Debug, Object)]
pub(super) struct MigrationStep {
    /// Its name.
    name: String,
    /// It was made.
    done: bool,
}

/// The database.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Database {
    /// `sqlite`, `postgres` or `mysql`.
    kind: String,
    /// It answers.
    ok: bool,
    /// Bytes that it takes.
    size: Option<i64>,
    /// The steps of its schema, oldest first.
    migrations: Vec<MigrationStep>,
    /// How many changes of the configuration there were.
    revision: Option<i64>,
}

/// What is not in force: a definition that is left out, or files that are refused since they have changed.
#[derive(Clone, Debug, Object)]
pub(super) struct LeftOut {
    /// What it is, such as provider `qwen`, or where it stands, such as `config/app.yml:3`.
    place: String,
    /// The member that is wrong.
    field: String,
    /// What is wrong.
    message: String,
    /// What to do.
    fix: String,
}

impl LeftOut {
    fn of(error: &ConfigError) -> Self {
        Self {
            place: error.place.to_string(),
            field: error.place.path(),
            message: error.what.clone(),
            fix: error.fix.clone(),
        }
    }
}

/// What became of request records.
#[derive(Clone, Debug, Object)]
pub(super) struct Records {
    /// Handed over and not yet taken.
    queued: u64,
    /// Written to the log file.
    written: u64,
    /// Refused because the queue was full.
    refused: u64,
    /// Lost because the log file could not be written.
    lost: u64,
    /// In the database.
    kept: u64,
    /// Waiting for the database in memory.
    waiting: u64,
    /// Bytes waiting for it in a file.
    spill_bytes: u64,
    /// Lost on the way to the database.
    unkept: u64,
}

/// The hub.
#[derive(Clone, Debug, Object)]
pub(super) struct System {
    /// Its version.
    version: String,
    /// Since when it runs, in seconds.
    uptime_seconds: u64,
    /// The version of the configuration in force.
    configuration: u64,
    /// The demonstration is laid over.
    demo: bool,
    /// The database.
    database: Database,
    /// The files it reads.
    files: Vec<String>,
    /// What is odd about them, and what of them waits for a restart.
    warnings: Vec<String>,
    /// Definitions that are left out, and why changed files are refused: then what they said before stays in force.
    problems: Vec<LeftOut>,
    /// What became of request records.
    records: Records,
}

/// The resource.
pub(super) struct Systems(pub(super) Admin);

impl Systems {
    /// Told also while the database is away.
    async fn database(&self) -> Database {
        let store = self.0.control.store();
        let revision = crate::store::definitions::revision(store.read()).await.ok();
        let migrations = match revision {
            Some(_) => store.migrations().await.unwrap_or_default(),
            None => Vec::new(),
        };
        Database {
            kind: store.kind().to_owned(),
            ok: revision.is_some(),
            size: match revision {
                Some(_) => store.size().await.ok().flatten(),
                None => None,
            },
            migrations: migrations
                .into_iter()
                .map(|(name, done)| MigrationStep { name, done })
                .collect(),
            revision,
        }
    }
}

#[OpenApi(prefix_path = "/api/system")]
impl Systems {
    /// How the hub stands
    #[oai(path = "/", method = "get", operation_id = "system_get")]
    async fn get(&self, session: Session) -> Answer<Json<System>> {
        session.at_least(Role::Viewer)?;
        let database = self.database().await;
        let hub = self.0.control.hub();
        let in_force = self.0.control.in_force();
        let notices = self.0.control.notices();
        let counts = hub.ledger.counts();
        let count = |cell: &std::sync::atomic::AtomicU64| cell.load(Ordering::Relaxed);
        Ok(Json(System {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.0.started.elapsed().as_secs(),
            configuration: hub.snapshots.load().version,
            demo: in_force.settings.demo,
            database,
            files: in_force
                .settings
                .files
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
            warnings: [&in_force.settings.warnings[..], &notices.waiting].concat(),
            problems: notices
                .refused
                .iter()
                .map(|error| LeftOut {
                    message: format!(
                        "the changed configuration is refused, the old one stays: {}",
                        error.what
                    ),
                    ..LeftOut::of(error)
                })
                .chain(in_force.problems.iter().map(LeftOut::of))
                .collect(),
            records: Records {
                queued: count(&counts.queued),
                written: count(&counts.written),
                refused: count(&counts.refused),
                lost: count(&counts.lost),
                kept: count(&counts.book.kept),
                waiting: count(&counts.book.waiting),
                spill_bytes: count(&counts.book.spill_bytes),
                unkept: count(&counts.book.lost),
            },
        }))
    }
}
