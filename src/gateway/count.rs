//! Counting the tokens of a request: by the upstream where it can and is quick, else by estimate. A header says which.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::error::{Failure, FailureKind};
use translator::json::{self, Writer};
use translator::translate::{self, Target};
use translator::{Dialect, estimate, foreign};

use super::admit::{Leave, Place};
use super::allowance::{self, Use};
use super::body::AnswerBody;
use super::bytepath::model_name;
use super::generate::{planned, sign};
use super::headers::{self, BRIDGE_COUNT};
use super::peek::Peek;
use super::prepare::{invalid, uri};
use super::route::Ingress;
use super::send::{Parcel, read_whole, send};
use super::service::Caller;
use super::settle::Account;
use super::splice::{Edits, quoted};
use super::{chat, gemini, intake, reply};
use crate::ledger::{Label, Outcome};
use crate::pool::KeyOutcome;
use crate::routing::PlannedTarget;
use crate::snapshot::{Endpoint, Mode};
use crate::upstream::Pieces;

/// Members of a request for an answer that a counter takes too.
const ANTHROPIC_MEMBERS: [&str; 9] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "speed",
];
const RESPONSES_MEMBERS: [&str; 8] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
];
const GEMINI_MEMBERS: [&str; 5] = [
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "cachedContent",
];

/// What is to be counted.
struct Subject {
    dialect: Dialect,
    model: String,
    body: Bytes,
    peek: Peek,
}

/// Answers a request for a count.
pub(super) async fn answer(
    caller: Caller,
    ingress: Ingress,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let dialect = ingress.dialect;
    let mut account = Account::open(
        &caller.hub,
        &caller.request_id,
        "count",
        dialect,
        request.headers(),
    );
    match counted(&caller, &ingress, request, &mut account).await {
        Ok(response) => {
            account.close(Outcome::Ok, 200, None, None);
            response
        }
        Err(failure) => {
            let response = caller.refuse(dialect, &failure);
            account.close(
                Outcome::Error,
                response.status().as_u16(),
                None,
                Some(failure.message),
            );
            response
        }
    }
}

async fn counted(
    caller: &Caller,
    ingress: &Ingress,
    request: Request<Incoming>,
    account: &mut Account,
) -> Result<Response<AnswerBody>, Failure> {
    let (head, body) = request.into_parts();
    let body = intake::read(
        body,
        &head.headers,
        caller.snapshot.max_body,
        &caller.hub.tuning,
    )
    .await?;
    let peek = Peek::at(&body)?;
    let model = match ingress.dialect {
        Dialect::Gemini => gemini::model(ingress, &peek)?,
        _ => chat::required(&peek)?,
    };
    account.note(|record| {
        record.model_asked.clone_from(&model);
        record.client_key = caller.key.as_ref().map(|key| Label::from(&key.id));
    });
    let plan = planned(caller, ingress.dialect, &model, &body, &head.headers)?;
    account.note(|record| record.route = Some(Label::from(&plan.route)));
    let subject = Subject {
        dialect: ingress.dialect,
        model,
        body,
        peek,
    };
    // Read first: a body that cannot be read has no estimate either, and is told so.
    let estimate = estimated(&subject)?;
    let Some(target) = plan.targets.first() else {
        return Err(Failure::new(
            FailureKind::NoProvider,
            "no provider is configured for this request",
        ));
    };
    let limits = allowance::admit(caller, ingress.dialect, Use::Count, &plan.targets, account)?;
    account.target(target);
    let deadline = caller.hub.tuning.count_deadline;
    let asked = timeout(
        deadline,
        upstream_count(caller, &subject, target, &head.headers, account),
    )
    .await;
    let (count, how) = match asked {
        Ok(Some(count)) => (count, "exact"),
        Ok(None) | Err(_) => (estimate, "estimated"),
    };
    let mut response = reply::json(shaped(ingress.dialect, count));
    let headers = response.headers_mut();
    reply::identify(headers, ingress.dialect, &caller.request_id);
    limits.tell(headers);
    sign(headers, &plan.route, Some(target), account.attempts());
    headers.insert(BRIDGE_COUNT, HeaderValue::from_static(how));
    Ok(response)
}

/// The request inside Gemini's envelope, or the body itself.
fn inner(subject: &Subject) -> &str {
    let text = std::str::from_utf8(&subject.body).unwrap_or("{}");
    match subject.dialect {
        Dialect::Gemini => json::member(text, "generateContentRequest")
            .or_else(|| json::member(text, "generate_content_request"))
            .unwrap_or(text),
        _ => text,
    }
}

fn estimated(subject: &Subject) -> Result<u64, Failure> {
    let request = subject
        .dialect
        .decode_request(inner(subject).as_bytes(), &translate::no_recall)
        .map_err(invalid)?;
    Ok(estimate::request(&request))
}

