//! The table `sessions`.

use sea_orm::entity::prelude::*;

/// A log-in that lasts until it expires or is revoked.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Keyed digest of the refresh token in force.
    pub digest: String,
    /// Of the one before; its use betrays a copy.
    pub previous_digest: Option<String>,
    /// The user agent, shortened.
    pub client: String,
    /// Where it was opened from.
    pub address: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub used_at: i64,
    /// Milliseconds since 1970.
    pub expires_at: i64,
    /// When it was ended, if it was.
    pub revoked_at: Option<i64>,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
