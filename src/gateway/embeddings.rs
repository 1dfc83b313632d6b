//! Embeddings, from either shape to either shape.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use serde_json::Value;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;
use translator::json;
use translator::wording::{self, Wording, Words};

use super::admit::{Leave, Place};
use super::allowance::{self, Output, Use};
use super::body::AnswerBody;
use super::bytepath::model_name;
use super::embeddings_shape::{Vectors, Wish};
use super::generate::{planned, sign};
use super::headers;
use super::peek::Peek;
use super::prepare::uri;
use super::route::Embed;
use super::send::{Blame, Fault, Parcel, read_whole, send};
use super::service::Caller;
use super::settle::Account;
use super::splice::{Edits, quoted};
use super::{chat, intake, reply};
use crate::ledger::{Label, Outcome};
use crate::pool::{KeyIndex, KeyOutcome};
use crate::routing::PlannedTarget;
use crate::snapshot::{Endpoint, Mode};

/// Requests that Gemini takes in one batch.
const GEMINI_BATCH: usize = 100;

/// Vectors wanted.
struct Subject {
    embed: Embed,
    model: String,
    body: Bytes,
    peek: Peek,
    headers: HeaderMap,
}

/// Answers a request for embeddings.
pub(super) async fn answer(
    caller: Caller,
    embed: Embed,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let dialect = dialect_of(&embed);
    let mut account = Account::open(
        &caller.hub,
        &caller.request_id,
        "embed",
        dialect,
        request.headers(),
    );
    match embedded(&caller, embed, request, &mut account).await {
        Ok((response, usage)) => {
            account.close(Outcome::Ok, 200, usage, None);
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

const fn dialect_of(embed: &Embed) -> Dialect {
    match embed {
        Embed::OpenAi => Dialect::OpenAiChat,
        Embed::Gemini(_) | Embed::GeminiBatch(_) => Dialect::Gemini,
    }
}

async fn embedded(
    caller: &Caller,
    embed: Embed,
    request: Request<Incoming>,
    account: &mut Account,
) -> Result<(Response<AnswerBody>, Option<Usage>), Failure> {
    let (head, body) = request.into_parts();
    let body = intake::read(
        body,
        &head.headers,
        caller.snapshot.max_body,
        &caller.hub.tuning,
    )
    .await?;
    let peek = Peek::at(&body)?;
    let model = match &embed {
        Embed::OpenAi => chat::required(&peek)?,
        Embed::Gemini(model) | Embed::GeminiBatch(model) => model.clone(),
    };
    account.note(|record| {
        record.model_asked.clone_from(&model);
        record.client_key = caller.key.as_ref().map(|key| Label::from(&key.id));
    });
    let dialect = dialect_of(&embed);
    let plan = planned(caller, dialect, &model, &body, &head.headers)?;
    account.note(|record| record.route = Some(Label::from(&plan.route)));
    let uses = Use::Tokens(&body, Output::None);
    let limits = allowance::admit(caller, dialect, uses, &plan.targets, account)?;
    account.prompt(&body);
    let subject = Subject {
        embed,
        model,
        body,
        peek,
        headers: head.headers,
    };
    let mut last = Failure::new(
        FailureKind::NoProvider,
        "no provider is configured for this request",
    );
    for target in &plan.targets {
        account.target(target);
        match at_target(caller, &subject, target, account).await {
            Ok((bytes, usage)) => {
                let mut response = reply::json(bytes);
                reply::identify(response.headers_mut(), dialect, &caller.request_id);
                limits.tell(response.headers_mut());
                sign(
                    response.headers_mut(),
                    &plan.route,
                    Some(target),
                    account.attempts(),
                );
                return Ok((response, usage));
            }
            Err((failure, final_word)) => {
                last = failure;
                if final_word {
                    break;
                }
            }
        }
    }
    Err(last)
}

type AtTarget = Result<(Bytes, Option<Usage>), (Failure, bool)>;

async fn at_target(
    caller: &Caller,
    subject: &Subject,
    target: &PlannedTarget,
    account: &mut Account,
) -> AtTarget {
    let upstream = target.provider.dialect;
    let same = match &subject.embed {
        Embed::OpenAi => matches!(upstream, Dialect::OpenAiChat | Dialect::OpenAiResponses),
        Embed::Gemini(_) | Embed::GeminiBatch(_) => upstream == Dialect::Gemini,
    };
    if same {
        return passed(caller, subject, target, account).await;
    }
    let name = &target.provider.name;
    if upstream == Dialect::Anthropic {
        let words = format!("[{name}] has no embeddings");
        return Err((
            Failure::new(FailureKind::NotFound, words).with_code("model_not_found"),
            false,
        ));
    }
    if target.mode == Mode::Direct {
        let words = format!(
            "[{name}] this route is direct and its provider speaks {}",
            upstream.as_str()
        );
        return Err((Failure::new(FailureKind::Unsupported, words), false));
    }
    translated(caller, subject, target, account).await
}

async fn passed(
    caller: &Caller,
    subject: &Subject,
    target: &PlannedTarget,
    account: &mut Account,
) -> AtTarget {
    let (dialect, name) = match subject.embed {
        Embed::OpenAi => (Dialect::OpenAiChat, "usage"),
        Embed::Gemini(_) | Embed::GeminiBatch(_) => (Dialect::Gemini, "usageMetadata"),
    };
    let mut edits = Edits::default();
    if let Some((range, _)) = &subject.peek.model {
        edits.replace(range.clone(), quoted(&model_name(dialect, &target.model)));
    }
    let endpoint = match subject.embed {
        Embed::GeminiBatch(_) => Endpoint::BatchEmbed,
        _ => Endpoint::Embed,
    };
    let mut body = edits.apply(&subject.body).whole();
    if let Embed::GeminiBatch(_) = subject.embed {
        body = batch_model(&body, &target.model);
    }
    let headers = headers::passed(&subject.headers, &target.provider, false);
    let answer = call(caller, target, endpoint, headers, body, account).await?;
    let usage = std::str::from_utf8(&answer)
        .ok()
        .and_then(|answer| json::member(answer, name))
        .and_then(|raw| translator::usage::read(dialect, raw));
    Ok((answer, usage))
}

/// Gemini wants the model of the path repeated in each request of a batch.
fn batch_model(body: &Bytes, model: &str) -> Bytes {
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    let name = Value::from(model_name(Dialect::Gemini, model));
    for request in document["requests"].as_array_mut().into_iter().flatten() {
        if let Some(request) = request.as_object_mut() {
            request.insert("model".to_owned(), name.clone());
        }
    }
    Bytes::from(document.to_string())
}

async fn translated(
    caller: &Caller,
    subject: &Subject,
    target: &PlannedTarget,
    account: &mut Account,
) -> AtTarget {
    let document: Value = serde_json::from_slice(&subject.body).map_err(|error| {
        (
            Failure::new(
                FailureKind::InvalidRequest,
                format!("the body is not valid JSON: {error}"),
            ),
            true,
        )
    })?;
    let wish = match &subject.embed {
        Embed::OpenAi => Wish::openai(&document),
        Embed::Gemini(_) => Wish::gemini(&document, false),
        Embed::GeminiBatch(_) => Wish::gemini(&document, true),
    }
    .map_err(|failure| (failure, true))?;
    let headers = headers::written(&target.provider, false, &[]);
    let unreadable = || {
        let words = format!("[{}] the answer holds no embeddings", target.provider.name);
        (Failure::new(FailureKind::Upstream, words), false)
    };
    let mut all = Vectors {
        vectors: Vec::with_capacity(wish.texts.len()),
        tokens: None,
    };
    let mut words = Words::new(target.provider.dialect);
    if target.provider.dialect == Dialect::Gemini {
        for run in wish.texts.chunks(GEMINI_BATCH) {
            let body = Bytes::from(wish.to_gemini(&target.model, run));
            let answer = call(
                caller,
                target,
                Endpoint::BatchEmbed,
                headers.clone(),
                body,
                account,
            )
            .await?;
            let part = Vectors::gemini(&answer).ok_or_else(unreadable)?;
            words.answer(&answer);
            all.vectors.extend(part.vectors);
            all.tokens = part
                .tokens
                .map(|tokens| tokens + all.tokens.unwrap_or(0))
                .or(all.tokens);
        }
        all.normalise();
    } else {
        let body = Bytes::from(wish.to_openai(&target.model));
        let answer = call(caller, target, Endpoint::Embed, headers, body, account).await?;
        words.answer(&answer);
        all = Vectors::openai(&answer).ok_or_else(unreadable)?;
    }
    if all.vectors.len() != wish.texts.len() {
        return Err(unreadable());
    }
    let tokens = all.tokens.unwrap_or_else(|| wish.estimate());
    let usage = Usage {
        fresh: tokens,
        estimated: all.tokens.is_none(),
        ..Usage::default()
    };
    let out = match &subject.embed {
        Embed::OpenAi => all.to_openai(&subject.model, wish.base64, tokens),
        Embed::Gemini(_) => all.to_gemini(false),
        Embed::GeminiBatch(_) => all.to_gemini(true),
    };
    let told = std::str::from_utf8(&out)
        .ok()
        .and_then(|answer| wording::find(dialect_of(&subject.embed), answer));
    account.wording(Some(Wording {
        upstream: words.said(),
        client: told.map(str::to_owned),
    }));
    Ok((Bytes::from(out), Some(usage)))
}

/// One call, with the next key on 429 and on refused keys.
async fn call(
    caller: &Caller,
    target: &PlannedTarget,
    endpoint: Endpoint,
    headers: HeaderMap,
    body: Bytes,
    account: &mut Account,
) -> Result<Bytes, (Failure, bool)> {
    let hub = &caller.hub;
    let busy = |words: String, wait| {
        let mut failure = Failure::new(FailureKind::NoProvider, words);
        failure.retry_after = wait;
        (failure, false)
    };
    let name = &target.provider.name;
    let _place = Place::take(hub, target)
        .map_err(|refused| busy(format!("[{name}] {refused}"), refused.retry_after()))?;
    let mut tried: Vec<KeyIndex> = Vec::new();
    let mut last: Option<(Failure, bool)> = None;
    loop {
        let started = Instant::now();
        let mut leave = match Leave::ask(hub, &caller.snapshot, target, &tried) {
            Ok(leave) => leave,
            Err(refused) => {
                return Err(last.unwrap_or_else(|| {
                    busy(format!("[{name}] {refused}"), refused.retry_after())
                }));
            }
        };
        let key = leave.lease().map(crate::pool::KeyLease::index);
        let parcel = Parcel {
            hub,
            target,
            uri: uri(target, endpoint, ""),
            headers: headers::traced(&headers, account.traceparent()),
            body: body.clone().into(),
        };
        account.underway(target, leave.lease());
        let answered = match send(parcel, leave.credential(0)).await {
            Ok(response) => read_whole(hub, target, response, started).await,
            Err(fault) => Err(fault),
        };
        match answered {
            Ok(answer) => {
                account.attempt(target, leave.lease(), 200, started.elapsed(), None);
                leave.settle(KeyOutcome::Status(200), super::admit::Health::Well);
                return Ok(answer);
            }
            Err(fault) => {
                account.attempt(
                    target,
                    leave.lease(),
                    fault.status,
                    started.elapsed(),
                    Some(fault.failure.message.clone()),
                );
                leave.settle(fault.outcome, fault.health);
                let Fault { failure, blame, .. } = *fault;
                if blame != Blame::Key {
                    return Err((failure, blame == Blame::Client));
                }
                tried.extend(key);
                last = Some((failure, false));
            }
        }
    }
}
