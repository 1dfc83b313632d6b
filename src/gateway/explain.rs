//! `POST /api/translate/explain`: what would become of a request, without sending anything.
//!
//! With `to` it is a rehearsal between two dialects; without, the request is routed and prepared as if it had
//! come in, and the first target is shown. Secrets of providers never show.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::undo::Undo;

use super::allowance::Notice;
use super::body::AnswerBody;
use super::generate::planned;
use super::headers::BRIDGE_PROVIDER;
use super::hub::Hub;
use super::order::{Order, Purpose};
use super::peek::Peek;
use super::portrayal::{self, Explained, Reversal};
use super::prepare::{Lane, Prepared, prepare};
use super::rehearsal::{Rehearsal, rehearse};
use super::service::Caller;
use super::{intake, reply, responses};
use crate::routing::{Facts, Plan, PlannedTarget, TraceStep, explain};
use crate::snapshot::Snapshot;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question<'q> {
    /// The client's dialect.
    dialect: String,
    /// The client's body.
    #[serde(borrow)]
    request: &'q RawValue,
    /// The upstream's dialect; decided by the routes when absent.
    to: Option<String>,
    /// The model; the request's own when absent.
    model: Option<String>,
    /// Refuse what cannot be carried without loss.
    #[serde(default)]
    strict: bool,
}

/// What would become of it.
#[derive(Debug, Serialize)]
struct Explanation<'e> {
    route: Option<&'e str>,
    trace: Vec<String>,
    provider: Option<&'e str>,
    model: &'e str,
    dialect: &'static str,
    lane: &'static str,
    request: Value,
    headers: serde_json::Map<String, Value>,
    fidelity: Vec<Explained>,
    undo: Reversal<'e>,
}

/// Answers a question. A refusal comes in the dialect of the request that was asked about.
pub(super) async fn answer(caller: Caller, request: Request<Incoming>) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let read = intake::read(
        body,
        &head.headers,
        caller.snapshot.max_body,
        &caller.hub.tuning,
    )
    .await;
    let mut dialect = Dialect::OpenAiChat;
    match read.and_then(|body| explained(&caller, &head.headers, &body, &mut dialect)) {
        Ok(json) => {
            let mut response = reply::json(json);
            reply::identify(
                response.headers_mut(),
                Dialect::OpenAiChat,
                &caller.request_id,
            );
            response
        }
        Err(failure) => caller.refuse(dialect, &failure),
    }
}

/// Answers a question of somebody whom no client key bounds, in JSON.
///
/// # Errors
/// When the question or the request in it cannot be read, or nobody can serve it.
pub fn explain_request(
    hub: &Arc<Hub>,
    snapshot: &Arc<Snapshot>,
    question: &[u8],
) -> Result<String, Failure> {
    let caller = Caller {
        hub: Arc::clone(hub),
        snapshot: Arc::clone(snapshot),
        request_id: String::new(),
        key: None,
    };
    explained(
        &caller,
        &HeaderMap::new(),
        question,
        &mut Dialect::OpenAiChat,
    )
}

fn explained(
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
    dialect: &mut Dialect,
) -> Result<String, Failure> {
    let question: Question<'_> =
        serde_json::from_slice(body).map_err(|error| wrong(&error.to_string(), None))?;
    let from = named(&question.dialect, "dialect")?;
    *dialect = from;
    let document = Bytes::copy_from_slice(question.request.get().as_bytes());
    match &question.to {
        Some(to) => rehearsed(&question, from, named(to, "to")?, &document),
        None => routed(caller, headers, &question, from, document),
    }
}

fn rehearsed(
    question: &Question<'_>,
    from: Dialect,
    to: Dialect,
    body: &Bytes,
) -> Result<String, Failure> {
    let wanted = Rehearsal {
        from,
        to,
        body,
        model: question.model.as_deref(),
        strict: question.strict,
    };
    let rehearsed = rehearse(&wanted)?;
    written(&Explanation {
        route: None,
        trace: Vec::new(),
        provider: None,
        model: &rehearsed.model,
        dialect: to.as_str(),
        lane: portrayal::lane(rehearsed.same),
        request: document(&rehearsed.body)?,
        headers: portrayal::headers(
            rehearsed
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        ),
        fidelity: portrayal::fidelity(&rehearsed.report),
        undo: portrayal::undo(&rehearsed.undo),
    })
}

