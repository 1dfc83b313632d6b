//! What operators define: providers, pools, routes, presets and settings, their secrets, and who changed what.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop_tables, flag, id, index, long_text, number, optional_long_text, optional_text, table,
    text_of, unique,
};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 5] = ["facts", "revision", "definitions", "secrets", "audit"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Single values of the installation, such as the proof that the encryption key is the right one.
        manager
            .create_table(table(
                "facts",
                [text_of("name", 64), long_text(manager, "value")],
            ))
            .await?;
        // One row; its value grows with every change of what follows, so that hubs see that they must read again.
        manager
            .create_table(table("revision", [number("id"), number("value")]))
            .await?;
        let insert = Query::insert()
            .into_table("revision")
            .columns(["id", "value"])
            .values_panic([1_i64.into(), 0_i64.into()])
            .take();
        manager.execute(insert).await?;
        manager
            .create_table(table(
                "definitions",
                [
                    id("id"),
                    text_of("kind", 24),
                    text_of("name", 128),
                    number("position"),
                    flag("enabled"),
                    long_text(manager, "document"),
                    number("version"),
                    number("created_at"),
                    number("updated_at"),
                ],
            ))
            .await?;
        manager
            .create_index(unique("definitions", "definitions_name", &["kind", "name"]))
            .await?;
        manager
            .create_table(table(
                "secrets",
                [
                    id("id"),
                    id("definition_id"),
                    text_of("field", 128),
                    number("position"),
                    text_of("label", 128),
                    text_of("masked", 64),
                    long_text(manager, "sealed"),
                    flag("enabled"),
                    number("created_at"),
                ],
            ))
            .await?;
        manager
            .create_index(index(
                "secrets",
                "secrets_definition",
                &["definition_id", "field"],
            ))
            .await?;
        manager
            .create_table(table(
                "audit",
                [
                    id("id"),
                    number("at"),
                    optional_text("actor_id", 36),
                    text_of("actor", 254),
                    text_of("action", 32),
                    text_of("kind", 32),
                    text_of("target_id", 64),
                    text_of("target", 254),
                    optional_long_text(manager, "before"),
                    optional_long_text(manager, "after"),
                    optional_text("address", 64),
                ],
            ))
            .await?;
        manager
            .create_index(index("audit", "audit_target", &["kind", "target_id", "id"]))
            .await?;
        manager
            .create_index(index("audit", "audit_actor", &["actor_id", "id"]))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}
