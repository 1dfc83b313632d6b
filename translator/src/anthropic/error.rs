//! Errors: an upstream's body into a failure, a failure into a client's body and status.

use super::wire::ErrorBody;
use crate::error::{Failure, FailureKind, detect_overflow, overflow_message};
use crate::json::Writer;
use crate::{Dialect, Text};

/// Longest message that is taken from a body which is not JSON.
const MAX_PLAIN: usize = 500;

/// Reads an error body. `status` is 0 when the error came inside a stream.
#[must_use]
pub(crate) fn decode_error(status: u16, body: &[u8]) -> Failure {
    let error = crate::wire::parse::<ErrorBody<'_>>(body)
        .ok()
        .and_then(|body| body.error);
    let Some(error) = error else {
        let mut failure = Failure::new(
            FailureKind::from_status(status),
            plain_message(status, body),
        );
        failure.upstream_status = status;
        return failure;
    };
    let message = error.message.unwrap_or_default().into_cow().into_owned();
    let word = error.kind.as_ref().map_or("", crate::wire::Str::as_str);
    let mut kind = kind(word, status);
    let mut overflow = None;
    if matches!(
        kind,
        FailureKind::InvalidRequest | FailureKind::TooLarge | FailureKind::Upstream
    ) {
        overflow = detect_overflow(&message, None);
        if overflow.is_some() {
            kind = FailureKind::ContextTooLong;
        } else if message.contains("credit balance is too low") {
            kind = FailureKind::Billing;
        }
    }
    // The one refusal of a credential that comes as a matter of permission.
    if kind == FailureKind::Permission && message.contains("OAuth token") {
        kind = FailureKind::UpstreamAuth;
    }
    let message = if message.is_empty() {
        plain_message(status, b"")
    } else {
        message
    };
    let mut failure = Failure::new(kind, message);
    failure.overflow = overflow;
    failure.upstream_status = status;
    failure
}

fn kind(word: &str, status: u16) -> FailureKind {
    match word {
        "invalid_request_error" if status == 413 => FailureKind::TooLarge,
        "invalid_request_error" => FailureKind::InvalidRequest,
        "authentication_error" => FailureKind::UpstreamAuth,
        "billing_error" => FailureKind::Billing,
        "permission_error" => FailureKind::Permission,
        "not_found_error" => FailureKind::NotFound,
        "conflict_error" => FailureKind::Conflict,
        "request_too_large" => FailureKind::TooLarge,
        "rate_limit_error" => FailureKind::RateLimit,
        "timeout_error" => FailureKind::Timeout,
        "overloaded_error" => FailureKind::Overloaded,
        "api_error" => FailureKind::Upstream,
        _ => FailureKind::from_status(status),
    }
}

/// The words of a body that is not JSON, or the status in words when it is empty or a page.
fn plain_message(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() || text.starts_with(['<', '{', '[']) {
        return format!("upstream answered with status {status}");
    }
    text.chars().take(MAX_PLAIN).collect()
}

/// Writes an error body; gives the HTTP status.
pub(crate) fn encode_error(failure: &Failure, request_id: &str, out: &mut Vec<u8>) -> u16 {
    let (status, word) = outward(failure);
    Writer::new(out).object(|w| {
        w.str("type", "error");
        write_object(w, word, failure);
        w.str("request_id", request_id);
    });
    status
}

/// Writes the `error` member, which is the same in bodies and streams.
pub(super) fn write_object(w: &mut Writer<'_>, word: &str, failure: &Failure) {
    w.object_in("error", |w| {
        w.str("type", word);
        w.text("message", &Text::borrowed(&message(failure)));
        // By this code the vendor's SDK knows to send the whole conversation instead.
        if failure.param.as_deref() == Some("thread") {
            w.object_in("details", |w| {
                w.str("error_code", "thread_unsupported_request");
            });
        }
    });
}

fn message(failure: &Failure) -> String {
    match failure.overflow {
        Some(overflow) if failure.kind == FailureKind::ContextTooLong => {
            overflow_message(Dialect::Anthropic, overflow, &failure.message)
        }
        _ if failure.kind == FailureKind::ContextTooLong => overflow_message(
            Dialect::Anthropic,
            crate::error::Overflow::default(),
            &failure.message,
        ),
        _ => failure.message.clone(),
    }
}

