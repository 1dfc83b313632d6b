//! What each client key has spent, by day and month of UTC.

use sea_orm_migration::prelude::*;

use crate::columns::{drop_tables, id, index, number, table, text_of, unique};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 1] = ["spend"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "spend",
                [
                    id("id"),
                    // The id of a key in the database, the name of a key in a file.
                    text_of("client_key_id", 128),
                    // `2026-11-21` or `2026-11`.
                    text_of("period", 10),
                    number("nano_usd"),
                    number("tokens"),
                    number("requests"),
                ],
            ))
            .await?;
        manager
            .create_index(unique(
                "spend",
                "spend_client_key",
                &["client_key_id", "period"],
            ))
            .await?;
        manager
            .create_index(index("spend", "spend_period", &["period"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}
