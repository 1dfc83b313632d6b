//! The request log: lists, one request with everything that is kept of it, what happens now, and what leaves.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{Any, ToJSON as _};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Value, json};

use super::Admin;
use super::known::Known;
use super::logs_stream::{self, Export, Format, Tail};
use super::page::{Page, Range};
use super::period::span;
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::requests::{RequestRow, bound_to, owner};
use crate::control::{AuditEntry, let_go};
use crate::ledger::{CaptureMode, capture_context};
use crate::store::entities::capture;
use crate::store::entities::request::Model;
use crate::store::request_list::{Cursor, RequestFilter};
use crate::store::retention::Swept;
use crate::store::{Purpose, Store, StoreError, now_ms};

/// A request with everything that is kept of it.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RequestRecord {
    /// The request.
    request: RequestRow,
    /// Every try with its reason.
    attempts: Any<Value>,
    /// Why it went where it went, step by step.
    trace: Any<Value>,
    /// What the translation changed.
    fidelity: Any<Value>,
    /// The counts in the words of both sides; absent where an upstream's own words went to the client, and the request's
    /// counts are what they say.
    usages: Option<UsageWords>,
    /// The bodies on both sides, redacted; absent when they were not captured or you may not see them.
    capture: Option<Any<Value>>,
}

/// What an upstream said it counted, and what the client was told, each in its own dialect.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct UsageWords {
    /// The upstream's usage objects in the order in which they came: several where it told its counts in pieces or was
    /// called several times, none where it told none.
    upstream: Vec<Any<Value>>,
    /// The usage object that the client got; absent where it got none.
    client: Option<Any<Value>>,
}

impl UsageWords {
    /// Reads what was kept. The vendors' words stand in it as they came: an object that cannot be read, say for a number
    /// beyond all bounds, is left out by itself.
    fn read(text: &str) -> Self {
        let document = |raw| serde_json::from_str(raw).ok().map(Any);
        let upstream = translator::json::member(text, "upstream").map_or_else(Vec::new, |list| {
            translator::json::elements(list)
                .filter_map(document)
                .collect()
        });
        Self {
            upstream,
            client: translator::json::member(text, "client").and_then(document),
        }
    }
}

/// How much is kept of requests, and for how long.
#[derive(Clone, Debug, Object)]
pub(super) struct Keeping {
    /// Whose bodies are kept: `off`, `errors`, `all`.
    capture: String,
    /// Days that requests stay; 0 for good.
    retention_days: u64,
    /// Days that bodies stay; 0 for good.
    capture_retention_days: u64,
    /// Bytes that bodies may take together; 0 for no bound.
    capture_max_bytes: u64,
    /// Bytes that they take now.
    #[oai(read_only)]
    captured_bytes: i64,
}

/// What has gone.
#[derive(Clone, Debug, Object)]
pub(super) struct SweptRows {
    /// Requests.
    requests: u64,
    /// Details of requests.
    details: u64,
    /// Captured bodies.
    captures: u64,
    /// Sums per hour.
    sums: u64,
    /// How times were spread in those hours.
    latencies: u64,
    /// Answers of the Responses dialect that clients could refer to.
    responses: u64,
    /// Rows of the audit.
    audit: u64,
    /// Checks of providers.
    checks: u64,
    /// What client keys spent in days and months that are long over.
    spend: u64,
    /// Conversations in the database.
    conversations: u64,
    /// Conversations in files.
    conversation_files: u64,
}

impl From<Swept> for SweptRows {
    fn from(swept: Swept) -> Self {
        // Named one by one: what is let go and not told does not compile.
        let Swept {
            requests,
            details,
            captures,
            sums,
            latencies,
            responses,
            audit,
            checks,
            spend,
            conversations,
            conversation_files,
        } = swept;
        Self {
            requests,
            details,
            captures,
            sums,
            latencies,
            responses,
            audit,
            checks,
            spend,
            conversations,
            conversation_files,
        }
    }
}

/// It is gone.
#[derive(ApiResponse)]
pub(super) enum Gone {
    /// It is gone.
    #[oai(status = 204)]
    Done,
}

/// The resource.
pub(super) struct Logs(pub(super) Admin);

/// What lists, exports and the tail take alike, as it comes.
#[derive(Default)]
struct Asked {
    from: Option<i64>,
    to: Option<i64>,
    range: Option<String>,
    min_ms: Option<u64>,
    filter: RequestFilter,
}

impl Asked {
    fn filter(self, who: &Identity) -> Answer<RequestFilter> {
        let from = match (&self.range, self.from) {
            (Some(range), None) => {
                let span = span(range).ok_or_else(|| {
                    Problem::invalid(
                        "range",
                        "this is no length of time",
                        "write it as 15m, 24h, 30d",
                    )
                })?;
                Some(self.to.unwrap_or_else(now_ms).saturating_sub(span))
            }
            (_, from) => from,
        };
        Ok(RequestFilter {
            from,
            to: self.to,
            owner_id: owner(who, self.filter.owner_id.clone()),
            min_total_us: self
                .min_ms
                .map(|ms| i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)),
            ..self.filter
        })
    }
}

