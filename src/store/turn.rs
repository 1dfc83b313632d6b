//! One hub at a time opens a database and brings its schema up to date: hubs that start at the same moment wait for
//! each other.
//!
//! On a server it is a lock of the session, which ends with the connection whatever happens; beside a file it is a
//! lock on a file, which ends with the process.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, DbErr};

use super::connect::{common, is_server, sqlite_path};
use super::key_file::private_file;
use super::{StoreError, StoreOptions};

/// A large schema may take its time.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(25);

/// A turn at opening a database.
pub(super) enum Turn {
    /// Nobody else can have this database.
    Alone,
    /// Held by a lock on a file.
    File(#[expect(dead_code, reason = "its lock ends when it is dropped")] File),
    /// Held by a session of the server.
    Session(DatabaseConnection),
}

impl Turn {
    /// A turn at a database.
    pub(super) async fn at(options: &StoreOptions) -> Result<Self, StoreError> {
        let url = options.url.expose();
        match sqlite_path(url) {
            Some(path) => Self::at_file(&path).await,
            None if is_server(url) => Self::at_server(options).await,
            None => Ok(Self::Alone),
        }
    }

    /// A turn at the database of a server.
    async fn at_server(options: &StoreOptions) -> Result<Self, StoreError> {
        let session = Database::connect(common(options, 1)).await?;
        let seconds = PATIENCE.as_secs();
        match session.get_database_backend() {
            DatabaseBackend::MySql => {
                // Locks of MySQL belong to the server: the name says which database is meant.
                let lock = format!(
                    "SELECT GET_LOCK(CONCAT('llm-bridge-', LEFT(MD5(DATABASE()), 32)), {seconds}) AS got"
                );
                let row = session.query_one_raw(statement(&session, lock)).await?;
                let got: Option<i64> = row.map(|row| row.try_get("", "got")).transpose()?.flatten();
                if got != Some(1) {
                    return Err(busy());
                }
            }
            _ => {
                // Any number will do, as long as nobody else locks it in this database.
                let lock = format!(
                    "SET lock_timeout = '{seconds}s'; SELECT pg_advisory_lock(7020106050103)"
                );
                session.execute_unprepared(&lock).await?;
            }
        }
        Ok(Self::Session(session))
    }

    /// A turn at the database in a file.
    async fn at_file(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let path = Path::new(&name);
        let failed = |error| StoreError::File {
            path: path.to_owned(),
            error,
        };
        let open = || File::options().write(true).open(path);
        let made = || private_file(path).or_else(|_| open().map_err(failed));
        let file = open().or_else(|_| made())?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self::File(file)),
                // Some file systems have no locks; there is one hub on a file then, as ever.
                Err(TryLockError::Error(error))
                    if error.kind() == std::io::ErrorKind::Unsupported =>
                {
                    return Ok(Self::Alone);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(GLANCE).await;
                }
                Err(TryLockError::WouldBlock) => return Err(busy()),
            }
        }
    }

    /// Lets the next one.
    pub(super) async fn end(self) {
        if let Self::Session(session) = self {
            // One that does not close well ends with its connection.
            let _ = session.close().await;
        }
    }
}

fn statement(session: &DatabaseConnection, sql: String) -> sea_orm::Statement {
    sea_orm::Statement::from_string(session.get_database_backend(), sql)
}

/// As if the database were away: it is tried again.
fn busy() -> StoreError {
    let words = "another hub is changing its schema and does not come to an end";
    StoreError::Database(DbErr::Custom(words.to_owned()))
}
