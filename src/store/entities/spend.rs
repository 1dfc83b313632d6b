//! The table `spend`.

use sea_orm::entity::prelude::*;

/// What a client key has spent in a day or a month.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "spend")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The id of a key in the database, the name of a key in a file.
    pub client_key_id: String,
    /// `2026-11-21` or `2026-11`, of UTC.
    pub period: String,
    /// Billionths of a US dollar.
    pub nano_usd: i64,
    /// Tokens, input and output.
    pub tokens: i64,
    /// Requests that were let in.
    pub requests: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
