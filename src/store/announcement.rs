//! Telling other hubs on the same database that the configuration has changed, where the database can: PostgreSQL.
//!
//! An announcement only wakes a hub up; what it then reads decides. A hub that hears none looks by itself.

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr};

use super::{Store, StoreError};

/// The channel of a database.
const CHANNEL: &str = "bridge_configuration";

/// Announces a change as soon as the transaction counts.
///
/// # Errors
/// When the database is away.
pub async fn announce(work: &impl ConnectionTrait) -> Result<(), StoreError> {
    if work.get_database_backend() == DatabaseBackend::Postgres {
        work.execute_unprepared(&format!("NOTIFY {CHANNEL}"))
            .await?;
    }
    Ok(())
}

/// What other hubs announce.
#[derive(Debug)]
pub struct Announcements(PgListener);

impl Announcements {
    /// Waits for the next one. A lost connection is made again and counts as one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        self.0.try_recv().await.map_err(away)?;
        Ok(())
    }
}

impl Store {
    /// Listens to other hubs; `None` where the database has no such thing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn announcements(&self) -> Result<Option<Announcements>, StoreError> {
        if self.backend() != DatabaseBackend::Postgres {
            return Ok(None);
        }
        let pool = self.read().get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await.map_err(away)?;
        listener.listen(CHANNEL).await.map_err(away)?;
        Ok(Some(Announcements(listener)))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form in which results hand their errors over"
)]
fn away(error: sea_orm::sqlx::Error) -> StoreError {
    StoreError::Database(DbErr::Custom(error.to_string()))
}
