//! How much an upstream has said, from bytes of its dialect that pass unread.
//!
//! A search for the members that hold output, never a parse: it serves estimates for answers that end before
//! the upstream has counted. It knows nothing of where the bytes go.

use memchr::memmem;
use translator::Dialect;
use translator::estimate::Spoken;
use translator::json;

/// Members of a stream's events that hold a piece of output.
const fn of_stream(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        // The end of `reasoning_content` too.
        Dialect::OpenAiChat => &["content\":", "reasoning\":", "arguments\":"],
        Dialect::OpenAiResponses => &["\"delta\":"],
        Dialect::Anthropic => &["\"text\":", "\"thinking\":", "partial_json\":"],
        Dialect::Gemini => &["\"text\":", "\"args\":"],
    }
}

/// The same for complete answers.
const fn of_answer(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenAiResponses => &["\"text\":", "\"arguments\":"],
        Dialect::Anthropic => &["\"text\":", "\"thinking\":", "\"input\":"],
        Dialect::OpenAiChat | Dialect::Gemini => of_stream(dialect),
    }
}

/// Takes lines of a stream.
pub(super) fn lines(dialect: Dialect, lines: &[u8], spoken: &mut Spoken) {
    search(of_stream(dialect), lines, spoken);
}

/// Takes a complete answer.
pub(super) fn answer(dialect: Dialect, body: &[u8]) -> Spoken {
    let mut spoken = Spoken::default();
    search(of_answer(dialect), body, &mut spoken);
    spoken
}

fn search(members: &[&str], bytes: &[u8], spoken: &mut Spoken) {
    for member in members {
        for at in memmem::find_iter(bytes, member) {
            let value = bytes[at + member.len()..].trim_ascii_start();
            match value.first() {
                Some(b'"') => spoken.add(json::string_end(value, 0).saturating_sub(2)),
                Some(b'{') => spoken.add(json::value_end(value, 0)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_output_are_found_in_every_dialect() {
        for (dialect, text) in [
            (
                Dialect::OpenAiChat,
                r#"data: {"choices":[{"delta":{"content":"four"}},{"delta":{"reasoning_content": "four"}},{"delta":{"content":null}}]}"#,
            ),
            (
                Dialect::OpenAiResponses,
                "data: {\"type\":\"response.output_text.delta\",\"delta\":\"four\"}\ndata: {\"delta\":\"f\\\"ur\",\"type\":\"x\"}",
            ),
            (
                Dialect::Anthropic,
                r#"data: {"delta":{"type":"text_delta","text":"four"}} {"delta":{"type":"thinking_delta","thinking":"four"}}"#,
            ),
            (
                Dialect::Gemini,
                r#"data: {"candidates":[{"content":{"parts":[{"text":"four"},{"functionCall":{"args":{"a":1}}}]}}]}"#,
            ),
        ] {
            let mut spoken = Spoken::default();
            lines(dialect, text.as_bytes(), &mut spoken);
            assert!(
                (2..=3).contains(&spoken.tokens()),
                "{dialect:?}: {spoken:?}"
            );
        }
    }

    #[test]
    fn a_complete_answer_is_measured() {
        let text = "four".repeat(100);
        let body =
            format!(r#"{{"output":[{{"content":[{{"type":"output_text","text":"{text}"}}]}}]}}"#);
        let spoken = answer(Dialect::OpenAiResponses, body.as_bytes());
        assert_eq!(spoken.tokens(), 100);
    }
}
