//! The table `health_checks`.

use sea_orm::entity::prelude::*;

/// What a check of a provider found.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "health_checks")]
pub struct Model {
    /// UUIDv7, so that rows are in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The provider.
    pub provider: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// It gave an answer.
    pub ok: bool,
    /// The status, if an answer came.
    pub status: Option<i64>,
    /// How long it took.
    pub latency_ms: i64,
    /// The model that was asked.
    pub model: String,
    /// What went wrong.
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
