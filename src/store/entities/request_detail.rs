//! The table `request_details`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What is only read for one request.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "request_details")]
pub struct Model {
    /// `x-request-id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Every try with its reason, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub attempts: String,
    /// Why it went where it went, as a JSON list of sentences.
    #[sea_orm(column_type = "Text")]
    pub trace: String,
    /// What the translation changed, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub fidelity: String,
    /// The usage objects of both sides, as a JSON document; absent where the counts of the request say it all.
    #[sea_orm(column_type = "Text", nullable)]
    #[serde(default)]
    pub usages: Option<String>,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
