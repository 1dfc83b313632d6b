//! The table `preferences`.

use sea_orm::entity::prelude::*;

/// What a person set for themselves.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "preferences")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub document: String,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
