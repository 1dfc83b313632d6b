//! Errors: `{"error": {"code", "message", "status", "details"}}`, in array framing inside a list.

use std::time::Duration;

use serde_json::Value;

use crate::Dialect;
use crate::error::{Failure, FailureKind, detect_overflow, overflow_message};
use crate::json::Writer;

pub(crate) fn decode_error(status: u16, body: &[u8]) -> Failure {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    let root = parsed.as_ref().map(|value| {
        value
            .as_array()
            .and_then(|list| list.first())
            .unwrap_or(value)
    });
    let mut failure = match root.and_then(|root| root.get("error")) {
        Some(error) => from_member(error, status),
        None => Failure::new(
            FailureKind::from_status(status),
            plain_message(status, body),
        ),
    };
    failure.upstream_status = status;
    failure
}

/// HTML pages and empty bodies say nothing that a client could use.
fn plain_message(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return format!("upstream answered with status {status}");
    }
    text.chars().take(500).collect()
}

/// Reads the `error` member; `status` is 0 when it came inside a stream.
pub(super) fn from_member(error: &Value, status: u16) -> Failure {
    let message = match error {
        Value::String(text) => text.clone(),
        _ => error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .trim()
            .to_owned(),
    };
    let code = error
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok());
    let status = if status == 0 {
        code.unwrap_or(500)
    } else {
        status
    };
    let word = error
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let details = error
        .get("details")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let reason = details
        .iter()
        .find_map(|detail| detail.get("reason"))
        .and_then(Value::as_str);
    let overflow = detect_overflow(&message, None);
    let kind = if overflow.is_some() {
        FailureKind::ContextTooLong
    } else {
        kind(word, status, reason, &message)
    };
    let message = if message.is_empty() {
        format!("upstream answered with status {status}")
    } else {
        message
    };
    let mut failure = Failure::new(kind, message);
    failure.code = Some(word)
        .filter(|word| !word.is_empty())
        .map(str::to_owned);
    failure.overflow = overflow;
    failure.retry_after = details
        .iter()
        .find_map(|detail| detail.get("retryDelay"))
        .and_then(delay);
    failure.param = details
        .iter()
        .find_map(|detail| detail.get("fieldViolations")?.get(0)?.get("field"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    failure
}

fn kind(word: &str, status: u16, reason: Option<&str>, message: &str) -> FailureKind {
    let of_key = |reason: &str| {
        ["API_KEY_", "ACCESS_TOKEN_", "CONSUMER_"]
            .iter()
            .any(|family| reason.starts_with(family))
            || matches!(reason, "CREDENTIALS_MISSING" | "SERVICE_DISABLED")
    };
    let bad_key = reason.is_some_and(of_key) || starts_with_key(message);
    match word {
        _ if bad_key && matches!(status, 400 | 401 | 403) => FailureKind::UpstreamAuth,
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" => FailureKind::InvalidRequest,
        "FAILED_PRECONDITION" | "PERMISSION_DENIED" => FailureKind::Permission,
        "UNAUTHENTICATED" => FailureKind::UpstreamAuth,
        "NOT_FOUND" => FailureKind::NotFound,
        "ABORTED" | "ALREADY_EXISTS" => FailureKind::Conflict,
        "RESOURCE_EXHAUSTED" => FailureKind::RateLimit,
        "UNAVAILABLE" => FailureKind::Overloaded,
        "DEADLINE_EXCEEDED" => FailureKind::Timeout,
        "CANCELLED" => FailureKind::Cancelled,
        "INTERNAL" | "UNKNOWN" | "DATA_LOSS" => FailureKind::Upstream,
        _ => FailureKind::from_status(status),
    }
}

/// How messages about the key begin. Further on they may repeat what the client wrote, which must not cost the hub its
/// key.
fn starts_with_key(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    [
        "api key",
        "your api key",
        "please pass a valid api key",
        "method doesn't allow unregistered callers",
    ]
    .iter()
    .any(|phrase| lower.starts_with(phrase))
}

/// `"12s"` or `"1.5s"`.
fn delay(value: &Value) -> Option<Duration> {
    let seconds: f64 = value.as_str()?.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).ok()
}

pub(crate) fn encode_error(failure: &Failure, _request_id: &str, out: &mut Vec<u8>) -> u16 {
    let (status, word) = status(failure.kind);
    write(failure, status, word, out);
    status
}

/// The same inside a stream.
pub(super) fn write_in_stream(failure: &Failure, out: &mut Vec<u8>) {
    let (status, word) = status(failure.kind);
    write(failure, status, word, out);
}

fn write(failure: &Failure, status: u16, word: &str, out: &mut Vec<u8>) {
    let message = match (failure.kind, failure.overflow) {
        (FailureKind::ContextTooLong, overflow) => overflow_message(
            Dialect::Gemini,
            overflow.unwrap_or_default(),
            &failure.message,
        ),
        _ => failure.message.clone(),
    };
    Writer::new(out).object(|w| {
        w.object_in("error", |w| {
            w.uint("code", u64::from(status));
            w.str("message", &message);
            w.str("status", word);
            details(failure, &message, w);
        });
    });
}

fn details(failure: &Failure, message: &str, w: &mut Writer<'_>) {
    let param = failure
        .param
        .as_deref()
        .filter(|_| status(failure.kind).0 == 400);
    if param.is_none() && failure.retry_after.is_none() {
        return;
    }
    w.array_in("details", |w| {
        if let Some(param) = param {
            w.object(|w| {
                w.str("@type", "type.googleapis.com/google.rpc.BadRequest");
                w.array_in("fieldViolations", |w| {
                    w.object(|w| {
                        w.str("field", param);
                        w.str("description", message);
                    });
                });
            });
        }
        if let Some(after) = failure.retry_after {
            w.object(|w| {
                w.str("@type", "type.googleapis.com/google.rpc.RetryInfo");
                let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
                w.str("retryDelay", &format!("{seconds}s"));
            });
        }
    });
}

const fn status(kind: FailureKind) -> (u16, &'static str) {
    match kind {
        FailureKind::InvalidRequest
        | FailureKind::ContextTooLong
        | FailureKind::TooLarge
        | FailureKind::Policy
        | FailureKind::Unsupported => (400, "INVALID_ARGUMENT"),
        FailureKind::ClientAuth => (401, "UNAUTHENTICATED"),
        FailureKind::Billing | FailureKind::RateLimit => (429, "RESOURCE_EXHAUSTED"),
        FailureKind::Permission => (403, "PERMISSION_DENIED"),
        FailureKind::NotFound => (404, "NOT_FOUND"),
        FailureKind::Conflict => (409, "ABORTED"),
        FailureKind::Overloaded | FailureKind::NoProvider => (503, "UNAVAILABLE"),
        FailureKind::UpstreamAuth | FailureKind::Upstream | FailureKind::Internal => {
            (500, "INTERNAL")
        }
        FailureKind::Timeout => (504, "DEADLINE_EXCEEDED"),
        FailureKind::Cancelled => (499, "CANCELLED"),
    }
}
