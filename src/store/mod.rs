//! The database: entities, queries, and the encryption of secrets. The only place with SQL.
//!
//! Nothing here knows what a request of the data plane is; the data plane never comes here. What it needs
//! is in a snapshot, what it tells is in the ledger's queue.

mod announcement;
mod connect;
mod conversation_messages;
mod conversation_recording;
mod conversation_search;
pub mod conversation_switches;
pub mod conversations;
pub mod definitions;
pub mod entities;
mod error;
mod fresh;
mod health;
pub mod histogram;
mod ident;
mod insertion;
mod key_file;
mod measure;
pub mod request_list;
pub mod requests;
pub mod retention;
mod rolling;
pub mod rollups;
pub mod spend;
pub mod statistics;
mod statistics_query;
mod stored_responses;
mod tray;
mod turn;
mod upkeep;
mod vault;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DatabaseBackend, DatabaseConnection, DatabaseTransaction, TransactionTrait};

use crate::config::Secret;

pub use announcement::{Announcements, announce};
pub use connect::data_folder;
pub use conversation_messages::{Appended, KeptMessage, Order};
pub use conversation_search::{ConversationFilter, ConversationPage};
pub use conversations::{ConversationChange, Keeper, KeptConversation, Origin};
pub use error::StoreError;
pub use health::HealthFinding;
pub use ident::{is_id, new_id, now_ms};
pub use stored_responses::{RemovedResponses, ResponseRecord};
pub use upkeep::Backup;
pub use vault::{Purpose, Unopened, Vault, random};

/// Where the database is and how it is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://`, `postgres://`, `mysql://`.
    pub url: Secret,
    /// Most connections of a server; SQLite has one writer and a few readers.
    pub pool_size: u32,
    /// How long to wait for a connection.
    pub pool_timeout: Duration,
    /// The operator's key; else it is kept in a file.
    pub encryption_key: Option<Secret>,
}

impl StoreOptions {
    /// As the settings say.
    #[must_use]
    pub fn of(settings: &crate::config::Settings) -> Self {
        Self {
            url: settings.database_url.clone(),
            pool_size: settings.db_pool_size.unwrap_or(10),
            pool_timeout: settings.db_pool_timeout.unwrap_or(Duration::from_secs(5)),
            encryption_key: settings.encryption_key.clone(),
        }
    }
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    vault: Vault,
    /// Where it is one file.
    file: Option<Arc<Path>>,
}

impl Store {
    /// For reading.
    #[must_use]
    pub const fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For writing; SQLite has one connection for it, so that writers wait in line and not for locks.
    #[must_use]
    pub const fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// What seals and digests.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Begins a transaction for writing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        Ok(self.write.begin().await?)
    }

    /// Which kind of database it is.
    #[must_use]
    pub fn backend(&self) -> DatabaseBackend {
        self.read.get_database_backend()
    }
}
