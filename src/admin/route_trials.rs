//! Trying routes out, and going back to what they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use poem::http::{HeaderMap, HeaderName, HeaderValue};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use poem_openapi::{Object, OpenApi};
use serde_json::{Map, Value};

use super::Admin;
use super::definition;
use super::known::Known;
use super::owned::Gone;
use super::page::{Page, Range};
use super::person::{Role, Session};
use super::problem::{Answer, Problem};
use super::trial_subject::{dialect, logged, pasted};
use crate::config::Kind;
use crate::gateway::{Trial, try_route};

/// A request to try.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RouteTrial {
    /// The client's dialect: `openai`, `openai-responses`, `anthropic` or `gemini`; told from the request when absent.
    dialect: Option<String>,
    /// The request, as the client would send it: JSON, or a text with JSON in it.
    request: Option<Any<Value>>,
    /// A request of the log in its place, as it was captured.
    request_id: Option<String>,
    /// The model, where the request does not name it (Gemini).
    model: Option<String>,
    /// Headers of the request.
    #[oai(default)]
    headers: BTreeMap<String, String>,
    /// The name or id of the client key it would come with.
    client_key: Option<String>,
    /// Refuse what cannot be carried without loss.
    #[oai(default)]
    strict: bool,
}

/// What a rule had to say.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Finding {
    /// The rule.
    rule: String,
    /// It decides.
    matched: bool,
    /// Why not.
    why: Option<String>,
}

/// Somebody who would be asked.
#[derive(Clone, Debug, Object)]
pub(super) struct Target {
    /// The provider.
    provider: String,
    /// The model.
    model: String,
    /// What it speaks.
    dialect: String,
    /// Whose keys.
    key_pool: String,
    /// Whether the hub may translate.
    mode: String,
}

/// What a translation changes.
#[derive(Clone, Debug, Object)]
pub(super) struct Loss {
    /// `action:member`.
    code: String,
    /// `emulated`, `assumed`, `degraded`, `clamped` or `dropped`.
    action: String,
    /// The member, as the client spells it.
    member: String,
    /// In words.
    detail: String,
}

/// A request as it would be sent.
#[derive(Clone, Debug, Object)]
pub(super) struct Sent {
    /// `bytes` where the client's bytes pass, else `translated`.
    lane: String,
    /// Where to.
    url: String,
    /// With which headers, without credentials.
    headers: Any<Map<String, Value>>,
    /// With which body.
    body: Any<Value>,
    /// What is changed or lost.
    losses: Vec<Loss>,
}

/// Where a request would go.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RouteTrialReport {
    /// The model that is asked for.
    model: String,
    /// The rule that decides, or how the name is resolved otherwise.
    route: Option<String>,
    /// All rules in force, in the order in which they are looked at.
    rules: Vec<Finding>,
    /// The further steps of the decision.
    steps: Vec<String>,
    /// Who would be asked, in order.
    targets: Vec<Target>,
    /// What the first target would be sent.
    request: Option<Sent>,
    /// Why it comes to nothing.
    refusal: Option<String>,
}

/// What a route was.
#[derive(Clone, Debug, Object)]
pub(super) struct Version {
    /// Its version then.
    version: i64,
    /// When it became so, in milliseconds since 1970.
    at: i64,
    /// Who made it so.
    actor: String,
    /// What they did.
    action: String,
    /// The route as it was then.
    route: Any<Value>,
}

/// Which version to go back to.
#[derive(Clone, Debug, Object)]
pub(super) struct Rollback {
    /// One of the list of versions.
    version: i64,
}

/// The resource.
pub(super) struct RouteTrials(pub(super) Admin);

