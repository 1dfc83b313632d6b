//! Opening a database: the file, the connections, the schema, the keyring.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use migration::{Migrator, MigratorTrait as _};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ActiveModelTrait as _, ConnectOptions, ConnectionTrait as _, Database, DatabaseBackend,
    DatabaseConnection, EntityTrait as _, Set,
};

use super::entities::fact;
use super::key_file::{OperatorKey, private_file, refuse_exposed};
use super::turn::Turn;
use super::{Store, StoreError, StoreOptions, Vault};

/// The fact that holds the wrapped root key.
const KEYRING: &str = "keyring";
/// How long an SQLite database may be held by others.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Pages in the log of an SQLite database before they go to it: those written again and again go once.
pub(super) const CHECKPOINT: &str = "4000";
/// Readers of an SQLite database.
const READERS: u32 = 4;

impl Store {
    /// Opens the database, brings its schema up to date, and unlocks its secrets.
    ///
    /// # Errors
    /// When it is away, was made with another key or by a later version, or can be read by others.
    pub async fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        let turn = Turn::at(options).await?;
        let opened = Self::open_alone(options).await;
        turn.end().await;
        opened
    }

    async fn open_alone(options: &StoreOptions) -> Result<Self, StoreError> {
        let (write, read) = connect(options).await?;
        tell_names_apart(&write).await?;
        refuse_newer(&write).await?;
        Migrator::up(&write, None).await?;
        let key = OperatorKey::of(options, sqlite_path(options.url.expose()).as_deref())?;
        let vault = unlock(&write, &key).await?;
        Ok(Self {
            write,
            read,
            vault,
            file: sqlite_path(options.url.expose()).map(Arc::from),
        })
    }

    /// Takes back the newest `steps` steps of the schema.
    ///
    /// # Errors
    /// When the database is away or a step cannot be taken back.
    pub async fn migrate_down(options: &StoreOptions, steps: u32) -> Result<(), StoreError> {
        let (write, _) = connect(options).await?;
        Ok(Migrator::down(&write, Some(steps)).await?)
    }

    /// Which steps of the schema there are, and whether each was made, without making any.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn migration_status(
        options: &StoreOptions,
    ) -> Result<Vec<(String, bool)>, StoreError> {
        let (write, _) = connect(options).await?;
        steps(&write).await
    }

    /// Which steps of the schema there are, and whether each was made.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>, StoreError> {
        steps(&self.write).await
    }

    /// Wraps the root key under another key of the operator's. The secrets themselves stay as they are.
    ///
    /// # Errors
    /// When the old key is not the right one.
    pub async fn rotate_key(
        options: &StoreOptions,
        new: &crate::config::Secret,
    ) -> Result<(), StoreError> {
        let store = Self::open(options).await?;
        let changed = StoreOptions {
            encryption_key: Some(new.clone()),
            ..options.clone()
        };
        // Refuses a weak one.
        OperatorKey::of(&changed, None)?;
        let row = fact::ActiveModel {
            name: Set(KEYRING.to_owned()),
            value: Set(store.vault.wrapped(new)),
        };
        row.update(&store.write).await?;
        Ok(())
    }
}

async fn steps(database: &DatabaseConnection) -> Result<Vec<(String, bool)>, StoreError> {
    let pending = Migrator::get_pending_migrations(database).await?;
    let is_pending = |name: &str| pending.iter().any(|step| step.name() == name);
    Ok(Migrator::migrations()
        .iter()
        .map(|step| (step.name().to_owned(), !is_pending(step.name())))
        .collect())
}

/// A schema that a later version has made is nothing to work with, or on.
async fn refuse_newer(database: &DatabaseConnection) -> Result<(), StoreError> {
    let known = Migrator::migrations();
    let made = Migrator::get_migration_models(database).await?;
    let newer = made
        .into_iter()
        .find(|model| known.iter().all(|step| step.name() != model.version));
    newer.map_or(Ok(()), |model| Err(StoreError::Newer(model.version)))
}

