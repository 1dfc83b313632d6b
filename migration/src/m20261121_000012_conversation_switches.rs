//! Which client keys' conversations are kept as they go through the hub.

use sea_orm_migration::prelude::*;

use crate::columns::{drop_tables, number, table, text_of};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "conversation_switches",
                [
                    // The client key; empty for those who come without one.
                    text_of("scope", 128),
                    text_of("store", 16),
                    number("updated_at"),
                ],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["conversation_switches"]).await
    }
}
