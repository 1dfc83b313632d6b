//! Who may do what: users, their sessions and preferences, and client keys.

use sea_orm_migration::prelude::*;

use crate::columns::{
    drop_tables, flag, id, index, long_text, number, optional_number, optional_text, table,
    text_of, unique,
};

/// The step.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 4] = ["users", "sessions", "preferences", "client_keys"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "users",
                [
                    id("id"),
                    // In lower case: an address is one person's however it is written.
                    text_of("email", 254),
                    text_of("name", 128),
                    text_of("role", 16),
                    text_of("password", 255),
                    flag("enabled"),
                    flag("must_change_password"),
                    optional_number("last_login_at"),
                    number("version"),
                    number("created_at"),
                    number("updated_at"),
                ],
            ))
            .await?;
        manager
            .create_index(unique("users", "users_email", &["email"]))
            .await?;
        manager
            .create_table(table(
                "sessions",
                [
                    id("id"),
                    id("user_id"),
                    // Digest of the refresh token in force, and of the one before it, which betrays a thief.
                    text_of("digest", 64),
                    optional_text("previous_digest", 64),
                    text_of("client", 255),
                    text_of("address", 64),
                    number("created_at"),
                    number("used_at"),
                    number("expires_at"),
                    optional_number("revoked_at"),
                ],
            ))
            .await?;
        manager
            .create_index(unique("sessions", "sessions_digest", &["digest"]))
            .await?;
        manager
            .create_index(index("sessions", "sessions_user", &["user_id", "id"]))
            .await?;
        manager
            .create_table(table(
                "preferences",
                [
                    id("user_id"),
                    long_text(manager, "document"),
                    number("updated_at"),
                ],
            ))
            .await?;
        manager
            .create_table(table(
                "client_keys",
                [
                    id("id"),
                    text_of("name", 128),
                    id("owner_id"),
                    // `sk-` and the first characters: enough to know a key again.
                    text_of("prefix", 24),
                    text_of("digest", 64),
                    // While a key is being exchanged, the old one works until `previous_until`.
                    optional_text("previous_digest", 64),
                    optional_number("previous_until"),
                    flag("enabled"),
                    // What it may do and how much of it, as a JSON document.
                    long_text(manager, "limits"),
                    long_text(manager, "tags"),
                    optional_number("expires_at"),
                    optional_number("last_used_at"),
                    number("version"),
                    number("created_at"),
                    number("updated_at"),
                ],
            ))
            .await?;
        manager
            .create_index(unique("client_keys", "client_keys_digest", &["digest"]))
            .await?;
        manager
            .create_index(index(
                "client_keys",
                "client_keys_owner",
                &["owner_id", "id"],
            ))
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}