fn routed(
    caller: &Caller,
    headers: &HeaderMap,
    question: &Question<'_>,
    from: Dialect,
    body: Bytes,
) -> Result<String, Failure> {
    let peek = Peek::at(&body)?;
    let own = peek
        .model
        .as_ref()
        .map(|(_, name)| name.strip_prefix("models/").unwrap_or(name).to_owned());
    let model = question
        .model
        .clone()
        .or(own)
        .filter(|model| !model.is_empty());
    let model =
        model.ok_or_else(|| wrong("say the model, in the request or beside it", Some("model")))?;
    let plan = planned(caller, from, &model, &body, headers)?;
    let trace = trace(caller, headers, from, &model, &body, &plan);
    let mut order = order(
        caller,
        headers,
        from,
        model,
        body,
        peek,
        question.strict,
        plan,
    );
    if from == Dialect::OpenAiResponses {
        responses::recall(&mut order)?;
    }
    let Some(target) = order.targets.first() else {
        return Err(Failure::new(
            FailureKind::NoProvider,
            "no provider is configured for this request",
        ));
    };
    let prepared = prepare(&order, target, false)?;
    let nothing = Undo::default();
    let (same, undo) = match &prepared.lane {
        Lane::Same { .. } => (true, &nothing),
        Lane::Translated(translated) => (false, &translated.undo),
    };
    written(&Explanation {
        route: Some(&order.route),
        trace,
        provider: Some(&target.provider.name),
        model: &target.model,
        dialect: target.provider.dialect.as_str(),
        lane: portrayal::lane(same),
        request: document(&prepared.body.whole())?,
        headers: shown(&prepared, target),
        fidelity: portrayal::fidelity(&prepared.report),
        undo: portrayal::undo(undo),
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "an order has many parts, and this is the one place beside the pipeline"
)]
pub(super) fn order(
    caller: &Caller,
    headers: &HeaderMap,
    from: Dialect,
    model: String,
    body: Bytes,
    peek: Peek,
    strict: bool,
    plan: Plan,
) -> Box<Order> {
    Box::new(Order {
        scope: caller.scope(),
        query: String::new(),
        hub: Arc::clone(&caller.hub),
        snapshot: Arc::clone(&caller.snapshot),
        request_id: caller.request_id.clone(),
        ingress: from,
        body_dialect: from,
        headers: headers.clone(),
        stream: peek.stream,
        body,
        peek,
        original: None,
        model,
        json_array: false,
        strict,
        purpose: Purpose::Answer,
        keep_input: None,
        keeps_response: false,
        limits: Notice::default(),
        route: plan.route,
        targets: plan.targets.into_iter().map(Arc::new).collect(),
    })
}

/// Each rule with the reason why it does not hold, then how the name was resolved.
fn trace(
    caller: &Caller,
    headers: &HeaderMap,
    ingress: Dialect,
    model: &str,
    body: &[u8],
    plan: &Plan,
) -> Vec<String> {
    let facts = Facts {
        ingress,
        model,
        body,
        headers,
        client_key: caller.key.as_deref(),
        pin: headers
            .get(&BRIDGE_PROVIDER)
            .and_then(|value| value.to_str().ok()),
    };
    // A pin goes past the rules.
    let rules = if facts.pin.is_some() {
        Vec::new()
    } else {
        explain(&caller.snapshot, &facts)
    };
    let mut steps: Vec<String> = rules.iter().map(ToString::to_string).collect();
    for step in plan
        .trace
        .iter()
        .filter(|step| !matches!(step, TraceStep::RulesPassedOver(_)))
    {
        let step = step.to_string();
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// The headers of a request, but not what the configuration put there: that may be a secret.
pub(super) fn shown(prepared: &Prepared, target: &PlannedTarget) -> serde_json::Map<String, Value> {
    let own = |name: &http::HeaderName| {
        target
            .provider
            .headers
            .iter()
            .any(|(other, _)| other == name)
    };
    portrayal::headers(prepared.headers.iter().map(|(name, value)| {
        let value = if own(name) {
            "(set by the configuration)"
        } else {
            value.to_str().unwrap_or("?")
        };
        (name.as_str(), value)
    }))
}

fn document(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| wrong(&format!("the request is no JSON: {error}"), Some("request")))
}

fn named(name: &str, member: &str) -> Result<Dialect, Failure> {
    let known = Dialect::ALL.map(Dialect::as_str).join(", ");
    Dialect::parse(name).ok_or_else(|| {
        wrong(
            &format!("{name:?} is no dialect; there are {known}"),
            Some(member),
        )
    })
}

fn written(explanation: &Explanation<'_>) -> Result<String, Failure> {
    serde_json::to_string(explanation)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

fn wrong(message: &str, member: Option<&str>) -> Failure {
    let failure = Failure::new(FailureKind::InvalidRequest, message);
    match member {
        Some(member) => failure.with_param(member),
        None => failure,
    }
}
