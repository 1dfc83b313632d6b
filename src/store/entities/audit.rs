//! The table `audit`.

use sea_orm::entity::prelude::*;

/// One administrative change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// UUIDv7, so that rows are in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who did it; absent for the system itself.
    pub actor_id: Option<String>,
    /// Their address or `system`.
    pub actor: String,
    /// `create`, `update`, `delete`, `login`, ...
    pub action: String,
    /// Which kind of thing was changed.
    pub kind: String,
    /// Its id.
    pub target_id: String,
    /// Its name.
    pub target: String,
    /// What it was, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub before: Option<String>,
    /// What it became, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub after: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
