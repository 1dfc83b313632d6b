//! `POST /api/event_logging/batch`: what agents tell of themselves beside their calls. Accepted, counted, not kept.

use std::sync::atomic::Ordering;

use http::{Request, Response};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::IgnoredAny;
use translator::Dialect;

use super::body::AnswerBody;
use super::service::Caller;
use super::{intake, reply};

/// Larger batches are refused.
const LARGEST: usize = 4 << 20;

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    events: Vec<IgnoredAny>,
}

/// Accepts a batch.
pub(super) async fn answer(caller: Caller, request: Request<Incoming>) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let cap = caller.snapshot.max_body.min(LARGEST);
    let body = match intake::read(body, &head.headers, cap, &caller.hub.tuning).await {
        Ok(body) => body,
        Err(failure) => return caller.refuse(Dialect::Anthropic, &failure),
    };
    // What is no batch is none of the caller's calls either, and must not disturb them.
    let count = serde_json::from_slice::<Batch>(&body).map_or(0, |batch| batch.events.len());
    caller
        .hub
        .metrics
        .client_events
        .fetch_add(count as u64, Ordering::Relaxed);
    let mut response = reply::json(format!(
        r#"{{"accepted_count":{count},"rejected_count":0}}"#
    ));
    reply::identify(
        response.headers_mut(),
        Dialect::Anthropic,
        &caller.request_id,
    );
    response
}
