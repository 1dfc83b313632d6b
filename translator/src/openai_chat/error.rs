//! Errors, read in every shape that compatible servers have, and written in OpenAI's.

use std::borrow::Cow;

use crate::error::{Failure, FailureKind, detect_overflow, openai_refusal, overflow_message};
use crate::json::{self, Writer};
use crate::wire::{Raw, Str, parse_raw, parse_text};
use crate::{Dialect, Text, wire_object};

wire_object! {
    /// An error in any of its shapes.
    struct WireError<'a> {
        error: Raw<'a> = "error",
        detail: Raw<'a> = "detail" | "errors",
        message: Str<'a> = "message" | "msg",
        kind: Str<'a> = "type",
        code: Raw<'a> = "code",
        param: Str<'a> = "param",
        status: Str<'a> = "status",
    }
}

/// Reads an error body. `status` is the HTTP status, 0 inside a stream.
pub(crate) fn decode_error(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    let trimmed = text.trim().trim_start_matches('\u{feff}');
    let document = if trimmed.starts_with('[') {
        json::elements(trimmed).next().unwrap_or("")
    } else {
        trimmed
    };
    let mut failure = match parse_text::<WireError<'_>>(document) {
        Ok(wire) => from_wire(status, &wire),
        Err(_) => plain(status, trimmed),
    };
    failure.upstream_status = status;
    failure
}

/// Reads the value of an `error` member that came inside an answer.
pub(super) fn decode_inline(raw: &str) -> Failure {
    match parse_text::<WireError<'_>>(raw) {
        Ok(wire) => from_wire(0, &wire),
        Err(_) => plain(0, &Text::Json(raw).as_str()),
    }
}

fn from_wire(status: u16, wire: &WireError<'_>) -> Failure {
    if let Some(inner) = wire.error {
        if let Ok(inner) = parse_raw::<WireError<'_>>(inner) {
            return from_wire(status, &inner);
        }
        return plain(status, &literal(inner.get()));
    }
    let code = wire
        .code
        .map(|raw| literal(raw.get()).into_owned())
        .filter(|code| !code.is_empty());
    // A numeric code is the HTTP status that the server's own upstream had.
    let numeric = code
        .as_deref()
        .and_then(|code| code.parse::<u16>().ok())
        .filter(|code| *code >= 400);
    let status = if status == 0 {
        numeric.unwrap_or(0)
    } else {
        status
    };
    let message = match (&wire.message, wire.detail) {
        (Some(message), _) => message.as_str().to_owned(),
        (None, Some(detail)) => json::elements(detail.get())
            .next()
            .and_then(|first| json::member(first, "msg"))
            .map_or_else(
                || literal(detail.get()).into_owned(),
                |message| literal(message).into_owned(),
            ),
        (None, None) => reason(status),
    };
    let kind_word = wire
        .kind
        .as_ref()
        .or(wire.status.as_ref())
        .map_or("", Str::as_str);
    let code_word = code.as_deref().filter(|_| numeric.is_none());
    let mut failure = Failure::new(
        kind(status, kind_word, code_word.unwrap_or_default(), &message),
        mask(&message),
    );
    if let Some(overflow) = detect_overflow(&message, code_word) {
        failure.kind = FailureKind::ContextTooLong;
        failure.overflow = Some(overflow);
    }
    failure.code = code_word.map(str::to_owned);
    failure.param = wire.param.as_ref().map(|param| param.as_str().to_owned());
    failure
}

/// A body that is no JSON object: its text when it is short and no page, else the status in words.
fn plain(status: u16, text: &str) -> Failure {
    let usable = !text.is_empty() && text.len() <= 500 && !text.starts_with('<');
    let message = if usable { mask(text) } else { reason(status) };
    let words = if usable { text } else { "" };
    let mut failure = Failure::new(kind(status, "", "", words), message);
    if let Some(overflow) = detect_overflow(text, None) {
        failure.kind = FailureKind::ContextTooLong;
        failure.overflow = Some(overflow);
    }
    failure
}

fn literal(raw: &str) -> Cow<'_, str> {
    if raw.starts_with('"') {
        Text::Json(raw).into_cow()
    } else {
        Cow::Borrowed(raw)
    }
}

fn kind(status: u16, kind: &str, code: &str, message: &str) -> FailureKind {
    match code {
        "insufficient_quota" | "billing_hard_limit_reached" => return FailureKind::Billing,
        "context_length_exceeded" => return FailureKind::ContextTooLong,
        "model_not_found" => return FailureKind::NotFound,
        "content_policy_violation" | "content_filter" | "invalid_prompt" => {
            return FailureKind::Policy;
        }
        "rate_limit_exceeded" => return FailureKind::RateLimit,
        "server_overloaded" | "overloaded" | "engine_overloaded" => return FailureKind::Overloaded,
        "unsupported_country_region_territory" => return FailureKind::Permission,
        _ => {}
    }
    match kind {
        "insufficient_quota" => return FailureKind::Billing,
        "overloaded_error" | "engine_overloaded_error" => return FailureKind::Overloaded,
        "permission_error" | "PERMISSION_DENIED" => return FailureKind::Permission,
        _ => {}
    }
    if let Some(kind) = openai_refusal(status, code, message) {
        return kind;
    }
    if status != 0 {
        return FailureKind::from_status(status);
    }
    match kind {
        "invalid_request_error" | "BadRequestError" => FailureKind::InvalidRequest,
        "rate_limit_error" | "requests" | "tokens" => FailureKind::RateLimit,
        "timeout" | "timeout_error" => FailureKind::Timeout,
        _ => FailureKind::Upstream,
    }
}