/// What the upstream counts; `None` when it cannot or does not.
async fn upstream_count(
    caller: &Caller,
    subject: &Subject,
    target: &PlannedTarget,
    client: &http::HeaderMap,
    account: &mut Account,
) -> Option<u64> {
    let provider = &target.provider;
    if provider.dialect == Dialect::OpenAiChat {
        return None;
    }
    let native = provider.dialect == subject.dialect
        && !subject.peek.sealed
        && !foreign::found_in(subject.dialect, &target.model, &subject.body);
    let (body, headers) = if native {
        (
            passed(subject, target),
            headers::passed(client, provider, false),
        )
    } else if target.mode == Mode::Direct {
        return None;
    } else {
        translated(subject, target)?
    };
    let _place = Place::take(&caller.hub, target).ok()?;
    let started = Instant::now();
    let mut leave = Leave::ask(&caller.hub, &caller.snapshot, target, &[]).ok()?;
    let parcel = Parcel {
        hub: &caller.hub,
        target,
        uri: uri(target, Endpoint::CountTokens, ""),
        headers: headers::traced(&headers, account.traceparent()),
        body,
    };
    let sent = async {
        read_whole(
            &caller.hub,
            target,
            send(parcel, leave.credential(0)).await?,
            started,
        )
        .await
    }
    .await;
    match sent {
        Ok(body) => {
            account.attempt(target, leave.lease(), 200, started.elapsed(), None);
            leave.settle(KeyOutcome::Status(200), super::admit::Health::Well);
            read_count(provider.dialect, &body)
        }
        Err(fault) => {
            account.attempt(
                target,
                leave.lease(),
                fault.status,
                started.elapsed(),
                Some(fault.failure.message),
            );
            // A counter that fails says nothing about the models.
            leave.settle(fault.outcome, super::admit::Health::Unknown);
            None
        }
    }
}

fn passed(subject: &Subject, target: &PlannedTarget) -> Pieces {
    let name = model_name(subject.dialect, &target.model);
    let mut edits = Edits::default();
    if let Some((range, _)) = &subject.peek.model {
        edits.replace(range.clone(), quoted(&name));
    }
    let request = inner(subject);
    if request.len() < subject.body.len() {
        let text = std::str::from_utf8(&subject.body).unwrap_or("{}");
        let start = request.as_ptr().addr() - text.as_ptr().addr();
        let models = json::members(request).filter(|(key, _)| key == "model");
        for (_, range) in models {
            edits.replace(start + range.start..start + range.end, quoted(&name));
        }
    }
    edits.apply(&subject.body)
}

fn translated(subject: &Subject, target: &PlannedTarget) -> Option<(Pieces, http::HeaderMap)> {
    let provider = &target.provider;
    let mut request = subject
        .dialect
        .decode_request(inner(subject).as_bytes(), &translate::no_recall)
        .ok()?;
    request.model = subject.model.as_str().into();
    let outbound = translate::request(
        request,
        &Target {
            dialect: provider.dialect,
            provider: &provider.name,
            model: &target.model,
            capability: provider.capability(&target.model),
            stream: false,
            cache_key: None,
            auto_cache: false,
            drop_state: false,
        },
        false,
    )
    .ok()?;
    let body = count_body(
        provider.dialect,
        std::str::from_utf8(&outbound.body).ok()?,
        &target.model,
    );
    Some((
        Bytes::from(body).into(),
        headers::written(provider, false, &outbound.headers),
    ))
}

/// The part of a request for an answer that a counter takes.
fn count_body(dialect: Dialect, body: &str, model: &str) -> Vec<u8> {
    let kept: &[&str] = match dialect {
        Dialect::Anthropic => &ANTHROPIC_MEMBERS,
        Dialect::Gemini => &GEMINI_MEMBERS,
        Dialect::OpenAiResponses | Dialect::OpenAiChat => &RESPONSES_MEMBERS,
    };
    let mut out = Vec::with_capacity(body.len() + 64);
    let copy = |w: &mut Writer<'_>| {
        for (key, range) in json::members(body) {
            if kept.contains(&&*key) {
                w.raw(&key, &body[range]);
            }
        }
    };
    Writer::new(&mut out).object(|w| {
        if dialect == Dialect::Gemini {
            w.object_in("generateContentRequest", |w| {
                w.str("model", &model_name(dialect, model));
                copy(w);
            });
        } else {
            copy(w);
        }
    });
    out
}

fn read_count(dialect: Dialect, body: &[u8]) -> Option<u64> {
    let name = if dialect == Dialect::Gemini {
        "totalTokens"
    } else {
        "input_tokens"
    };
    json::member(std::str::from_utf8(body).ok()?, name)?
        .parse()
        .ok()
}

fn shaped(dialect: Dialect, count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| match dialect {
        Dialect::Gemini => w.uint("totalTokens", count),
        Dialect::OpenAiResponses | Dialect::OpenAiChat => {
            w.str("object", "response.input_tokens");
            w.uint("input_tokens", count);
        }
        Dialect::Anthropic => w.uint("input_tokens", count),
    });
    out
}
