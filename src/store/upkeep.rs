//! What keeps a database in shape: copies of it, and taking back the room of what has gone.

use std::path::PathBuf;

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use super::key_file::private_file;
use super::{Store, StoreError};

/// A copy of the whole database as it was at one moment. Its file has no name any more and is gone with this.
#[derive(Debug)]
pub struct Backup {
    /// To be read from the beginning.
    pub file: std::fs::File,
    /// How large it is.
    pub bytes: u64,
}

/// A file that is removed when this goes, also where a copy was given up half way.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // Where it cannot be removed, the next copy does it.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Store {
    /// Copies an SQLite database into a file beside it that only its owner can read, while writers go on. `None` for
    /// databases that have no file: those of servers, and one in memory. One copy at a time.
    ///
    /// # Errors
    /// When the database does not answer, or there is no room for the copy.
    pub async fn backup(&self) -> Result<Option<Backup>, StoreError> {
        let Some(path) = self.file().await? else {
            return Ok(None);
        };
        let failed = |error| StoreError::File {
            path: path.clone(),
            error,
        };
        let passing = Passing(path.clone());
        if path.exists() {
            // Of a hub that was killed.
            std::fs::remove_file(&path).map_err(failed)?;
        }
        // SQLite takes an empty file, and leaves it to whom it belongs.
        drop(private_file(&path)?);
        let name = path.to_string_lossy().into_owned();
        let copy = Statement::from_sql_and_values(self.backend(), "VACUUM INTO ?", [name.into()]);
        self.read().execute_raw(copy).await?;
        let file = std::fs::File::open(&path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        drop(passing);
        Ok(Some(Backup { file, bytes }))
    }

    /// Where a copy of the database goes.
    async fn file(&self) -> Result<Option<PathBuf>, StoreError> {
        if self.backend() != DatabaseBackend::Sqlite {
            return Ok(None);
        }
        let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
        let row = self
            .read()
            .query_one_raw(Statement::from_string(self.backend(), sql))
            .await?;
        let file: Option<String> = match row {
            Some(row) => row.try_get("", "file")?,
            None => None,
        };
        let file = file.filter(|file| !file.is_empty());
        Ok(file.map(|file| PathBuf::from(format!("{file}.backup"))))
    }

    /// Takes back the room of what has gone, and counts anew how the tables are filled, by which the database plans.
    /// Writers of SQLite wait meanwhile; it needs as much free room as the database takes.
    ///
    /// # Errors
    /// When the database does not answer, or there is no room for it.
    pub async fn vacuum(&self) -> Result<(), StoreError> {
        let statements = match self.backend() {
            DatabaseBackend::Sqlite => [
                "VACUUM",
                "PRAGMA optimize = 0x10002",
                "PRAGMA wal_checkpoint(TRUNCATE)",
            ]
            .map(str::to_owned)
            .to_vec(),
            DatabaseBackend::MySql => self.tables().await?,
            _ => vec!["VACUUM (ANALYZE)".to_owned()],
        };
        for statement in statements {
            self.write().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    /// A statement for each table of MySQL, which has none for all.
    async fn tables(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT CAST(table_name AS CHAR) AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name";
        let rows = self
            .read()
            .query_all_raw(Statement::from_string(self.backend(), sql))
            .await?;
        let mut statements = Vec::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get("", "name")?;
            statements.push(format!("OPTIMIZE TABLE `{}`", name.replace('`', "``")));
        }
        Ok(statements)
    }
}