#[OpenApi(prefix_path = "/api/logs")]
impl Logs {
    /// List requests, the newest first
    ///
    /// Everything that is given must hold. `status` may be a class (`4` for all 4xx). `search` looks for words in ids,
    /// models, providers, names of keys and errors. Members see their own requests.
    #[oai(path = "/", method = "get", operation_id = "logs_list")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        from: Query<Option<i64>>,
        to: Query<Option<i64>>,
        range: Query<Option<String>>,
        id: Query<Option<String>>,
        call: Query<Option<String>>,
        outcome: Query<Option<String>>,
        status: Query<Option<u16>>,
        error_code: Query<Option<String>>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
        user_id: Query<Option<String>>,
        ingress: Query<Option<String>>,
        upstream: Query<Option<String>>,
        route: Query<Option<String>>,
        tag: Query<Option<String>>,
        min_ms: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<RequestRow>>> {
        let asked = Asked {
            from: from.0,
            to: to.0,
            range: range.0,
            min_ms: min_ms.0,
            filter: RequestFilter {
                id: id.0,
                call: call.0,
                outcome: outcome.0,
                status: status.0.map(i64::from),
                error_code: error_code.0,
                provider: provider.0,
                model: model.0,
                client_key_id: client_key_id.0,
                owner_id: user_id.0,
                ingress: ingress.0,
                upstream: upstream.0,
                route: route.0,
                tag: tag.0,
                text: search.0,
                ..RequestFilter::default()
            },
        };
        let filter = asked.filter(session.anybody())?;
        let page = Range::of(cursor.0, limit.0)?;
        let after = page.read(Cursor::parse)?;
        let store = self.0.control.store();
        let rows = store
            .requests(&filter, after.as_ref(), page.limit + 1)
            .await?;
        Ok(Json(page.page(
            rows,
            |row| Cursor::behind(row).to_string(),
            Into::into,
        )))
    }

    /// Watch requests as they end
    ///
    /// Server-sent events: `request` with a request as lists show it, `missed` with a `count` for who is too slow. The
    /// stream ends after a quarter of an hour; connect again.
    #[oai(path = "/tail", method = "get", operation_id = "logs_tail")]
    async fn tail(
        &self,
        session: Session,
        errors: Query<Option<bool>>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
    ) -> Answer<Tail> {
        let watched = logs_stream::Watched {
            owner: bound_to(session.anybody()),
            errors: errors.0.unwrap_or(false),
            provider: provider.0,
            model: model.0,
            client_key_id: client_key_id.0,
        };
        logs_stream::tail(self.0.control.hub().ledger.tail(), watched)
    }

    /// Take requests away as JSON lines or CSV
    ///
    /// Those that a list with the same parameters has, all pages of it.
    #[oai(path = "/export", method = "get", operation_id = "logs_export")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn export(
        &self,
        session: Session,
        format: Query<Option<Format>>,
        limit: Query<Option<u64>>,
        from: Query<Option<i64>>,
        to: Query<Option<i64>>,
        range: Query<Option<String>>,
        id: Query<Option<String>>,
        call: Query<Option<String>>,
        outcome: Query<Option<String>>,
        status: Query<Option<u16>>,
        error_code: Query<Option<String>>,
        provider: Query<Option<String>>,
        model: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
        user_id: Query<Option<String>>,
        ingress: Query<Option<String>>,
        upstream: Query<Option<String>>,
        route: Query<Option<String>>,
        tag: Query<Option<String>>,
        min_ms: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Export> {
        let asked = Asked {
            from: from.0,
            to: to.0,
            range: range.0,
            min_ms: min_ms.0,
            filter: RequestFilter {
                id: id.0,
                call: call.0,
                outcome: outcome.0,
                status: status.0.map(i64::from),
                error_code: error_code.0,
                provider: provider.0,
                model: model.0,
                client_key_id: client_key_id.0,
                owner_id: user_id.0,
                ingress: ingress.0,
                upstream: upstream.0,
                route: route.0,
                tag: tag.0,
                text: search.0,
                ..RequestFilter::default()
            },
        };
        let filter = asked.filter(session.anybody())?;
        let store = self.0.control.store().clone();
        let format = format.0.unwrap_or(Format::Jsonl);
        Ok(logs_stream::export(store, filter, format, limit.0))
    }

    /// Read how much is kept, and for how long
    #[oai(path = "/settings", method = "get", operation_id = "logs_settings")]
    async fn settings(&self, session: Session) -> Answer<Json<Keeping>> {
        session.at_least(Role::Viewer)?;
        Ok(Json(self.keeping().await?))
    }

