//! The table `conversation_switches`.

use sea_orm::entity::prelude::*;

/// A client key whose conversations are kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation_switches")]
pub struct Model {
    /// The client key; empty for those who come without one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// `database` or `file`.
    pub store: String,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
