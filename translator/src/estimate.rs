//! Local token estimates, for upstreams that cannot count.

use crate::ir::{Args, Kind, Part, Request, Source, ToolKind};
use crate::json;

/// Tokens of a text: a quarter of its ASCII characters, one for each wide character.
#[must_use]
pub fn text(text: &str) -> u64 {
    let bytes = text.len() as u64;
    if text.is_ascii() {
        return bytes.div_ceil(4);
    }
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let others = text.chars().count() as u64 - ascii;
    // Latin letters with accents come two or three to a token, CJK one to one; the border is U+2E80.
    let wide = text.chars().filter(|&c| c >= '\u{2e80}').count() as u64;
    ascii.div_ceil(4) + wide + (others - wide).div_ceil(2)
}

/// Output that nobody has counted, as far as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    pieces: u64,
    bytes: u64,
}

impl Spoken {
    /// Takes a piece of output.
    pub const fn add(&mut self, bytes: usize) {
        if bytes > 0 {
            self.pieces = self.pieces.saturating_add(1);
            self.bytes = self.bytes.saturating_add(bytes as u64);
        }
    }

    /// Tokens: a quarter of the bytes, and never fewer than pieces, since a vendor sends no less than a token at once.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        let quarter = self.bytes.div_ceil(4);
        if quarter > self.pieces {
            quarter
        } else {
            self.pieces
        }
    }
}

/// Tokens of a request as it stands on the wire, in any dialect, for requests that are passed on unread.
///
/// A quarter of the bytes; pictures and files, which are long literals of base64, count by their size instead. Bodies
/// are not read for that: no such literal fits between two places that are looked at.
#[must_use]
pub fn body(body: &[u8]) -> u64 {
    let (mut text, mut media) = (body.len(), 0_u64);
    let mut at = STRIDE;
    while let Some(sample) = body.get(at..at + SAMPLE) {
        if sample.iter().copied().all(is_of_base64) {
            let literal = literal(body, at);
            if is_base64(&body[literal.clone()]) {
                // A page is about 50 KB of PDF and 1,500 tokens.
                media += (literal.len() as u64 / 66_000 + 1) * 1_500;
                text -= literal.len();
            }
            // Behind it, so that nothing is looked at twice.
            at = at.max(literal.end);
        }
        at += STRIDE;
    }
    (text as u64).div_ceil(4) + media
}

/// Literals of base64 that are shorter count as text.
const LONG: usize = 4 << 10;
/// How far apart the places are that are looked at.
const STRIDE: usize = LONG / 2;
/// How much is looked at; prose has a blank in it.
const SAMPLE: usize = 64;

/// The string literal around a place; empty, at the next quote, where quotes stand in the literal itself.
fn literal(body: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = memchr::memrchr(b'"', &body[..at]).unwrap_or(0);
    if body[..start].ends_with(b"\\") {
        let end = memchr::memchr(b'"', &body[at..]).map_or(body.len(), |end| at + end);
        return end..end;
    }
    start + 1..json::string_end(body, start)
}

const fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Long, and without a blank at its beginning.
fn is_base64(literal: &[u8]) -> bool {
    let data = match memchr::memmem::find(&literal[..literal.len().min(128)], b";base64,") {
        Some(at) => &literal[at + 8..],
        None => literal,
    };
    data.len() >= LONG && data[..LONG / 8].iter().copied().all(is_of_base64)
}

/// Tokens of a request's prompt.
#[must_use]
pub fn request(request: &Request<'_>) -> u64 {
    let mut total = 0;
    for instruction in &request.instructions {
        total += 4 + text(&instruction.text.as_str());
    }
    for turn in &request.turns {
        total += 4 + turn.parts.iter().map(part).sum::<u64>();
    }
    for tool in &request.tools {
        total += 8 + text(&tool.name) + tool.description.as_ref().map_or(0, |d| text(&d.as_str()));
        total += match &tool.kind {
            ToolKind::Function {
                schema: Some(schema),
            } => text(schema),
            ToolKind::Freeform {
                format: Some(format),
            } => text(format),
            _ => 0,
        };
    }
    total
}

fn part(part: &Part<'_>) -> u64 {
    match &part.kind {
        Kind::Text { text: t, .. } | Kind::Refusal(t) | Kind::Reasoning { text: t } => {
            text(&t.as_str())
        }
        Kind::Image { .. } => 1_200,
        Kind::Document { source, .. } => document(source),
        Kind::Audio { source } | Kind::Video { source, .. } => match source {
            Source::Base64 { data, .. } => (data.len_hint() as u64 / 1_000).max(32),
            _ => 1_000,
        },
        Kind::ToolCall(call) => {
            text(&call.name)
                + 8
                + match &call.args {
                    Args::Text(t) | Args::Freeform(t) => text(&t.as_str()),
                    Args::Object(raw) => text(raw),
                }
        }
        Kind::ToolResult(result) => 4 + result.content.iter().map(self::part).sum::<u64>(),
        Kind::ServerTool { summary, .. } => text(&summary.as_str()),
        Kind::Other { text: t, .. } => t.as_ref().map_or(0, |t| text(&t.as_str())),
    }
}

fn document(source: &Source<'_>) -> u64 {
    match source {
        // A page is about 50 KB of PDF and 1,500 tokens.
        Source::Base64 { data, .. } => (data.len_hint() as u64 * 3 / 4 / 50_000 + 1) * 1_500,
        Source::Text(t) => text(&t.as_str()),
        Source::Parts(parts) => parts.iter().map(part).sum(),
        Source::Url { .. } | Source::File { .. } => 1_500,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_body_s_pictures_count_by_their_size() {
        let words = "word ".repeat(20_000);
        let text = super::body(format!(r#"{{"messages":["{words}"]}}"#).as_bytes());
        assert!((25_000..25_010).contains(&text), "{text}");
        for prefix in ["", "data:image/png;base64,"] {
            let picture = format!(
                r#"{{"a":"\"","b":"{prefix}{}"}}"#,
                "iVBORw0K".repeat(25_000)
            );
            let tokens = super::body(picture.as_bytes());
            assert!((6_000..6_100).contains(&tokens), "{tokens}");
        }
        assert_eq!(super::body(b"12345"), 2);
    }

    #[test]
    fn a_body_in_a_body_is_text_and_costs_one_look() {
        let inner = format!(r#"{{"data":"{}"}}"#, "iVBORw0K".repeat(25_000));
        let body = serde_json::json!({"text": inner, "more": "word ".repeat(2_000)}).to_string();
        assert_eq!(super::body(body.as_bytes()), body.len().div_ceil(4) as u64);
        let long = format!(r#"{{"a":"\"{}"#, "A".repeat(16 << 20));
        assert!(super::body(long.as_bytes()) > 0);
    }

    #[test]
    fn output_counts_at_least_its_pieces() {
        let mut spoken = super::Spoken::default();
        for piece in ["a", "b", "", "c"] {
            spoken.add(piece.len());
        }
        assert_eq!(spoken.tokens(), 3);
        spoken.add(400);
        assert_eq!(spoken.tokens(), 101);
    }

    #[test]
    fn cjk_counts_one_each() {
        assert_eq!(super::text("hello world!"), 3);
        assert_eq!(super::text("你好世界"), 4);
        assert_eq!(super::text(""), 0);
    }
}