/// MySQL takes `a` and `A` for the same name unless it is told otherwise; tables made from now on are.
async fn tell_names_apart(database: &DatabaseConnection) -> Result<(), StoreError> {
    if database.get_database_backend() == DatabaseBackend::MySql {
        database
            .execute_unprepared("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            .await?;
    }
    Ok(())
}

async fn connect(
    options: &StoreOptions,
) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    let url = options.url.expose();
    if is_server(url) {
        let both = Database::connect(common(options, options.pool_size)).await?;
        return Ok((both.clone(), both));
    }
    if !url.starts_with("sqlite:") {
        return Err(StoreError::Url);
    }
    let Some(path) = sqlite_path(url) else {
        // A database in memory is as many databases as it has connections.
        let both = Database::connect(sqlite(options, 1)).await?;
        return Ok((both.clone(), both));
    };
    if path.exists() {
        refuse_exposed(&path)?;
    } else {
        private_file(&path)?;
    }
    let write = Database::connect(sqlite(options, 1)).await?;
    let read = Database::connect(sqlite(options, READERS)).await?;
    Ok((write, read))
}

/// Whether a database of this URL is reached over a network.
pub(super) fn is_server(url: &str) -> bool {
    ["postgres:", "postgresql:", "mysql:", "mariadb:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

pub(super) fn common(options: &StoreOptions, connections: u32) -> ConnectOptions {
    let mut connect = ConnectOptions::new(options.url.expose());
    connect
        .max_connections(connections)
        .min_connections(1)
        .connect_timeout(options.pool_timeout)
        .acquire_timeout(options.pool_timeout)
        .idle_timeout(Duration::from_secs(300))
        .sqlx_logging(false);
    connect
}

fn sqlite(options: &StoreOptions, connections: u32) -> ConnectOptions {
    let mut connect = common(options, connections);
    if connections == 1 && sqlite_path(options.url.expose()).is_none() {
        // It is gone with its last connection.
        connect.idle_timeout(None).max_lifetime(None);
    }
    connect.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        if connections > 1 {
            // Readers sort what may be large.
            return sqlite;
        }
        // What a statement of the writer's may have to take back needs no file.
        sqlite.pragma("temp_store", "MEMORY")
    });
    connect
}

/// The file of an SQLite database; `None` for one in memory and for servers.
#[must_use]
pub(super) fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    (!path.is_empty() && path != ":memory:").then(|| Path::new(path).to_owned())
}

/// Where the hub keeps its files: beside a database that is a file, and else where that would be.
#[must_use]
pub fn data_folder(url: &str) -> PathBuf {
    let database = sqlite_path(url);
    let folder = database.as_deref().and_then(Path::parent);
    match folder {
        Some(here) if here.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => PathBuf::from("data"),
    }
}

async fn unlock(database: &DatabaseConnection, key: &OperatorKey) -> Result<Vault, StoreError> {
    if let Some(row) = fact::Entity::find_by_id(KEYRING).one(database).await? {
        let operator = key.existing()?;
        return Vault::unwrap(&row.value, &operator)
            .map_err(|_| StoreError::WrongKey(key.path.clone()));
    }
    let operator = key.existing_or_new()?;
    let vault = Vault::fresh();
    let row = fact::ActiveModel {
        name: Set(KEYRING.to_owned()),
        value: Set(vault.wrapped(&operator)),
    };
    match row.insert(database).await.map_err(StoreError::from) {
        Ok(_) => Ok(vault),
        // Another hub was first.
        Err(StoreError::Taken) => {
            let row = fact::Entity::find_by_id(KEYRING).one(database).await?;
            let row = row.ok_or(StoreError::Missing)?;
            Vault::unwrap(&row.value, &operator).map_err(|_| StoreError::WrongKey(key.path.clone()))
        }
        Err(error) => Err(error),
    }
}
