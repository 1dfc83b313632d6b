//! What each key of a pool weighs among the others.

use sea_orm_migration::prelude::*;

use crate::columns::number;

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Rows that an earlier version writes meanwhile weigh as much as any other.
        let mut weight = number("weight").default(1).take();
        let statement = Table::alter()
            .table("secrets")
            .add_column(&mut weight)
            .take();
        manager.alter_table(statement).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statement = Table::alter().table("secrets").drop_column("weight").take();
        manager.alter_table(statement).await
    }
}