#[OpenApi(prefix_path = "/api/routes")]
impl RouteTrials {
    /// Try a request out
    ///
    /// Says which rule decides, why the others do not, who would be asked with which keys, and what would be sent.
    /// Nothing is sent. A request of the log is tried as it was captured: credentials and long base64 are left out of it.
    #[oai(path = "/test", method = "post", operation_id = "routes_test")]
    async fn test(
        &self,
        session: Session,
        body: Json<Known<RouteTrial>>,
    ) -> Answer<Json<RouteTrialReport>> {
        let who = session.at_least(Role::Viewer)?;
        let wish = body.0.into_inner();
        let mut subject = match &wish.request_id {
            Some(id) => logged(&self.0, who, id).await?,
            None => pasted(wish.request)?,
        };
        if let Some(name) = &wish.dialect {
            subject.dialect = dialect(name)?;
        }
        let dialect = subject.dialect;
        let hub = self.0.control.hub();
        let snapshot = hub.snapshots.load_full();
        let client_key = match &wish.client_key {
            None => None,
            Some(name) => {
                let mut keys = snapshot.client_keys.iter();
                let found = keys.find(|key| *key.name == **name || *key.id == **name);
                Some(found.map(Arc::clone).ok_or_else(|| {
                    Problem::invalid(
                        "client_key",
                        format!("there is no client key `{name}`"),
                        "use its name or id",
                    )
                })?)
            }
        };
        let trial = Trial {
            dialect,
            body: subject.body.to_string().into(),
            model: wish.model.or(subject.model),
            headers: headers(&wish.headers)?,
            client_key,
            strict: wish.strict,
        };
        let report = try_route(hub, &snapshot, trial)
            .map_err(|failure| Problem::invalid("request", failure.message, ""))?;
        Ok(Json(report.into()))
    }

    /// List the versions of a route
    ///
    /// The newest first, as the audit has them.
    #[oai(
        path = "/:name/versions",
        method = "get",
        operation_id = "routes_versions"
    )]
    async fn versions(
        &self,
        session: Session,
        name: Path<String>,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Page<Version>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let row = definition::find(&self.0, Kind::Route, &name).await?;
        let rows = definition::history(&self.0, Kind::Route, Some(&row.id), &range).await?;
        Ok(Json(range.page(
            rows,
            |row| row.id.clone(),
            |row| {
                let after = row.after.as_deref().unwrap_or("null");
                let route: Value = serde_json::from_str(after).unwrap_or_default();
                Version {
                    version: route["version"].as_i64().unwrap_or_default(),
                    at: row.at,
                    actor: row.actor,
                    action: row.action,
                    route: Any(route),
                }
            },
        )))
    }

    /// Go back to an earlier version of a route
    #[oai(
        path = "/:name/rollback",
        method = "post",
        operation_id = "routes_rollback"
    )]
    async fn rollback(
        &self,
        session: Session,
        name: Path<String>,
        body: Json<Known<Rollback>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        let row = definition::find(&self.0, Kind::Route, &name).await?;
        let then = definition::at_version(&self.0, &row, body.version).await?;
        let tag = super::version::tag(row.version);
        definition::update(&self.0, who, Kind::Route, &name, Some(&tag), then).await?;
        Ok(Gone::Done)
    }
}

fn headers(wanted: &BTreeMap<String, String>) -> Answer<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in wanted {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => {
                return Err(Problem::invalid(
                    &format!("headers.{name}"),
                    "this cannot be a header",
                    "use plain characters",
                ));
            }
        };
    }
    Ok(headers)
}

impl From<crate::gateway::TrialReport> for RouteTrialReport {
    fn from(report: crate::gateway::TrialReport) -> Self {
        Self {
            model: report.model,
            route: report.route,
            rules: report
                .rules
                .into_iter()
                .map(|finding| Finding {
                    rule: finding.rule,
                    matched: finding.matched,
                    why: finding.why,
                })
                .collect(),
            steps: report.steps,
            targets: report
                .targets
                .into_iter()
                .map(|target| Target {
                    provider: target.provider,
                    model: target.model,
                    dialect: target.dialect.as_str().to_owned(),
                    key_pool: target.key_pool,
                    mode: target.mode.to_owned(),
                })
                .collect(),
            request: report.request.map(|request| Sent {
                lane: request.lane.to_owned(),
                url: request.url,
                headers: Any(request.headers),
                body: Any(request.body),
                losses: request
                    .losses
                    .into_iter()
                    .map(|loss| Loss {
                        code: loss.code,
                        action: loss.action.to_owned(),
                        member: loss.member,
                        detail: loss.detail,
                    })
                    .collect(),
            }),
            refusal: report.refusal,
        }
    }
}
