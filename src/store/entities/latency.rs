//! The table `latencies`.

use sea_orm::entity::prelude::*;

/// How many answers took how long.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "latencies")]
pub struct Model {
    /// Length of the bucket in milliseconds.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i64,
    /// Its begin, milliseconds since 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: i64,
    /// What the requests have in common.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dimension_id: i64,
    /// The slot of the histogram.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot: i64,
    /// Requests that ended in this slot.
    pub totals: i64,
    /// Requests whose first bytes came in this slot.
    pub first_bytes: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
