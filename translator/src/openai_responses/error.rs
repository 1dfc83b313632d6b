//! Error bodies and error codes, both ways.

use super::wire_response::ErrorWire;
use crate::error::{Failure, FailureKind, detect_overflow, openai_refusal, overflow_message};
use crate::json::{self, Writer};
use crate::wire::{Raw, parse_text};
use crate::{Dialect, Text};

/// Reads the error body of an upstream.
pub(crate) fn decode_error(status: u16, body: &[u8]) -> Failure {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    let raw = if text.starts_with('{') {
        // Servers that speak this dialect write the error nested, bare, or as `detail`.
        json::member(text, "error")
            .filter(|raw| *raw != "null")
            .unwrap_or(text)
    } else {
        ""
    };
    let mut failure = read(raw, Some(status));
    if failure.message.is_empty() {
        let detail = json::member(text, "detail")
            .filter(|raw| raw.starts_with('"'))
            .map(literal);
        failure.message =
            detail.unwrap_or_else(|| format!("the upstream answered with status {status}"));
        failure.overflow = detect_overflow(&failure.message, failure.code.as_deref());
    }
    failure.upstream_status = status;
    failure
}

/// Reads the `error` member of a failed answer or of a frame.
pub(super) fn from_raw(raw: Option<&str>) -> Failure {
    let mut failure = read(raw.unwrap_or_default(), None);
    if failure.message.is_empty() {
        failure.message = "the upstream failed without saying why".to_owned();
    }
    failure
}

fn literal(raw: &str) -> String {
    Text::Json(raw).into_cow().into_owned()
}

fn read(raw: &str, status: Option<u16>) -> Failure {
    let word = |raw: Option<Raw<'_>>| {
        raw.map(|raw| {
            if raw.get().starts_with('"') {
                literal(raw.get())
            } else {
                raw.get().to_owned()
            }
        })
        .filter(|word| !word.is_empty())
    };
    if raw.starts_with('"') {
        return Failure::new(kind(status, None, None, ""), literal(raw));
    }
    let wire: ErrorWire<'_> = parse_text(raw).unwrap_or_default();
    let (code, tag) = (word(wire.code), word(wire.kind));
    let message = wire
        .message
        .map(|text| text.into_cow().into_owned())
        .unwrap_or_default();
    let mut failure = Failure::new(kind(status, code.as_deref(), tag.as_deref(), &message), "");
    if failure.kind == FailureKind::ContextTooLong {
        failure.overflow =
            detect_overflow(&message, code.as_deref()).or_else(|| Some(Default::default()));
    }
    failure.message = message;
    failure.param = word(wire.param);
    failure.code = code;
    failure
}

/// What went wrong, by code first, then by type, then by status.
fn kind(status: Option<u16>, code: Option<&str>, tag: Option<&str>, message: &str) -> FailureKind {
    let named = |word: &str| {
        Some(match word {
            "context_length_exceeded" | "model_context_window_exceeded" => {
                FailureKind::ContextTooLong
            }
            "insufficient_quota"
            | "billing_hard_limit_reached"
            | "billing_not_active"
            | "usage_limit_reached" => FailureKind::Billing,
            "rate_limit_exceeded" | "rate_limit_error" | "tokens" | "requests" => {
                FailureKind::RateLimit
            }
            "invalid_api_key" | "authentication_error" => FailureKind::UpstreamAuth,
            "unsupported_country_region_territory" | "permission_error" | "permission_denied" => {
                FailureKind::Permission
            }
            "model_not_found" | "not_found_error" => FailureKind::NotFound,
            "content_policy_violation"
            | "invalid_prompt"
            | "content_filter"
            | "bio_policy"
            | "misalignment_policy_violation" => FailureKind::Policy,
            "server_is_overloaded" | "slow_down" | "overloaded" | "overloaded_error" => {
                FailureKind::Overloaded
            }
            "request_too_large" => FailureKind::TooLarge,
            "timeout" | "vector_store_timeout" | "timeout_error" => FailureKind::Timeout,
            _ => return None,
        })
    };
    if detect_overflow(message, code).is_some()
        && status.is_none_or(|status| status < 500 && status != 429)
    {
        return FailureKind::ContextTooLong;
    }
    if let Some(kind) = code.and_then(named).or_else(|| {
        tag.and_then(named)
            .filter(|kind| *kind == FailureKind::Billing)
    }) {
        return kind;
    }
    let plain = code.filter(|code| code.parse::<u16>().is_err());
    if let Some(kind) = openai_refusal(status.unwrap_or(0), plain.unwrap_or_default(), message) {
        return kind;
    }
    match (status, tag) {
        // A type says less than a status, except where the two are used for several things.
        (Some(status @ (429 | 402 | 401)), _) => FailureKind::from_status(status),
        (_, Some(tag)) if named(tag).is_some() => named(tag).unwrap_or(FailureKind::Upstream),
        (Some(status), _) => FailureKind::from_status(status),
        (None, Some("invalid_request_error")) => FailureKind::InvalidRequest,
        (None, _) => match code {
            Some(code) if code.starts_with("invalid_") || code.starts_with("image_") => {
                FailureKind::InvalidRequest
            }
            _ => FailureKind::Upstream,
        },
    }
}

