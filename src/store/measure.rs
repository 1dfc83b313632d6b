//! How large the database is.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use super::{Store, StoreError};

impl Store {
    /// The kind of database: `sqlite`, `postgres`, `mysql`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.backend() {
            DatabaseBackend::Sqlite => "sqlite",
            DatabaseBackend::Postgres => "postgres",
            DatabaseBackend::MySql => "mysql",
            _ => "other",
        }
    }

    /// Bytes that it takes, where it tells.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn size(&self) -> Result<Option<i64>, StoreError> {
        let sql = match self.backend() {
            DatabaseBackend::Sqlite => {
                "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()"
            }
            DatabaseBackend::Postgres => "SELECT pg_database_size(current_database()) AS size",
            DatabaseBackend::MySql => {
                "SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED) AS size FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
            _ => return Ok(None),
        };
        let statement = Statement::from_string(self.backend(), sql);
        let row = self.read().query_one_raw(statement).await?;
        Ok(match row {
            Some(row) => Some(row.try_get("", "size")?),
            None => None,
        })
    }
}
