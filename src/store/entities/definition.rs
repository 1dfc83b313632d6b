//! The table `definitions`.

use sea_orm::entity::prelude::*;

/// Something that operators define: a provider, a pool, a route, a preset, an alias, a setting.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "definitions")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Which kind of thing it is.
    pub kind: String,
    /// Unique within its kind.
    pub name: String,
    /// Its priority or place in a list; smaller first.
    pub position: i64,
    /// Whether it is in force.
    pub enabled: bool,
    /// The definition as configuration files write it, as JSON, without secrets.
    #[sea_orm(column_type = "Text")]
    pub document: String,
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
