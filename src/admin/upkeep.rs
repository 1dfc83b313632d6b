//! Copies of the database, and taking back its room.

use std::sync::Arc;
use std::time::Instant;

use poem::Body;
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, Object, OpenApi};
use sea_orm::DbErr;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::Admin;
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use crate::control::AuditEntry;
use crate::store::StoreError;

/// A copy of the database.
#[derive(ApiResponse)]
pub(super) enum BackupFile {
    /// An SQLite database, and what to call the file.
    #[oai(status = 200, content_type = "application/vnd.sqlite3")]
    Whole(
        Binary<Body>,
        #[oai(header = "Content-Disposition")] String,
        #[oai(header = "Cache-Control")] String,
    ),
}

/// What became of the room that the database takes.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Vacuumed {
    /// `sqlite`, `postgres` or `mysql`.
    kind: String,
    /// Bytes that it took.
    size_before: Option<i64>,
    /// Bytes that it takes.
    size_after: Option<i64>,
    /// How long it took, in milliseconds.
    took_ms: u64,
}

/// The resource.
pub(super) struct Upkeep(pub(super) Admin);

impl Upkeep {
    /// One at a time: each needs as much room as the database takes.
    fn place(&self) -> Answer<OwnedSemaphorePermit> {
        Arc::clone(&self.0.upkeep).try_acquire_owned().map_err(|_| {
            let words = "the database is being copied or cleaned up; try again in a while";
            Problem::too_many(30, words)
        })
    }

    async fn note(&self, who: &Identity, action: &str, after: &Value) -> Answer<()> {
        let change = self.0.control.begin(who.actor()).await?;
        let name = self.0.control.store().kind();
        change
            .note(AuditEntry {
                action,
                kind: "database",
                id: "database",
                name,
                before: None,
                after: Some(after),
            })
            .await?;
        Ok(change.commit_quietly().await?)
    }
}

/// The refusal to copy what is not a file of the hub's.
fn not_here(kind: &str) -> Problem {
    let words = match kind {
        "postgres" => {
            "the hub copies SQLite databases; copy this one with pg_dump, which needs no pause of the hub"
        }
        "mysql" => {
            "the hub copies SQLite databases; copy this one with mysqldump --single-transaction, which needs no pause of the hub"
        }
        _ => "the database is in memory and has no file that could be put back",
    };
    Problem::conflict("no_backup_here", words)
}

/// A full disk is nothing that the log alone should know.
fn failed(error: StoreError) -> Problem {
    match &error {
        StoreError::File { .. } | StoreError::Database(DbErr::Exec(_) | DbErr::Query(_)) => {
            tracing::warn!(%error, "the database was not copied or cleaned up");
            Problem::conflict(
                "upkeep_failed",
                format!(
                    "{error}; look whether the disk has as much free room as the database takes"
                ),
            )
        }
        _ => error.into(),
    }
}

#[OpenApi(prefix_path = "/api/system")]
impl Upkeep {
    /// Copy the database
    ///
    /// The whole of an SQLite database as it is at this moment, while requests go on. Secrets stay sealed in it: to use
    /// it, the key file or the `ENCRYPTION_KEY` of this hub is needed too. Databases of servers have their own tools.
    #[oai(path = "/backup", method = "post", operation_id = "system_backup")]
    async fn backup(&self, session: Session) -> Answer<BackupFile> {
        let who = session.at_least(Role::Admin)?;
        let _place = self.place()?;
        let store = self.0.control.store();
        let backup = store.backup().await.map_err(failed)?;
        let backup = backup.ok_or_else(|| not_here(store.kind()))?;
        self.note(who, "backup", &json!({"bytes": backup.bytes}))
            .await?;
        let file = tokio::fs::File::from_std(backup.file);
        Ok(BackupFile::Whole(
            Binary(Body::from_async_read(file)),
            "attachment; filename=\"bridge.db\"".to_owned(),
            "no-store".to_owned(),
        ))
    }

    /// Take back the room of what has gone
    ///
    /// `VACUUM` and its like, and the counts by which the database plans. Requests go on; what SQLite has to write waits.
    #[oai(path = "/vacuum", method = "post", operation_id = "system_vacuum")]
    async fn vacuum(&self, session: Session) -> Answer<Json<Vacuumed>> {
        let who = session.at_least(Role::Admin)?;
        let _place = self.place()?;
        let store = self.0.control.store();
        let begun = Instant::now();
        let size_before = store.size().await?;
        store.vacuum().await.map_err(failed)?;
        let size_after = store.size().await?;
        let done = json!({"size_before": size_before, "size_after": size_after});
        self.note(who, "vacuum", &done).await?;
        Ok(Json(Vacuumed {
            kind: store.kind().to_owned(),
            size_before,
            size_after,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))
    }
}
