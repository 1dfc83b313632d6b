//! The short way of request rows into an SQLite file.
//!
//! Rows of requests are the only ones that are written once per request, and on the long way, by way of lists of owned
//! values for a thread of the driver's, handing them over costs more than writing them down. Here a statement is made
//! once and takes the values as they lie in memory. Whoever comes this way stands in the line of writers like all others.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Statement, TransactionBehavior,
};
use sea_orm::{DatabaseBackend, DbErr, RuntimeErr};

use super::StoreError;
use super::connect::{BUSY, CHECKPOINT};
use super::entities::{capture, request, request_detail};
use super::insertion::text;
use super::requests::Entry;
use super::rolling::MARK;

/// What became of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// They are written.
    Done,
    /// Nothing is written, for the long way to do it: there are rows from before the mark, which the sums have passed.
    Left,
}

/// A connection of its own, made when it is needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tray(Arc<Mutex<Option<Connection>>>);

impl Tray {
    /// Writes all rows of a batch that nobody has seen before, or none. Blocks.
    pub(super) fn put(&self, path: &Path, batch: &[Entry]) -> Result<Put, StoreError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out, so that a connection that has failed is made anew.
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => open(path)?,
        };
        let put = write(&mut connection, batch)?;
        *held = Some(connection);
        Ok(put)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // The file is there, or something is wrong; and one at a time uses this connection.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    Ok(connection)
}

fn write(connection: &mut Connection, batch: &[Entry]) -> rusqlite::Result<Put> {
    let work = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Nobody moves the mark while this is open.
    let mark: Option<String> = work
        .prepare_cached("SELECT value FROM facts WHERE name = ?")?
        .query_row([MARK], |row| row.get(0))
        .optional()?;
    let mark: Option<i64> = mark.and_then(|mark| mark.parse().ok());
    if mark.is_some_and(|mark| batch.iter().any(|entry| entry.request.at < mark)) {
        return Ok(Put::Left);
    }
    insert(&work, batch.iter().map(|entry| &entry.request))?;
    insert(
        &work,
        batch.iter().filter_map(|entry| entry.details.as_ref()),
    )?;
    insert(
        &work,
        batch.iter().filter_map(|entry| entry.capture.as_ref()),
    )?;
    work.commit()?;
    Ok(Put::Done)
}

fn insert<'r, R: Row + 'r>(
    connection: &Connection,
    rows: impl Iterator<Item = &'r R>,
) -> rusqlite::Result<()> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let sql = text(DatabaseBackend::Sqlite, R::TABLE, R::COLUMNS, 1);
    let mut statement = connection.prepare_cached(&sql)?;
    for row in rows {
        row.bind(&mut statement)?;
        statement.raw_execute()?;
    }
    Ok(())
}

/// A row whose values SQLite can be given one by one.
trait Row {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    fn bind(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()>;
}

/// Columns are named like fields. All must be named here, or it does not compile.
macro_rules! row {
    ($model:ty, $table:literal, $($field:ident),* $(,)?) => {
        impl Row for $model {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn bind(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
                let Self { $($field),* } = self;
                let mut place = 0;
                $(
                    place += 1;
                    statement.raw_bind_parameter(place, $field)?;
                )*
                Ok(())
            }
        }
    };
}

row!(
    request::Model,
    "requests",
    id,
    at,
    call_kind,
    ingress,
    upstream,
    client_key_id,
    client_key,
    owner_id,
    tags,
    provider,
    model_asked,
    model_served,
    route,
    stream,
    outcome,
    status,
    error_code,
    error,
    input,
    uncached,
    cache_read,
    cache_write_5m,
    cache_write_1h,
    cache_write,
    tool_input,
    audio_input,
    output,
    reasoning,
    audio_output,
    image_output,
    usage_source,
    usage_flags,
    cost_nano_usd,
    price_version,
    first_byte_us,
    total_us,
    first_byte_slot,
    total_slot,
    attempts,
    fidelity,
);
row!(
    request_detail::Model,
    "request_details",
    id,
    at,
    attempts,
    trace,
    fidelity,
    usages,
);
row!(capture::Model, "captures", id, at, bytes, sealed);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Taken,
            _ => Self::Database(DbErr::Exec(RuntimeErr::Internal(error.to_string()))),
        }
    }
}