/// Status, type and code of a failure for a client.
fn shape(kind: FailureKind) -> (u16, &'static str, Option<&'static str>) {
    const REQUEST: &str = "invalid_request_error";
    const SERVER: &str = "server_error";
    match kind {
        FailureKind::InvalidRequest | FailureKind::Policy => (400, REQUEST, None),
        FailureKind::ContextTooLong => (400, REQUEST, Some("context_length_exceeded")),
        FailureKind::TooLarge => (413, REQUEST, Some("request_too_large")),
        FailureKind::ClientAuth => (401, REQUEST, Some("invalid_api_key")),
        FailureKind::UpstreamAuth => (502, SERVER, Some("upstream_auth_error")),
        FailureKind::Billing => (429, "insufficient_quota", Some("insufficient_quota")),
        FailureKind::Permission => (403, REQUEST, None),
        FailureKind::NotFound => (404, REQUEST, Some("model_not_found")),
        FailureKind::Conflict => (409, REQUEST, None),
        FailureKind::RateLimit => (429, "requests", Some("rate_limit_exceeded")),
        FailureKind::Overloaded => (503, SERVER, Some("overloaded")),
        FailureKind::Upstream => (502, SERVER, None),
        FailureKind::Timeout => (504, SERVER, Some("timeout")),
        FailureKind::Cancelled => (499, REQUEST, Some("request_cancelled")),
        FailureKind::Unsupported => (400, REQUEST, Some("unsupported_parameter")),
        FailureKind::NoProvider => (503, SERVER, Some("no_provider")),
        FailureKind::Internal => (500, SERVER, None),
    }
}

/// The code that a client is told: the hub's where clients look for it, else the upstream's.
pub(super) fn code(failure: &Failure) -> Option<&str> {
    let (_, _, fixed) = shape(failure.kind);
    match failure.kind {
        FailureKind::NotFound | FailureKind::RateLimit | FailureKind::Conflict => {
            failure.openai_code().or(fixed)
        }
        // The hub's own word for a spent budget; vendors' words become OpenAI's.
        FailureKind::Billing => failure
            .openai_code()
            .filter(|code| *code == "budget_exceeded")
            .or(fixed),
        _ => fixed.or(failure.openai_code()),
    }
}

/// The type that a client is told.
pub(super) fn tag(failure: &Failure) -> &'static str {
    match (failure.kind, failure.code.as_deref()) {
        (FailureKind::RateLimit, Some("tokens")) => "tokens",
        (FailureKind::RateLimit, _) if failure.message.contains("tokens per") => "tokens",
        (kind, _) => shape(kind).1,
    }
}

/// The message that a client is told.
pub(super) fn message(failure: &Failure) -> String {
    match failure.overflow {
        Some(overflow) if failure.kind == FailureKind::ContextTooLong => {
            overflow_message(Dialect::OpenAiResponses, overflow, &failure.message)
        }
        _ => failure.message.clone(),
    }
}

/// The code in a failed answer, whose list is closed. What the client must not repeat is an invalid prompt.
pub(super) fn closed_code(failure: &Failure) -> &str {
    const CLOSED: [&str; 12] = [
        "server_error",
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "misalignment_policy_violation",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
    ];
    if let Some(code) = failure.code.as_deref().filter(|code| CLOSED.contains(code)) {
        return code;
    }
    match failure.kind {
        FailureKind::RateLimit => "rate_limit_exceeded",
        FailureKind::InvalidRequest
        | FailureKind::ContextTooLong
        | FailureKind::TooLarge
        | FailureKind::Policy
        | FailureKind::Unsupported => "invalid_prompt",
        _ => "server_error",
    }
}

