//! The table `secrets`.

use sea_orm::entity::prelude::*;

/// A sealed value that belongs to a definition.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "secrets")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What it belongs to.
    pub definition_id: String,
    /// `key`, `proxy`, or `header:NAME`.
    pub field: String,
    /// Its place among the values of the field.
    pub position: i64,
    /// What the operator calls it; may be empty.
    pub label: String,
    /// Enough to know it again.
    pub masked: String,
    /// The sealed value.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Its share where keys are chosen by weight.
    pub weight: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
