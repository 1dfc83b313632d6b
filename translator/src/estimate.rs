//! Local token estimates, for upstreams that cannot count.

use crate::ir::{Args, Kind, Part, Request, Source, ToolKind};

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
    fn cjk_counts_one_each() {
        assert_eq!(super::text("hello world!"), 3);
        assert_eq!(super::text("你好世界"), 4);
        assert_eq!(super::text(""), 0);
    }
}
