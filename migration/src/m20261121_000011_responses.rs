//! Answers that Responses clients refer to by their ids.

use sea_orm_migration::prelude::*;

use crate::columns::{drop_tables, index, long_text, number, table, text_of};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "stored_responses",
                [
                    // Digests: of client key and answer, and of the client key alone.
                    text_of("id", 64),
                    text_of("scope", 64),
                    number("at"),
                    number("bytes"),
                    // The answer and what led to it, as one sealed JSON document.
                    long_text(manager, "sealed"),
                ],
            ))
            .await?;
        for (name, columns) in [
            ("stored_responses_scope", &["scope", "at"][..]),
            ("stored_responses_at", &["at", "bytes"]),
        ] {
            manager
                .create_index(index("stored_responses", name, columns))
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["stored_responses"]).await
    }
}
