//! What an upstream said it counted and what the client was told, beside the other details of a request.

use sea_orm_migration::prelude::*;

use crate::columns::optional_long_text;

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "request_details";
const COLUMN: &str = "usages";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut added = optional_long_text(manager, COLUMN);
        let statement = Table::alter().table(TABLE).add_column(&mut added).take();
        manager.alter_table(statement).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statement = Table::alter().table(TABLE).drop_column(COLUMN).take();
        manager.alter_table(statement).await
    }
}
