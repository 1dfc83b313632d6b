//! What operators let people do with client keys: bounds for the keys somebody makes, and a ceiling for a key that
//! was made for somebody.

use sea_orm_migration::prelude::*;

use crate::columns::optional_long_text;

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [(&str, &str); 2] = [("users", "key_bounds"), ("client_keys", "ceiling")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let mut added = optional_long_text(manager, column);
            let statement = Table::alter().table(table).add_column(&mut added).take();
            manager.alter_table(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            let statement = Table::alter().table(table).drop_column(column).take();
            manager.alter_table(statement).await?;
        }
        Ok(())
    }
}
