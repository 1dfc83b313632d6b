//! What is particular to clients of OpenAI Responses: stored answers, and the WebSocket that is declined.

use std::sync::Arc;

use http::{Response, StatusCode};
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::json::{self, Writer};

use super::body::AnswerBody;
use super::chat::required;
use super::history;
use super::memory::{self, StoredResponse};
use super::order::{Order, Original};
use super::peek::Peek;
use super::reply;
use super::service::Caller;

/// The model, which must be there.
pub(super) fn model(peek: &Peek) -> Result<String, Failure> {
    required(peek)
}

/// Brings into memory what the request refers to and only the archive has.
pub(super) async fn fetch(order: &Order) {
    let store = &*order.hub.responses;
    if store.archive().is_none() {
        return;
    }
    if let Some((_, id)) = &order.peek.previous {
        memory::fetch(store, &order.scope, id).await;
    }
    if history::has_unknown_items(store, &order.scope, &order.body, &order.peek) {
        memory::fetch_newest(store, &order.scope).await;
    }
}

/// Brings a stored answer into memory that only the archive has.
pub(super) async fn fetch_one(caller: &Caller, id: &str) {
    memory::fetch(&*caller.hub.responses, &caller.scope(), id).await;
}

/// Puts the history that the request refers to into it, and decides what is kept.
pub(super) fn recall(order: &mut Order) -> Result<(), Failure> {
    let whole = history::resolve(
        &*order.hub.responses,
        &order.scope,
        &order.body,
        &order.peek,
    );
    order.keep_input = whole.input;
    if let Some(id) = whole.unknown {
        // A provider of the same dialect may know it: the request passes to such ones as it is.
        order
            .targets
            .retain(|target| target.provider.dialect == Dialect::OpenAiResponses);
        if order.targets.is_empty() {
            return Err(history::not_found(&id));
        }
        return Ok(());
    }
    if whole.body.as_ptr() != order.body.as_ptr() {
        let peek = Peek::at(&whole.body)?;
        let (body, peek) = (
            std::mem::replace(&mut order.body, whole.body),
            std::mem::replace(&mut order.peek, peek),
        );
        order.original = whole.origin.map(|provider| Original {
            body,
            peek,
            provider,
        });
    }
    Ok(())
}

/// `GET /v1/responses` with an upgrade: 426 makes Codex go on over HTTP at once, 404 would end it.
pub(super) fn no_upgrade(request_id: &str) -> Response<AnswerBody> {
    let words = "this hub serves responses over HTTP: send POST /v1/responses";
    let failure =
        Failure::new(FailureKind::InvalidRequest, words).with_code("websocket_unsupported");
    let mut response = reply::failure(Dialect::OpenAiResponses, &failure, request_id);
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    response
}

/// `GET /v1/responses/{id}`.
pub(super) fn stored(caller: &Caller, id: &str) -> Response<AnswerBody> {
    if let Some(receipt) = caller.hub.background.receipt(&caller.scope(), id) {
        return signed(caller, reply::json(receipt));
    }
    match find(caller, id) {
        Ok(stored) => signed(caller, reply::json(stored.response.to_string())),
        Err(response) => response,
    }
}

/// `GET /v1/responses/{id}/input_items`, newest first as the service lists them.
pub(super) fn stored_input(caller: &Caller, id: &str) -> Response<AnswerBody> {
    let input = match caller.hub.background.input(&caller.scope(), id) {
        Some(input) => input,
        None => match find(caller, id) {
            Ok(stored) => stored.input.clone(),
            Err(response) => return response,
        },
    };
    let mut items: Vec<&str> = json::elements(&input).collect();
    items.reverse();
    let name = |item: Option<&&str>| {
        item.and_then(|item| json::member(item, "id"))
            .filter(|id| id.starts_with('"'))
            .unwrap_or("null")
            .to_owned()
    };
    let mut out = Vec::with_capacity(input.len() + 128);
    Writer::new(&mut out).object(|w| {
        w.str("object", "list");
        w.array_in("data", |w| {
            for item in &items {
                w.item_raw(item);
            }
        });
        w.raw("first_id", &name(items.first()));
        w.raw("last_id", &name(items.last()));
        w.bool("has_more", false);
    });
    signed(caller, reply::json(out))
}

/// `POST /v1/responses/{id}/cancel`. What has ended already stays as it is.
pub(super) fn cancel(caller: &Caller, id: &str) -> Response<AnswerBody> {
    let scope = caller.scope();
    if let Some(cancelled) = caller.hub.background.cancel(&scope, id) {
        let response = cancelled.response.to_string();
        caller.hub.responses.put(&scope, id, cancelled);
        return signed(caller, reply::json(response));
    }
    let stored = match find(caller, id) {
        Ok(stored) => stored,
        Err(response) => return response,
    };
    if json::member(&stored.response, "background") != Some("true") {
        let words = "only answers that were asked for with background: true can be cancelled";
        return caller.refuse(
            Dialect::OpenAiResponses,
            &Failure::new(FailureKind::InvalidRequest, words),
        );
    }
    signed(caller, reply::json(stored.response.to_string()))
}

/// `DELETE /v1/responses/{id}`.
pub(super) fn delete(caller: &Caller, id: &str) -> Response<AnswerBody> {
    let scope = caller.scope();
    let cancelled = caller.hub.background.cancel(&scope, id).is_some();
    if !caller.hub.responses.delete(&scope, id) && !cancelled {
        return missing(caller, id);
    }
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| {
        w.str("id", id);
        w.str("object", "response");
        w.bool("deleted", true);
    });
    signed(caller, reply::json(out))
}

fn find(caller: &Caller, id: &str) -> Result<Arc<StoredResponse>, Response<AnswerBody>> {
    caller
        .hub
        .responses
        .get(&caller.scope(), id)
        .ok_or_else(|| missing(caller, id))
}

fn missing(caller: &Caller, id: &str) -> Response<AnswerBody> {
    let failure = Failure::new(
        FailureKind::NotFound,
        format!("Response with id '{id}' not found."),
    );
    caller.refuse(Dialect::OpenAiResponses, &failure)
}

fn signed(caller: &Caller, mut response: Response<AnswerBody>) -> Response<AnswerBody> {
    reply::identify(
        response.headers_mut(),
        Dialect::OpenAiResponses,
        &caller.request_id,
    );
    response
}
