//! `GET /debug_logs`: the older bridge's look at which models requests were sent to.

use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use super::Admin;
use super::person::Session;
use super::problem::Answer;
use super::requests::bound_to;
use crate::store::entities::request::Model;
use crate::store::request_list::RequestFilter;

/// Which log is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum LogType {
    /// Which model was asked for, and which one served.
    ModelMapping,
}

/// One request.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Mapping {
    /// Milliseconds since 1970.
    timestamp: i64,
    /// `x-request-id`.
    request_id: String,
    /// The model as the client wrote it.
    original_model: String,
    /// The model that was asked for upstream.
    mapped_model: Option<String>,
    /// Who answered.
    provider: Option<String>,
    /// Why it went there.
    route: Option<String>,
    /// The status that the client saw.
    status: i64,
}

/// The newest requests.
#[derive(Clone, Debug, Object)]
pub(super) struct Mappings {
    /// Which log this is.
    log_type: LogType,
    /// How many entries.
    count: u64,
    /// The newest first.
    logs: Vec<Mapping>,
}

/// The resource.
pub(super) struct DebugLogs(pub(super) Admin);

impl From<Model> for Mapping {
    fn from(row: Model) -> Self {
        Self {
            timestamp: row.at,
            request_id: row.id,
            original_model: row.model_asked,
            mapped_model: row.model_served,
            provider: row.provider,
            route: row.route,
            status: row.status,
        }
    }
}

#[OpenApi]
impl DebugLogs {
    /// Read which models the newest requests were sent to
    #[oai(path = "/debug_logs", method = "get", operation_id = "debug_logs")]
    async fn get(
        &self,
        session: Session,
        log_type: Query<Option<LogType>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Mappings>> {
        let filter = RequestFilter {
            owner_id: bound_to(session.anybody()),
            ..RequestFilter::default()
        };
        let limit = limit.0.unwrap_or(50).clamp(1, 500);
        let rows = self
            .0
            .control
            .store()
            .requests(&filter, None, limit)
            .await?;
        let logs: Vec<Mapping> = rows.into_iter().map(Into::into).collect();
        Ok(Json(Mappings {
            log_type: log_type.0.unwrap_or(LogType::ModelMapping),
            count: logs.len() as u64,
            logs,
        }))
    }
}
