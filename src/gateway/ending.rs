//! Signs of life and error endings in each dialect, for streams that no encoder writes.

use translator::Dialect;
use translator::error::Failure;
use translator::json::Writer;

/// A sign of life that every client of the dialect tolerates before the first frame and between frames.
pub(super) const fn heartbeat(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => b": ping\n\n",
        Dialect::Anthropic => b"event: ping\ndata: {\"type\":\"ping\"}\n\n",
        // Google's SDKs choke on comments; blank lines (and blanks in a list) are nothing to them.
        Dialect::Gemini => b"\n",
    }
}

/// Where in a Responses stream the error stands.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The answer's id, where the client has seen one.
    pub(super) response_id: Option<String>,
    /// The number of the next event.
    pub(super) sequence: u64,
}

/// Ends a stream with an error.
pub(super) fn error(
    dialect: Dialect,
    failure: &Failure,
    request_id: &str,
    place: &Place,
    out: &mut Vec<u8>,
) {
    let mut body = Vec::new();
    dialect.encode_error(failure, request_id, &mut body);
    match dialect {
        Dialect::OpenAiChat | Dialect::Gemini => frame(None, &body, out),
        Dialect::Anthropic => frame(Some("error"), &body, out),
        Dialect::OpenAiResponses => responses(&body, failure, place, out),
    }
}

fn frame(event: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
    if let Some(event) = event {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

/// `error` in both of its forms, then `response.failed`: some clients read the one, some the other.
fn responses(encoded: &[u8], failure: &Failure, place: &Place, out: &mut Vec<u8>) {
    let text = std::str::from_utf8(encoded).unwrap_or("{}");
    let inner = translator::json::member(text, "error").unwrap_or("{}");
    let message = translator::json::member(inner, "message").unwrap_or("\"\"");
    // The SDK's type of this code is a closed list.
    let code = match failure.kind {
        translator::error::FailureKind::RateLimit | translator::error::FailureKind::Billing => {
            "rate_limit_exceeded"
        }
        _ => "server_error",
    };
    let mut data = Vec::new();
    Writer::new(&mut data).object(|w| {
        w.str("type", "error");
        w.str("code", code);
        w.raw("message", message);
        w.null("param");
        w.uint("sequence_number", place.sequence);
        w.raw("error", inner);
    });
    frame(Some("error"), &data, out);
    data.clear();
    Writer::new(&mut data).object(|w| {
        w.str("type", "response.failed");
        w.uint("sequence_number", place.sequence.saturating_add(1));
        w.object_in("response", |w| failed(w, code, message, place));
    });
    frame(Some("response.failed"), &data, out);
}

/// An answer with every member that the SDKs' types demand.
fn failed(w: &mut Writer<'_>, code: &str, message: &str, place: &Place) {
    w.str("id", place.response_id.as_deref().unwrap_or("resp_failed"));
    w.str("object", "response");
    w.uint("created_at", 0);
    w.str("status", "failed");
    w.object_in("error", |w| {
        w.str("code", code);
        w.raw("message", message);
    });
    for name in ["incomplete_details", "instructions", "usage"] {
        w.null(name);
    }
    w.object_in("metadata", |_| {});
    w.str("model", "");
    w.array_in("output", |_| {});
    w.bool("parallel_tool_calls", true);
    w.uint("temperature", 1);
    w.str("tool_choice", "auto");
    w.array_in("tools", |_| {});
    w.uint("top_p", 1);
}
