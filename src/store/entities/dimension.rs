//! The table `dimensions`.

use sea_orm::entity::prelude::*;

/// What sums are kept apart by.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dimensions")]
pub struct Model {
    /// Made from the other columns.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Which of the other columns count; those that do not are empty.
    pub face: i64,
    /// `generate`, `count`, `embed`.
    pub call_kind: String,
    /// Empty when none was asked.
    pub provider: String,
    /// The model that was asked for upstream.
    pub model: String,
    /// Empty for anonymous callers.
    pub client_key_id: String,
    /// The name of the key when it was first seen.
    pub client_key: String,
    /// Whose key it is.
    pub owner_id: String,
    /// The client's dialect.
    pub ingress: String,
    /// The provider's dialect.
    pub upstream: String,
    /// Why requests went there.
    pub route: String,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
