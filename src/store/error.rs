//! What can go wrong with the database.

use std::path::PathBuf;

use sea_orm::{DbErr, RuntimeErr, SqlErr};

use super::Unopened;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or nothing.
    #[error("the database does not answer as it should: {0}")]
    Database(DbErr),
    /// A unique value is there already.
    #[error("that name is taken")]
    Taken,
    /// There is no such row.
    #[error("there is no such entry")]
    Missing,
    /// Somebody else changed it first.
    #[error("it was changed meanwhile; it is at version {0} now")]
    Changed(i64),
    /// There are as many as there may be.
    #[error("there are {0} already, which is the most; remove some first")]
    Full(u64),
    /// A secret does not open.
    #[error(transparent)]
    Unopened(#[from] Unopened),
    /// The operator's key is not the one the database was made with.
    #[error(
        "ENCRYPTION_KEY, or the key file {}, is not the key this database was made with; put the right one back (a new one cannot open the secrets in it)",
        .0.display()
    )]
    WrongKey(PathBuf),
    /// The key file is gone.
    #[error(
        "this database has secrets in it, but its key file {} is missing and ENCRYPTION_KEY is not set; put one of them back",
        .0.display()
    )]
    LostKey(PathBuf),
    /// A later version of the program has changed the schema.
    #[error(
        "this database was changed by a later version of the program ({0}); start that version, or one that is newer"
    )]
    Newer(String),
    /// A file that others can read.
    #[error("{} can be read by others on this machine; run `chmod 600 {}`", .0.display(), .0.display())]
    Exposed(PathBuf),
    /// A key that is too short to be one.
    #[error(
        "ENCRYPTION_KEY is too short; use at least 32 characters, for example from `openssl rand -base64 32`"
    )]
    WeakKey,
    /// A file cannot be used.
    #[error("{} cannot be used: {error}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A question that takes too long.
    #[error("this takes too long; ask for a shorter time or with fewer words")]
    Slow,
    /// A text that the database has no letters for.
    #[error("this holds a character that the database cannot keep, such as NUL; leave it out")]
    Letters,
    /// Not a database URL.
    #[error("DATABASE_URL must begin with sqlite:, postgres: or mysql:")]
    Url,
    /// What files say does not fit together.
    #[error("{0}")]
    Configuration(#[from] crate::config::ConfigErrors),
    /// The first administrator cannot be made.
    #[error("{0}")]
    Administrator(String),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Taken,
            _ if is_about_letters(&error) => Self::Letters,
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Whether the database has ended a transaction that stood in another one's way: it may be tried again.
    #[must_use]
    pub fn is_deadlock(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        matches!(code_of(error).as_deref(), Some("40001" | "40P01"))
    }
}

/// The database's own code of an error.
fn code_of(error: &DbErr) -> Option<String> {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) =
        error
    else {
        return None;
    };
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}

/// PostgreSQL keeps no NUL in texts and says so by these codes (`character_not_in_repertoire`,
/// `untranslatable_character`): the question is at fault, not the database.
fn is_about_letters(error: &DbErr) -> bool {
    matches!(code_of(error).as_deref(), Some("22021" | "22P05"))
}
