//! The table `stored_responses`.

use sea_orm::entity::prelude::*;

/// An answer that a Responses client may refer to.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stored_responses")]
pub struct Model {
    /// Digest of client key and answer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Digest of the client key; empty for one that a client has removed.
    pub scope: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// How much room it takes.
    pub bytes: i64,
    /// The answer and what led to it, as one sealed JSON document.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
