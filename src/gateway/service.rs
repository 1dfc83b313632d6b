//! The entrance: finds the call that is meant and hands it on.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;
use translator::Dialect;
use translator::error::Failure;

use super::body::AnswerBody;
use super::hub::Hub;
use super::identity::identify;
use super::route::{Call, call};
use super::{
    allowance, compact, count, embeddings, events, explain, generate, models, reply, request_id,
    responses, status,
};
use crate::snapshot::{ClientKey, Snapshot};

/// What every call needs.
pub(super) struct Caller {
    pub(super) hub: Arc<Hub>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) request_id: String,
    pub(super) key: Option<Arc<ClientKey>>,
}

impl Caller {
    /// Whose memory is used. Anonymous callers of an open hub share one.
    pub(super) fn scope(&self) -> Arc<str> {
        self.key
            .as_ref()
            .map_or_else(|| Arc::from(""), |key| Arc::clone(&key.id))
    }

    /// An error in the caller's dialect.
    pub(super) fn refuse(&self, dialect: Dialect, failure: &Failure) -> Response<AnswerBody> {
        reply::failure(dialect, failure, &self.request_id)
    }
}

/// Answers one request.
pub async fn handle(hub: Arc<Hub>, request: Request<Incoming>) -> Response<AnswerBody> {
    let request_id = request_id::new(u64::try_from(allowance::wall_ms()).unwrap_or(0));
    let uri = request.uri();
    let found = match call(request.method(), uri.path(), uri.query(), request.headers()) {
        Ok(found) => found,
        Err(nowhere) => return reply::no_call(nowhere, uri.path(), &request_id),
    };
    if let Some(answer) = open_to_all(&hub, &found, &request_id) {
        return answer;
    }
    let snapshot = hub.snapshots.load_full();
    let dialect = dialect_of(&found);
    // The only place where a caller becomes known; every call below has passed it.
    let key = match identify(&snapshot, request.headers(), uri.query()) {
        Ok(key) => key,
        Err((reason, failure)) => {
            // Counted and no more: whoever has no key must not fill the database.
            hub.metrics.refuse(reason.as_str());
            return refused(dialect, &failure, &request_id);
        }
    };
    if let Some(key) = &key {
        hub.meters.of(&key.id).touch(allowance::wall_ms());
    }
    if !matches!(found, Call::Explain | Call::KeyStats)
        && let Err(failure) = allowance::dialect(key.as_deref(), dialect)
    {
        return refused(dialect, &failure, &request_id);
    }
    let limited = key
        .clone()
        .filter(|key| key.allowance.rpm.is_some() || key.allowance.tpm.is_some())
        .map(|key| (Arc::clone(&hub), key));
    let caller = Caller {
        hub,
        snapshot,
        request_id,
        key,
    };
    let mut response = answer(caller, found, request).await;
    if let Some((hub, key)) = limited {
        allowance::tell_refused(&hub, &key, dialect, &mut response);
    }
    private(response.headers_mut());
    response
}

/// A caller that is turned away at the door.
fn refused(dialect: Dialect, failure: &Failure, request_id: &str) -> Response<AnswerBody> {
    let mut response = reply::failure(dialect, failure, request_id);
    private(response.headers_mut());
    response
}

/// What a key is told is nobody else's, and no cache on the way may keep it.
fn private(headers: &mut HeaderMap) {
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    headers.insert(
        VARY,
        HeaderValue::from_static("authorization, x-api-key, x-goog-api-key"),
    );
}

async fn answer(caller: Caller, found: Call, request: Request<Incoming>) -> Response<AnswerBody> {
    if let Call::Cancel(id) | Call::Stored(id) | Call::StoredInput(id) | Call::StoredDelete(id) =
        &found
    {
        Box::pin(responses::fetch_one(&caller, id)).await;
    }
    match found {
        Call::Generate(ingress) => generate::answer(caller, ingress, request).await,
        Call::Count(ingress) => Box::pin(count::answer(caller, ingress, request)).await,
        Call::Compact => Box::pin(compact::answer(caller, request)).await,
        Call::Cancel(id) => responses::cancel(&caller, &id),
        Call::Embed(embed) => Box::pin(embeddings::answer(caller, embed, request)).await,
        Call::Models(dialect, model) => {
            models::answer(&caller, dialect, model.as_deref(), request.uri().query())
        }
        Call::Stored(id) => responses::stored(&caller, &id),
        Call::StoredInput(id) => responses::stored_input(&caller, &id),
        Call::StoredDelete(id) => responses::delete(&caller, &id),
        Call::KeyStats => status::key_stats(&caller),
        Call::Events => Box::pin(events::answer(caller, request)).await,
        Call::Explain => Box::pin(explain::answer(caller, request)).await,
        // Answered above.
        Call::Upgrade | Call::Metrics | Call::Live | Call::Ready | Call::Hello => {
            status::live(&caller.request_id)
        }
    }
}

/// Calls that tell nobody anything.
fn open_to_all(hub: &Hub, call: &Call, request_id: &str) -> Option<Response<AnswerBody>> {
    Some(match call {
        Call::Live | Call::Hello => status::live(request_id),
        Call::Ready => status::ready(hub, request_id),
        Call::Metrics => status::metrics(hub),
        Call::Upgrade => responses::no_upgrade(request_id),
        _ => return None,
    })
}

const fn dialect_of(call: &Call) -> Dialect {
    match call {
        Call::Generate(ingress) | Call::Count(ingress) => ingress.dialect,
        Call::Models(dialect, _) => *dialect,
        Call::Events => Dialect::Anthropic,
        Call::Embed(super::route::Embed::Gemini(_) | super::route::Embed::GeminiBatch(_)) => {
            Dialect::Gemini
        }
        Call::Compact
        | Call::Cancel(_)
        | Call::Stored(_)
        | Call::StoredInput(_)
        | Call::StoredDelete(_)
        | Call::Upgrade => Dialect::OpenAiResponses,
        _ => Dialect::OpenAiChat,
    }
}
