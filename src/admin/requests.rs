//! Requests as the admin API shows them, and who may see which.

use std::collections::HashMap;

use poem_openapi::Object;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::Admin;
use super::person::{Identity, Role};
use super::problem::Answer;
use crate::store::entities::request::Model;
use crate::store::entities::user;

/// Token counts of a request.
#[derive(Clone, Debug, Object)]
pub(super) struct TokenCounts {
    /// All input.
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
    /// All output.
    pub output: i64,
    /// Of it: reasoning.
    pub reasoning: i64,
    /// Of it: audio.
    pub audio_output: i64,
    /// Of it: images.
    pub image_output: i64,
    /// `vendor`, or `estimated` where the hub counted.
    pub source: String,
    /// What is odd about the counts: `clamped`, `input_estimated`, `output_estimated`.
    pub flags: Vec<String>,
}

/// A request.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RequestRow {
    /// `x-request-id`.
    pub id: String,
    /// When it was accepted, milliseconds since 1970.
    pub at: i64,
    /// `generate`, `count`, `embed`.
    pub call: String,
    /// The client's dialect.
    pub ingress: String,
    /// The provider's dialect.
    pub upstream: Option<String>,
    /// The client key's id.
    pub client_key_id: Option<String>,
    /// Its name at that time.
    pub client_key: Option<String>,
    /// Id of the user whose key it is.
    pub user_id: Option<String>,
    /// Labels of the key.
    pub tags: Vec<String>,
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
    /// Token counts; absent when nobody counted.
    pub tokens: Option<TokenCounts>,
    /// Nano-USD; absent when the price is not known.
    pub cost_nano_usd: Option<i64>,
    /// Which price list that is from.
    pub price_version: Option<String>,
    /// Milliseconds to the first bytes of the answer.
    pub first_byte_ms: Option<f64>,
    /// Milliseconds to the end.
    pub total_ms: f64,
    /// How many tries there were.
    pub attempts: i64,
    /// What the translation changed, as short codes.
    pub fidelity: Vec<String>,
}

impl From<Model> for RequestRow {
    fn from(row: Model) -> Self {
        let list = |text: &str, separator| {
            text.split(separator)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let tokens = row.usage_source.clone().map(|source| TokenCounts {
            input: row.input,
            uncached: row.uncached,
            cache_read: row.cache_read,
            cache_write_5m: row.cache_write_5m,
            cache_write_1h: row.cache_write_1h,
            cache_write: row.cache_write,
            tool_input: row.tool_input,
            audio_input: row.audio_input,
            output: row.output,
            reasoning: row.reasoning,
            audio_output: row.audio_output,
            image_output: row.image_output,
            source,
            flags: row
                .usage_flags
                .as_deref()
                .map_or_else(Vec::new, |flags| list(flags, ',')),
        });
        Self {
            tokens,
            tags: row
                .tags
                .as_deref()
                .map_or_else(Vec::new, |tags| list(tags, '|')),
            fidelity: list(&row.fidelity, ','),
            first_byte_ms: row.first_byte_us.map(milliseconds),
            total_ms: milliseconds(row.total_us),
            id: row.id,
            at: row.at,
            call: row.call_kind,
            ingress: row.ingress,
            upstream: row.upstream,
            client_key_id: row.client_key_id,
            client_key: row.client_key,
            user_id: row.owner_id,
            provider: row.provider,
            model_asked: row.model_asked,
            model_served: row.model_served,
            route: row.route,
            stream: row.stream,
            outcome: row.outcome,
            status: row.status,
            error_code: row.error_code,
            error: row.error,
            cost_nano_usd: row.cost_nano_usd,
            price_version: row.price_version,
            attempts: row.attempts,
        }
    }
}

/// Milliseconds of microseconds.
pub(super) fn milliseconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e3
}

/// The owner that somebody is bound to: members see what their own keys did, everybody else sees all.
pub(super) fn bound_to(who: &Identity) -> Option<String> {
    (who.role < Role::Viewer).then(|| who.user_id.clone())
}

/// Whose requests are meant by somebody who names a user, or none.
pub(super) fn owner(who: &Identity, asked: Option<String>) -> Option<String> {
    bound_to(who).or(asked)
}

/// Addresses of users by id.
pub(super) async fn addresses(
    admin: &Admin,
    ids: impl IntoIterator<Item = &str>,
) -> Answer<HashMap<String, String>> {
    let ids: Vec<&str> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = user::Entity::find()
        .filter(user::Column::Id.is_in(ids))
        .all(admin.control.store().read())
        .await?;
    Ok(rows.into_iter().map(|user| (user.id, user.email)).collect())
}