/// Writes the `error` object.
pub(super) fn write(failure: &Failure, w: &mut Writer<'_>) {
    w.str("message", &message(failure));
    w.str("type", tag(failure));
    nullable(w, "param", failure.param.as_deref());
    nullable(w, "code", code(failure));
}

/// Writes a string or null.
pub(super) fn nullable(w: &mut Writer<'_>, key: &'static str, value: Option<&str>) {
    match value {
        Some(value) => w.str(key, value),
        None => w.null(key),
    }
}

/// Writes an error body for a client; gives the status. The request's id travels in a header alone.
pub(crate) fn encode_error(failure: &Failure, _request_id: &str, out: &mut Vec<u8>) -> u16 {
    Writer::new(out).object(|w| w.object_in("error", |w| write(failure, w)));
    let (status, _, _) = shape(failure.kind);
    if failure.kind == FailureKind::Upstream && failure.upstream_status == 500 {
        500
    } else {
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai_responses::schema_check;

    #[test]
    fn upstream_errors_are_understood() {
        let cases: [(&str, u16, &str, FailureKind); 13] = [
            (
                "code",
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
                FailureKind::ContextTooLong,
            ),
            (
                "words",
                400,
                r#"{"error":{"message":"Your input exceeds the context window of this model."}}"#,
                FailureKind::ContextTooLong,
            ),
            (
                "quota",
                429,
                r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                FailureKind::Billing,
            ),
            (
                "rate",
                429,
                r#"{"error":{"message":"m","type":"tokens","code":"rate_limit_exceeded"}}"#,
                FailureKind::RateLimit,
            ),
            (
                "key",
                401,
                r#"{"error":{"message":"m","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                FailureKind::UpstreamAuth,
            ),
            (
                "a model",
                403,
                r#"{"error":{"message":"You are not allowed to sample from this model","code":null}}"#,
                FailureKind::Permission,
            ),
            (
                "a feature",
                403,
                r#"{"error":{"message":"m","code":"feature_access"}}"#,
                FailureKind::Permission,
            ),
            (
                "no reason",
                403,
                r#"{"error":{"message":"m","code":403}}"#,
                FailureKind::UpstreamAuth,
            ),
            (
                "html",
                502,
                "<html>bad gateway</html>",
                FailureKind::Upstream,
            ),
            ("empty", 503, "", FailureKind::Overloaded),
            (
                "detail",
                422,
                r#"{"detail":"nope"}"#,
                FailureKind::InvalidRequest,
            ),
            (
                "bare",
                404,
                r#"{"object":"error","message":"no model","code":404}"#,
                FailureKind::NotFound,
            ),
            (
                "string",
                400,
                r#"{"error":"bad"}"#,
                FailureKind::InvalidRequest,
            ),
        ];
        for (name, status, body, want) in cases {
            let failure = decode_error(status, body.as_bytes());
            assert_eq!(failure.kind, want, "{name}: {failure:?}");
            assert!(!failure.message.is_empty(), "{name}");
            assert_eq!(failure.upstream_status, status, "{name}");
        }
    }

    #[test]
    fn bodies_for_clients_are_valid_and_never_blame_their_key() {
        for kind in [
            FailureKind::InvalidRequest,
            FailureKind::ContextTooLong,
            FailureKind::UpstreamAuth,
            FailureKind::RateLimit,
            FailureKind::Overloaded,
            FailureKind::Unsupported,
            FailureKind::Internal,
        ] {
            let mut out = Vec::new();
            let status = encode_error(&Failure::new(kind, "m"), "req_1", &mut out);
            schema_check::assert_valid("error", &out);
            assert_eq!(status == 401, kind == FailureKind::ClientAuth, "{kind:?}");
        }
        let mut failure = Failure::new(
            FailureKind::ContextTooLong,
            "prompt is too long: 9000 tokens > 8000 maximum",
        );
        failure.overflow = detect_overflow(&failure.message, None);
        let mut out = Vec::new();
        encode_error(&failure, "", &mut out);
        let text = String::from_utf8(out).expect("utf-8");
        assert!(
            text.contains("maximum context length is 8000")
                && text.contains("context_length_exceeded"),
            "{text}"
        );
    }
}
