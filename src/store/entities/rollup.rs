//! The table `rollups`.

use sea_orm::entity::prelude::*;

/// Sums over the requests of one hour or day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rollups")]
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
    /// All requests.
    pub requests: i64,
    /// Answered.
    pub ok: i64,
    /// Answered with an error.
    pub errors: i64,
    /// Left by the client.
    pub cancelled: i64,
    /// Broken off.
    pub cut: i64,
    /// Answered 429.
    pub limited: i64,
    /// Streams.
    pub streams: i64,
    /// Tries.
    pub attempts: i64,
    /// All input tokens.
    pub input: i64,
    /// Of it: read afresh.
    pub uncached: i64,
    /// Of it: from a prompt cache.
    pub cache_read: i64,
    /// Of it: written to a cache for five minutes.
    pub cache_write_5m: i64,
    /// Of it: written to a cache for an hour.
    pub cache_write_1h: i64,
    /// Of it: written to a cache, life unknown.
    pub cache_write: i64,
    /// Of it: brought in by the vendor's tools.
    pub tool_input: i64,
    /// Of it, in whichever bucket: audio.
    pub audio_input: i64,
    /// All output tokens.
    pub output: i64,
    /// Of it: reasoning.
    pub reasoning: i64,
    /// Of it: audio.
    pub audio_output: i64,
    /// Of it: images.
    pub image_output: i64,
    /// Requests whose tokens the hub counted.
    pub estimated: i64,
    /// Known costs.
    pub cost_nano_usd: i64,
    /// Requests with tokens but without a known price.
    pub unpriced: i64,
    /// Microseconds to the first bytes.
    pub first_byte_us: i64,
    /// Requests that have them.
    pub first_bytes: i64,
    /// Microseconds to the end.
    pub total_us: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
