//! The table `captures`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// The bodies of one request.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "captures")]
pub struct Model {
    /// `x-request-id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// How much room it takes.
    pub bytes: i64,
    /// The bodies as a sealed JSON document.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