/// A status in words, for bodies that say nothing.
fn reason(status: u16) -> String {
    let words = match status {
        400 => "bad request",
        401 => "unauthorized",
        402 => "payment required",
        403 => "forbidden",
        404 => "not found",
        408 => "request timeout",
        413 => "request too large",
        422 => "unprocessable request",
        429 => "too many requests",
        500 => "internal server error",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        529 => "overloaded",
        _ => "the upstream failed without a message",
    };
    if status == 0 {
        return words.to_owned();
    }
    format!("{words} (status {status})")
}

/// Takes keys out of a message: vendors repeat them in their complaints.
fn mask(message: &str) -> String {
    if !message.contains("sk-") {
        return message.to_owned();
    }
    message
        .split(' ')
        .map(|word| match word.find("sk-") {
            Some(at) => format!("{}***", &word[..at]),
            None => word.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes an error body; gives the HTTP status.
pub(crate) fn encode_error(failure: &Failure, _request_id: &str, out: &mut Vec<u8>) -> u16 {
    let form = Form::of(failure);
    Writer::new(out).object(|w| members(failure, &form, w));
    form.status
}

/// Writes the member `error`, for a body or for a frame of a stream.
pub(super) fn write(failure: &Failure, w: &mut Writer<'_>) {
    members(failure, &Form::of(failure), w);
}

fn members(failure: &Failure, form: &Form<'_>, w: &mut Writer<'_>) {
    w.object_in("error", |w| {
        match failure
            .overflow
            .filter(|_| failure.kind == FailureKind::ContextTooLong)
        {
            Some(overflow) => w.str(
                "message",
                &overflow_message(Dialect::OpenAiChat, overflow, &failure.message),
            ),
            None => w.str("message", &failure.message),
        }
        w.str("type", form.kind);
        match &failure.param {
            Some(param) => w.str("param", param),
            None => w.null("param"),
        }
        match form.code {
            Some(code) => w.str("code", code),
            None => w.null("code"),
        }
    });
}

/// Status, type and code of a failure.
struct Form<'f> {
    status: u16,
    kind: &'static str,
    code: Option<&'f str>,
}

impl<'f> Form<'f> {
    fn of(failure: &'f Failure) -> Self {
        const INVALID: &str = "invalid_request_error";
        const SERVER: &str = "server_error";
        let given = failure.openai_code();
        let (status, kind, code) = match failure.kind {
            FailureKind::InvalidRequest => (400, INVALID, given),
            FailureKind::ContextTooLong => (400, INVALID, Some("context_length_exceeded")),
            FailureKind::TooLarge => (413, INVALID, Some("request_too_large")),
            FailureKind::ClientAuth => (401, INVALID, Some("invalid_api_key")),
            FailureKind::UpstreamAuth => (502, SERVER, Some("upstream_auth_error")),
            FailureKind::Billing => {
                // The hub's own word for a spent budget; vendors' words become OpenAI's.
                let own = given.filter(|code| *code == "budget_exceeded");
                let quota = "insufficient_quota";
                (429, quota, own.or(Some(quota)))
            }
            FailureKind::Permission => (403, INVALID, given),
            FailureKind::NotFound => (404, INVALID, given.or(Some("model_not_found"))),
            FailureKind::Conflict => (409, INVALID, given),
            FailureKind::RateLimit => {
                let tokens = failure.message.to_ascii_lowercase().contains("token");
                (
                    429,
                    if tokens { "tokens" } else { "requests" },
                    Some("rate_limit_exceeded"),
                )
            }
            FailureKind::Policy => (400, INVALID, given.or(Some("content_policy_violation"))),
            FailureKind::Overloaded => (503, SERVER, Some("overloaded")),
            FailureKind::Upstream => (
                if failure.upstream_status == 500 {
                    500
                } else {
                    502
                },
                SERVER,
                given,
            ),
            FailureKind::Timeout => (504, SERVER, Some("timeout")),
            FailureKind::Cancelled => (499, SERVER, Some("cancelled")),
            FailureKind::Unsupported => (400, INVALID, Some("unsupported_parameter")),
            FailureKind::NoProvider => (503, SERVER, Some("no_provider")),
            FailureKind::Internal => (500, SERVER, given),
        };
        Self { status, kind, code }
    }
}
