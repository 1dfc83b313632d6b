//! The table `requests`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One request, as lists and filters need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "requests")]
pub struct Model {
    /// `x-request-id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it was accepted, milliseconds since 1970.
    pub at: i64,
    /// `generate`, `count`, `embed`.
    pub call_kind: String,
    /// The client's dialect.
    pub ingress: String,
    /// The provider's dialect.
    pub upstream: Option<String>,
    /// The client key.
    pub client_key_id: Option<String>,
    /// Its name at that time.
    pub client_key: Option<String>,
    /// Whose key it is.
    pub owner_id: Option<String>,
    /// Its labels, between bars: `|a|b|`.
    pub tags: Option<String>,
    /// Who answered last.
    pub provider: Option<String>,
    /// The model as the client wrote it.
    pub model_asked: String,
    /// The model that was asked for upstream.
    pub model_served: Option<String>,
    /// Why it went there.
    pub route: Option<String>,
    /// The client asked for a stream.
    pub stream: bool,
    /// `ok`, `error`, `cancelled`, `cut`.
    pub outcome: String,
    /// The status that the client saw.
    pub status: i64,
    /// Which kind of error.
    pub error_code: Option<String>,
    /// What the client was told.
    pub error: Option<String>,
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
    /// `vendor` or `estimated`; absent when nobody counted.
    pub usage_source: Option<String>,
    /// What is odd about the counts.
    pub usage_flags: Option<String>,
    /// What it cost; absent when the price is not known.
    pub cost_nano_usd: Option<i64>,
    /// Which price list that is from.
    pub price_version: Option<String>,
    /// Microseconds to the first bytes of the answer.
    pub first_byte_us: Option<i64>,
    /// Microseconds to the end.
    pub total_us: i64,
    /// The slot of the histogram for the first bytes.
    pub first_byte_slot: Option<i64>,
    /// The slot of the histogram for the end.
    pub total_slot: i64,
    /// How many tries there were.
    pub attempts: i64,
    /// What the translation changed, as short codes.
    pub fidelity: String,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
