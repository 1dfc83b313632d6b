//! Writing many rows of a table at once. The texts of the statements are few, so that the database reads each once.

use std::fmt::Write as _;

use sea_orm::{
    ConnectionTrait, DatabaseBackend, EntityName as _, EntityTrait, IdenStatic, Iterable as _,
    ModelTrait, Statement, Value, Values,
};

use super::StoreError;

/// Rows of a statement; what is left takes the next smaller one. Far below what any database takes as parameters.
const SIZES: [usize; 3] = [128, 16, 1];

/// Inserts rows with all of their columns.
pub(super) async fn insert<M: ModelTrait>(
    database: &impl ConnectionTrait,
    rows: &[&M],
) -> Result<(), StoreError> {
    let mut rest = rows;
    for size in SIZES {
        while rest.len() >= size {
            let (part, behind) = rest.split_at(size);
            rest = behind;
            database
                .execute_raw(statement(database.get_database_backend(), part))
                .await?;
        }
    }
    Ok(())
}

fn statement<M: ModelTrait>(backend: DatabaseBackend, rows: &[&M]) -> Statement {
    let columns: Vec<<M::Entity as EntityTrait>::Column> =
        <M::Entity as EntityTrait>::Column::iter().collect();
    let mut values: Vec<Value> = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        values.extend(columns.iter().map(|column| row.get(*column)));
    }
    let names: Vec<&str> = columns.iter().map(IdenStatic::as_str).collect();
    let table = M::Entity::default().table_name().to_owned();
    Statement {
        sql: text(backend, &table, &names, rows.len()),
        values: Some(Values(values)),
        db_backend: backend,
    }
}

/// The names are those of entities.
pub(super) fn text(backend: DatabaseBackend, table: &str, columns: &[&str], rows: usize) -> String {
    let quote = match backend {
        DatabaseBackend::MySql => '`',
        _ => '"',
    };
    let mut text = format!("INSERT INTO {quote}{table}{quote} (");
    for (index, column) in columns.iter().enumerate() {
        text.push_str(if index > 0 { ", " } else { "" });
        text.push(quote);
        text.push_str(column);
        text.push(quote);
    }
    text.push_str(") VALUES ");
    for row in 0..rows {
        text.push_str(if row > 0 { ", (" } else { "(" });
        for column in 0..columns.len() {
            text.push_str(if column > 0 { ", " } else { "" });
            match backend {
                DatabaseBackend::Postgres => {
                    let place = row * columns.len() + column + 1;
                    // Writing to a string cannot fail.
                    let _ = write!(text, "${place}");
                }
                _ => text.push('?'),
            }
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_database_has_its_own_places() {
        let sql = |backend| text(backend, "things", &["id", "at"], 2);
        assert_eq!(
            sql(DatabaseBackend::Sqlite),
            r#"INSERT INTO "things" ("id", "at") VALUES (?, ?), (?, ?)"#
        );
        assert_eq!(
            sql(DatabaseBackend::Postgres),
            r#"INSERT INTO "things" ("id", "at") VALUES ($1, $2), ($3, $4)"#
        );
        assert_eq!(
            sql(DatabaseBackend::MySql),
            "INSERT INTO `things` (`id`, `at`) VALUES (?, ?), (?, ?)"
        );
    }
}
