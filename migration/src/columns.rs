//! The kinds of columns that tables are made of.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// Identifiers are UUIDv7 in their usual text form.
pub(crate) fn id(name: &'static str) -> ColumnDef {
    text_of(name, 36)
}

/// Text of at most `length` characters, so that it can be indexed everywhere.
pub(crate) fn text_of(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

/// Text of at most `length` characters that may be absent.
pub(crate) fn optional_text(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

/// Text of any length; plain `TEXT` of MySQL ends at 64 KiB.
pub(crate) fn long_text(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DatabaseBackend::MySql => column.custom("LONGTEXT"),
        _ => column.text(),
    };
    column.not_null().take()
}

/// Text of any length that may be absent.
pub(crate) fn optional_long_text(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match manager.get_database_backend() {
        DatabaseBackend::MySql => column.custom("LONGTEXT"),
        _ => column.text(),
    };
    column.null().take()
}

/// A count, an amount, or a time in milliseconds since 1970.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// The same, where it may be absent.
pub(crate) fn optional_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// Yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// A table of these columns with the first one as its key.
pub(crate) fn table(
    name: &'static str,
    columns: impl IntoIterator<Item = ColumnDef>,
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for (place, mut column) in columns.into_iter().enumerate() {
        if place == 0 {
            column.primary_key();
        }
        table.col(column);
    }
    table
}

/// An index over columns in this order.
pub(crate) fn index(
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// The same, with each combination allowed once.
pub(crate) fn unique(
    table: &'static str,
    name: &'static str,
    columns: &[&'static str],
) -> IndexCreateStatement {
    index(table, name, columns).unique().take()
}

/// Drops tables, the newest first.
pub(crate) async fn drop_tables(
    manager: &SchemaManager<'_>,
    names: &[&'static str],
) -> Result<(), DbErr> {
    for name in names.iter().rev() {
        manager
            .drop_table(Table::drop().table(*name).if_exists().take())
            .await?;
    }
    Ok(())
}
