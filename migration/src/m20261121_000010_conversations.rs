//! Conversations that people keep, and their messages.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop_tables, id, index, long_text, number, optional_long_text, optional_text, table, text_of,
    unique,
};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 2] = ["conversations", "conversation_messages"];

/// Sums over the messages.
const TOTALS: [&str; 6] = [
    "messages",
    "bytes",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        conversations(manager).await?;
        messages(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn conversations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let head = [
        id("id"),
        // Empty where nobody owns the client key that it was recorded under.
        text_of("owner_id", 36),
        optional_text("client_key_id", 64),
        // Tells the conversations of one client key apart where no client names them.
        optional_text("thread", 64),
        text_of("origin", 16),
        optional_text("model", 255),
        optional_text("dialect", 24),
        // Title, instructions and tags, as one sealed JSON document.
        long_text(manager, "sealed"),
    ];
    let tail = [
        number("next_place"),
        number("version"),
        number("created_at"),
        number("updated_at"),
    ];
    let columns = head
        .into_iter()
        .chain(TOTALS.map(number))
        .chain(tail)
        .collect::<Vec<_>>();
    manager
        .create_table(table("conversations", columns))
        .await?;
    for (name, columns) in [
        ("conversations_owner", &["owner_id", "updated_at", "id"][..]),
        ("conversations_thread", &["client_key_id", "thread"]),
        ("conversations_updated", &["updated_at"]),
    ] {
        manager
            .create_index(index("conversations", name, columns))
            .await?;
    }
    Ok(())
}

async fn messages(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = [
        id("id"),
        id("conversation_id"),
        // Grows from message to message of a conversation, with gaps where some have gone.
        number("place"),
        text_of("role", 16),
        // The content as one sealed JSON document.
        long_text(manager, "sealed"),
        number("bytes"),
        optional_text("model", 255),
        optional_text("provider", 128),
        optional_text("dialect", 24),
        optional_text("request_id", 64),
        // Tokens as JSON; absent when nobody counted.
        optional_long_text(manager, "usage_json"),
        number("created_at"),
    ];
    manager
        .create_table(table("conversation_messages", columns))
        .await?;
    manager
        .create_index(unique(
            "conversation_messages",
            "conversation_messages_place",
            &["conversation_id", "place"],
        ))
        .await
}