    /// Say how much is kept, and for how long
    #[oai(
        path = "/settings",
        method = "put",
        operation_id = "logs_settings_update"
    )]
    async fn set(&self, session: Session, body: Json<Known<Keeping>>) -> Answer<Json<Keeping>> {
        let who = session.at_least(Role::Admin)?;
        if CaptureMode::parse(&body.capture).is_none() {
            return Err(Problem::invalid(
                "capture",
                "there is no such choice",
                "off, errors or all",
            ));
        }
        let values = [
            ("CAPTURE", json!(body.capture)),
            ("RETENTION_DAYS", json!(body.retention_days)),
            ("CAPTURE_RETENTION_DAYS", json!(body.capture_retention_days)),
            ("CAPTURE_MAX_BYTES", json!(body.capture_max_bytes)),
        ];
        super::setting::put_all(&self.0, who, &values).await?;
        Ok(Json(self.keeping().await?))
    }

    /// Let go now what is older than it may be
    ///
    /// Of requests and all else that has a bound of age or room, as the hub does by itself from time to time.
    #[oai(path = "/sweep", method = "post", operation_id = "logs_sweep")]
    async fn sweep(&self, session: Session) -> Answer<Json<SweptRows>> {
        let who = session.at_least(Role::Admin)?;
        let swept = SweptRows::from(let_go(&self.0.control).await?);
        self.note(who, "sweep", "requests", swept.to_json().as_ref())
            .await?;
        Ok(Json(swept))
    }

    /// Read one request, with bodies where they were captured
    #[oai(path = "/:id", method = "get", operation_id = "logs_get")]
    async fn get(&self, session: Session, id: Path<String>) -> Answer<Json<RequestRecord>> {
        let who = session.anybody();
        let store = self.0.control.store();
        let bound = bound_to(who);
        let row = store
            .request(&id, bound.as_deref())
            .await
            .map_err(unknown)?;
        let (details, capture) = store.request_details(&id).await?;
        let capture = bodies(store, who, &row, capture)?.map(Any);
        let part = |text: Option<&String>| Any(document(text.map(String::as_str)));
        Ok(Json(RequestRecord {
            request: row.into(),
            attempts: part(details.as_ref().map(|details| &details.attempts)),
            trace: part(details.as_ref().map(|details| &details.trace)),
            fidelity: part(details.as_ref().map(|details| &details.fidelity)),
            usages: details
                .as_ref()
                .and_then(|details| details.usages.as_deref())
                .map(UsageWords::read),
            capture,
        }))
    }

    /// Remove one request with its bodies; sums stay
    #[oai(path = "/:id", method = "delete", operation_id = "logs_delete")]
    async fn delete(&self, session: Session, id: Path<String>) -> Answer<Gone> {
        let who = session.at_least(Role::Admin)?;
        let store = self.0.control.store();
        store.remove_request(&id).await.map_err(unknown)?;
        self.note(who, "delete", &id, None).await?;
        Ok(Gone::Done)
    }
}

impl Logs {
    async fn keeping(&self) -> Answer<Keeping> {
        let assembly = self.0.control.in_force();
        let settings = &assembly.settings;
        Ok(Keeping {
            capture: settings.capture.as_str().to_owned(),
            retention_days: settings.retention.days,
            capture_retention_days: settings.retention.capture_days,
            capture_max_bytes: settings.retention.capture_bytes,
            captured_bytes: self.0.control.store().captured_bytes().await?,
        })
    }

    async fn note(
        &self,
        who: &Identity,
        action: &str,
        id: &str,
        after: Option<&Value>,
    ) -> Answer<()> {
        let change = self.0.control.begin(who.actor()).await?;
        change
            .note(AuditEntry {
                action,
                kind: "request",
                id,
                name: id,
                before: None,
                after,
            })
            .await?;
        change.commit_quietly().await?;
        Ok(())
    }
}

/// The captured bodies of a request. They are what people said, which is more than how the hub does: their owner and
/// operators see them.
pub(super) fn bodies(
    store: &Store,
    who: &Identity,
    row: &Model,
    capture: Option<capture::Model>,
) -> Answer<Option<Value>> {
    let is_own = row.owner_id.as_deref() == Some(who.user_id.as_str());
    let Some(capture) = capture.filter(|_| is_own || who.role >= Role::Operator) else {
        return Ok(None);
    };
    let context = capture_context(&capture.id);
    let text = store
        .vault()
        .open(Purpose::Capture, &context, &capture.sealed)
        .map_err(StoreError::from)?;
    Ok(Some(document(Some(text.expose()))))
}

pub(super) fn unknown(error: StoreError) -> Problem {
    match error {
        StoreError::Missing => Problem::not_found("request"),
        other => other.into(),
    }
}

fn document(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| json!([]))
}
