//! Fewer indexes to write for every request.
//!
//! Most requests go well, and who looks for those asks by time; many keys belong to nobody. Where the database can leave
//! such rows out of an index it does. Details are found by their request, also when they go.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::columns::index;

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Index, columns, and the rows that are in it.
const PARTIAL: [(&str, &[&str], &str); 2] = [
    (
        "requests_owner",
        &["owner_id", "at"],
        "owner_id IS NOT NULL",
    ),
    ("requests_outcome", &["outcome", "at"], "outcome <> 'ok'"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "request_details", "request_details_at").await?;
        if manager.get_database_backend() == DatabaseBackend::MySql {
            // It has no indexes over some rows only.
            return Ok(());
        }
        for (name, columns, rows) in PARTIAL {
            drop_index(manager, "requests", name).await?;
            let statement = format!(
                "CREATE INDEX {name} ON requests ({}) WHERE {rows}",
                columns.join(", ")
            );
            let database = manager.get_connection();
            database.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let details = index("request_details", "request_details_at", &["at"]);
        manager.create_index(details).await?;
        if manager.get_database_backend() == DatabaseBackend::MySql {
            return Ok(());
        }
        for (name, columns, _) in PARTIAL {
            drop_index(manager, "requests", name).await?;
            manager
                .create_index(index("requests", name, columns))
                .await?;
        }
        Ok(())
    }
}

async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
) -> Result<(), DbErr> {
    let mut statement = Index::drop();
    statement.name(name).table(table);
    manager.drop_index(statement).await
}
