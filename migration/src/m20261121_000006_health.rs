//! What checks of providers found.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop_tables, flag, id, index, number, optional_long_text, optional_number, table, text_of,
};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "health_checks",
                [
                    id("id"),
                    text_of("provider", 128),
                    number("at"),
                    flag("ok"),
                    optional_number("status"),
                    number("latency_ms"),
                    text_of("model", 256),
                    optional_long_text(manager, "error"),
                ],
            ))
            .await?;
        manager
            .create_index(index(
                "health_checks",
                "health_checks_provider",
                &["provider", "id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["health_checks"]).await
    }
}
