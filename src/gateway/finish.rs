//! Why an answer ended, for those who look at traces: the vendor's own word where its bytes pass, else the hub's.

use std::borrow::Cow;

use translator::ir::Finish;
use translator::{Dialect, json};

/// The hub's word.
pub(super) fn word(finish: &Finish<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match finish {
        Finish::Stop | Finish::StopSequence(_) => "stop",
        Finish::Length | Finish::ContextWindow => "length",
        Finish::ToolUse => "tool_use",
        Finish::ContentFilter { .. } | Finish::Recitation => "content_filter",
        Finish::Refusal => "refusal",
        Finish::Language => "language",
        Finish::Pause => "pause_turn",
        Finish::Continuation => "continuation",
        Finish::Compaction => "compaction",
        Finish::BadToolCall(_) => "malformed_function_call",
        Finish::ImageFail(_) => "no_image",
        Finish::Cancelled => "cancelled",
        Finish::Other(other) => return Cow::Owned(other.clone().into_owned()),
    })
}

/// The word in a complete answer.
pub(super) fn of_answer(dialect: Dialect, body: &[u8]) -> Option<Cow<'static, str>> {
    let answer = std::str::from_utf8(body).ok()?;
    let of_first = |list, name| {
        let first = json::elements(json::member(answer, list)?).next()?;
        plain(json::member(first, name)?)
    };
    match dialect {
        Dialect::OpenAiChat => of_first("choices", "finish_reason"),
        Dialect::Gemini => of_first("candidates", "finishReason"),
        Dialect::Anthropic => plain(json::member(answer, "stop_reason")?),
        Dialect::OpenAiResponses => of_response(answer),
    }
    .map(Cow::Owned)
}

/// The word in a complete Responses answer.
pub(super) fn of_response(response: &str) -> Option<String> {
    json::member(response, "incomplete_details")
        .and_then(|details| json::member(details, "reason"))
        .or_else(|| json::member(response, "status"))
        .and_then(plain)
}

/// A string without escapes, as all such words are.
pub(super) fn plain(raw: &str) -> Option<String> {
    let word = raw.strip_prefix('"')?.strip_suffix('"')?;
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_why_it_ended() {
        for (dialect, body, wanted) in [
            (
                Dialect::OpenAiChat,
                r#"{"choices":[{"message":{"content":"finish_reason"},"finish_reason":"length"}]}"#,
                Some("length"),
            ),
            (
                Dialect::Anthropic,
                r#"{"content":[],"stop_reason":"end_turn"}"#,
                Some("end_turn"),
            ),
            (
                Dialect::Gemini,
                r#"{"candidates":[{"finishReason":"SAFETY"}]}"#,
                Some("SAFETY"),
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}"#,
                Some("max_output_tokens"),
            ),
            (
                Dialect::OpenAiResponses,
                r#"{"status":"completed","incomplete_details":null}"#,
                Some("completed"),
            ),
            (Dialect::OpenAiChat, r#"{"choices":[]}"#, None),
        ] {
            let found = of_answer(dialect, body.as_bytes());
            assert_eq!(found.as_deref(), wanted, "{body}");
        }
    }
}
