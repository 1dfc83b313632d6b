//! The table `client_keys`.

use sea_orm::entity::prelude::*;

/// A key that clients call the hub with.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "client_keys")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What the owner calls it.
    pub name: String,
    /// Whose it is.
    pub owner_id: String,
    /// Its first characters.
    pub prefix: String,
    /// Keyed digest of the key.
    pub digest: String,
    /// Of the key before a rotation.
    pub previous_digest: Option<String>,
    /// Until when that one works.
    pub previous_until: Option<i64>,
    /// Whether it works.
    pub enabled: bool,
    /// What it may do and how much of it, as JSON.
    #[sea_orm(column_type = "Text")]
    pub limits: String,
    /// How far its owner may widen it, as JSON, where an operator made it for them.
    #[sea_orm(column_type = "Text", nullable)]
    pub ceiling: Option<String>,
    /// Labels, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub tags: String,
    /// When it ends by itself.
    pub expires_at: Option<i64>,
    /// When it was last used, within a minute.
    pub last_used_at: Option<i64>,
    /// Grows with every change.
    pub version: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
