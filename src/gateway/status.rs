//! How the hub itself is: alive, ready, its metrics, its provider keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::{Response, StatusCode};
use translator::Dialect;

use super::body::AnswerBody;
use super::hub::Hub;
use super::reply;
use super::service::Caller;

/// The process answers.
pub(super) fn live(request_id: &str) -> Response<AnswerBody> {
    let mut response = reply::json(r#"{"status":"healthy"}"#);
    reply::identify(response.headers_mut(), Dialect::OpenAiChat, request_id);
    response
}

/// The process takes traffic: it has a provider and is not about to stop.
pub(super) fn ready(hub: &Hub, request_id: &str) -> Response<AnswerBody> {
    let reason = if hub.is_stopping() {
        "stopping"
    } else if hub.snapshots.load().providers.is_empty() {
        "no provider is enabled"
    } else {
        return live(request_id);
    };
    let body = format!(r#"{{"status":"unavailable","reason":"{reason}"}}"#);
    reply::full(StatusCode::SERVICE_UNAVAILABLE, "application/json", body)
}

/// What Prometheus reads.
pub(super) fn metrics(hub: &Hub) -> Response<AnswerBody> {
    let counts = hub.ledger.counts();
    let book = &counts.book;
    let depth =
        |value: &AtomicU64| i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
    let gauges = &hub.metrics.gauges;
    gauges.ledger_queued.set(depth(&counts.queued));
    gauges.ledger_waiting.set(depth(&book.waiting));
    gauges.ledger_spill_bytes.set(depth(&book.spill_bytes));
    let text = hub.metrics.render(&[
        ("ledger_written", "Request records written", &counts.written),
        (
            "ledger_refused",
            "Request records refused because the queue was full",
            &counts.refused,
        ),
        (
            "ledger_lost",
            "Request records lost because the log could not be written",
            &counts.lost,
        ),
        (
            "ledger_kept",
            "Request records written to the database",
            &book.kept,
        ),
        (
            "ledger_spilled",
            "Request records put into a file because the database did not take them",
            &book.spilled,
        ),
        (
            "ledger_dropped",
            "Request records lost on the way to the database",
            &book.lost,
        ),
        (
            "client_events",
            "Events that clients told of themselves",
            &hub.metrics.client_events,
        ),
        (
            "spans_exported",
            "Spans that the trace collector has taken",
            &counts.spans.exported,
        ),
        (
            "spans_dropped",
            "Spans that the trace collector did not take, or that found its queue full",
            &counts.spans.dropped,
        ),
        (
            "ledger_failures",
            "Tries at the database that failed",
            &book.failed,
        ),
    ]);
    reply::full(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        text,
    )
}

/// Statistics of provider keys, masked. A caller sees the pools of the providers it may use.
pub(super) fn key_stats(caller: &Caller) -> Response<AnswerBody> {
    let mut stats = caller.hub.pools.stats(Instant::now());
    if let Some(key) = &caller.key
        && key.allowed_providers.is_some()
    {
        let allowed: Vec<&Arc<str>> = caller
            .snapshot
            .providers
            .iter()
            .filter(|provider| key.allows_provider(&provider.name))
            .map(|provider| &provider.pool.name)
            .collect();
        stats.retain(|one| allowed.iter().any(|name| **name == one.pool));
    }
    // Serialising plain data into memory cannot fail.
    let list = serde_json::to_string(&stats).unwrap_or_else(|_| "[]".to_owned());
    let mut response = reply::json(format!(r#"{{"object":"list","data":{list}}}"#));
    reply::identify(
        response.headers_mut(),
        Dialect::OpenAiChat,
        &caller.request_id,
    );
    response
}