/// Status and type in this dialect.
pub(super) const fn outward(failure: &Failure) -> (u16, &'static str) {
    match failure.kind {
        FailureKind::InvalidRequest
        | FailureKind::ContextTooLong
        | FailureKind::Policy
        | FailureKind::Unsupported => (400, "invalid_request_error"),
        FailureKind::TooLarge => (413, "request_too_large"),
        FailureKind::ClientAuth => (401, "authentication_error"),
        FailureKind::Billing => (402, "billing_error"),
        FailureKind::Permission => (403, "permission_error"),
        FailureKind::NotFound => (404, "not_found_error"),
        FailureKind::Conflict => (409, "conflict_error"),
        FailureKind::RateLimit => (429, "rate_limit_error"),
        FailureKind::Overloaded | FailureKind::NoProvider => (529, "overloaded_error"),
        FailureKind::Timeout => (504, "timeout_error"),
        FailureKind::Cancelled => (499, "api_error"),
        // A client that saw 401 would throw its own key away.
        FailureKind::UpstreamAuth => (502, "api_error"),
        FailureKind::Upstream => match failure.upstream_status {
            500 => (500, "api_error"),
            _ => (502, "api_error"),
        },
        FailureKind::Internal => (500, "api_error"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::super::proof::{ERROR, check};
    use super::*;

    #[test]
    fn upstream_errors_are_understood() {
        let body = |word: &str, message: &str| {
            json!({"type": "error", "error": {"type": word, "message": message}}).to_string()
        };
        let cases = [
            (
                400,
                body("invalid_request_error", "messages: bad"),
                FailureKind::InvalidRequest,
            ),
            (
                400,
                body(
                    "invalid_request_error",
                    "prompt is too long: 210000 tokens > 200000 maximum",
                ),
                FailureKind::ContextTooLong,
            ),
            (
                400,
                body(
                    "invalid_request_error",
                    "Your credit balance is too low to access the API",
                ),
                FailureKind::Billing,
            ),
            (
                401,
                body("authentication_error", "invalid x-api-key"),
                FailureKind::UpstreamAuth,
            ),
            (402, body("billing_error", "pay"), FailureKind::Billing),
            (403, body("permission_error", "no"), FailureKind::Permission),
            (
                403,
                body("permission_error", "OAuth token has been revoked."),
                FailureKind::UpstreamAuth,
            ),
            (
                404,
                body("not_found_error", "model: x"),
                FailureKind::NotFound,
            ),
            (413, body("request_too_large", "big"), FailureKind::TooLarge),
            (
                429,
                body("rate_limit_error", "slow"),
                FailureKind::RateLimit,
            ),
            (
                529,
                body("overloaded_error", "Overloaded"),
                FailureKind::Overloaded,
            ),
            (504, body("timeout_error", "late"), FailureKind::Timeout),
            (500, body("api_error", "oops"), FailureKind::Upstream),
            (
                0,
                body("overloaded_error", "Overloaded"),
                FailureKind::Overloaded,
            ),
            (
                502,
                "<html>bad gateway</html>".to_owned(),
                FailureKind::Upstream,
            ),
            (429, String::new(), FailureKind::RateLimit),
            (
                503,
                "{\"error\":\"text\"}".to_owned(),
                FailureKind::Overloaded,
            ),
        ];
        for (status, body, kind) in cases {
            let failure = decode_error(status, body.as_bytes());
            assert_eq!(failure.kind, kind, "{status} {body}");
            assert!(
                !failure.message.is_empty() && !failure.message.contains('<'),
                "{status} {body}"
            );
            assert_eq!(failure.upstream_status, status);
        }
        let overflow = decode_error(
            400,
            body(
                "invalid_request_error",
                "prompt is too long: 210000 tokens > 200000 maximum",
            )
            .as_bytes(),
        );
        assert_eq!(
            overflow.overflow.and_then(|numbers| numbers.limit),
            Some(200_000)
        );
    }

    #[test]
    fn failures_keep_their_shape() {
        use FailureKind as K;
        let kinds = [
            (K::InvalidRequest, 400),
            (K::ContextTooLong, 400),
            (K::TooLarge, 413),
            (K::ClientAuth, 401),
            (K::UpstreamAuth, 502),
            (K::Billing, 402),
            (K::Permission, 403),
            (K::NotFound, 404),
            (K::Conflict, 409),
            (K::RateLimit, 429),
            (K::Policy, 400),
            (K::Overloaded, 529),
            (K::Upstream, 502),
            (K::Timeout, 504),
            (K::Unsupported, 400),
            (K::NoProvider, 529),
            (K::Internal, 500),
        ];
        let mut words = BTreeSet::new();
        for (kind, status) in kinds {
            let mut out = Vec::new();
            assert_eq!(
                encode_error(&Failure::new(kind, "say \"why\""), "req_1", &mut out),
                status,
                "{kind:?}"
            );
            let body: Value = serde_json::from_slice(&out).expect("JSON");
            check(ERROR, &body, &format!("{kind:?}"));
            assert_eq!(body["request_id"], "req_1");
            words.insert(body["error"]["type"].to_string());
        }
        assert_eq!(
            words.len(),
            11,
            "each kind of the service is used: {words:?}"
        );
    }

    #[test]
    fn clients_read_the_wording() {
        let message = |failure: &Failure| {
            let mut out = Vec::new();
            encode_error(failure, "r", &mut out);
            serde_json::from_slice::<Value>(&out).expect("JSON")["error"].clone()
        };
        let overflow = Failure {
            overflow: detect_overflow("maximum context length is 1000 tokens, got 1200", None),
            ..Failure::new(FailureKind::ContextTooLong, "too much")
        };
        assert_eq!(
            message(&overflow)["message"],
            "prompt is too long: 1200 tokens > 1000 maximum"
        );
        let unknown = Failure::new(FailureKind::ContextTooLong, "too much");
        assert!(
            message(&unknown)["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("prompt is too long: "))
        );
        let thread = Failure::new(FailureKind::Unsupported, "no threads").with_param("thread");
        assert_eq!(
            message(&thread)["details"]["error_code"],
            "thread_unsupported_request"
        );
    }
}
