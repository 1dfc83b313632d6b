//! What a request says: its visible text, and whether it brings tools, images or a wish to think.
//!
//! Works on the bytes of all four dialects alike, since their members differ in name only. Quoted
//! look-alikes inside a text cannot fool it: there, quotes are escaped.

use std::borrow::Cow;

use memchr::memmem;

use super::outline::{members, skip_space, string_end};

/// Members that hold the conversation.
const CONVERSATION: [&[u8]; 8] = [
    b"messages",
    b"contents",
    b"input",
    b"system",
    b"instructions",
    b"systemInstruction",
    b"system_instruction",
    b"prompt",
];

/// Members whose string values people or models wrote; the others are ids, types and data.
const TEXT: [&[u8]; 8] = [
    b"text",
    b"content",
    b"system",
    b"instructions",
    b"input",
    b"output",
    b"prompt",
    b"refusal",
];

/// Shows that a part is an image, in one dialect or another.
const IMAGE_TYPES: [&[u8]; 3] = [b"\"image_url\"", b"\"image\"", b"\"input_image\""];
const IMAGE_MIME: &[u8] = b"\"image/";

/// The parts of a body that rules ask about.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    spans: Vec<(&'a [u8], &'a [u8])>,
    pub(super) tools: bool,
    pub(super) thinking: bool,
}

impl<'a> Conversation<'a> {
    /// Walks the top level once.
    pub(super) fn read(body: &'a [u8]) -> Self {
        let mut found = Self::default();
        for (key, value) in members(body) {
            match key {
                b"tools" | b"functions" => found.tools |= is_filled(value),
                b"thinking" | b"reasoning" => found.thinking |= asks_to_think(value),
                b"reasoning_effort" => found.thinking |= !is_off(value),
                b"generationConfig" | b"generation_config" => {
                    found.thinking |= members(value).any(|(key, value)| {
                        is_one_of(key, &[b"thinkingConfig", b"thinking_config"])
                            && asks_to_think(value)
                    });
                }
                b"output_config" => {
                    found.thinking |=
                        members(value).any(|(key, value)| key == b"effort" && !is_off(value));
                }
                _ if CONVERSATION.contains(&key) => found.spans.push((key, value)),
                _ => {}
            }
        }
        found
    }

    /// Whether any message carries an image.
    pub(super) fn has_images(&self) -> bool {
        self.spans.iter().any(|(_, span)| {
            let typed = IMAGE_TYPES
                .iter()
                .any(|needle| memmem::find_iter(span, needle).any(|at| is_type(span, at)));
            typed || memmem::find(span, IMAGE_MIME).is_some()
        })
    }

    /// Calls `visit` with each visible text, escapes resolved, until it says stop.
    pub(super) fn each_text(&self, visit: &mut dyn FnMut(&[u8])) {
        for &(key, span) in &self.spans {
            let (mut at, mut current) = (0, key);
            while let Some(offset) = span.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
                let open = at + offset;
                let Some(end) = string_end(span, open) else {
                    return;
                };
                let inner = &span[open + 1..end - 1];
                let next = skip_space(span, end);
                if span.get(next) == Some(&b':') {
                    current = inner;
                } else if TEXT.contains(&current) {
                    visit(&unescaped(inner, &span[open..end]));
                }
                at = end;
            }
        }
    }
}

fn is_one_of(key: &[u8], names: &[&[u8]]) -> bool {
    names.contains(&key)
}

/// An array or object with something in it.
fn is_filled(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'[' | b'{'))
        && !matches!(value.get(skip_space(value, 1)), None | Some(b']' | b'}'))
}

/// `null`, `"none"`, `"disabled"`, `0`, `false`.
fn is_off(value: &[u8]) -> bool {
    matches!(
        value,
        b"null" | b"\"none\"" | b"\"disabled\"" | b"0" | b"false"
    )
}

/// An object that does not switch thinking off.
fn asks_to_think(value: &[u8]) -> bool {
    const SWITCHES: [&[u8]; 4] = [b"type", b"effort", b"thinkingBudget", b"thinking_budget"];
    is_filled(value) && !members(value).any(|(key, value)| SWITCHES.contains(&key) && is_off(value))
}

/// Whether the string at `at` is the value of `type`, or a key.
fn is_type(span: &[u8], at: usize) -> bool {
    let Some(end) = string_end(span, at) else {
        return false;
    };
    if span.get(skip_space(span, end)) == Some(&b':') {
        // `"image_url": {...}` is a part; `"image"` as a key is some tool's argument.
        return &span[at..end] == IMAGE_TYPES[0];
    }
    let before = span[..at].trim_ascii_end();
    let before = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end);
    before.is_some_and(|before| before.ends_with(b"\"type\""))
}

fn unescaped<'a>(inner: &'a [u8], quoted: &[u8]) -> Cow<'a, [u8]> {
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    serde_json::from_slice::<String>(quoted)
        .map_or(Cow::Borrowed(inner), |text| Cow::Owned(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Vec<String> {
        let mut all = Vec::new();
        Conversation::read(body.as_bytes())
            .each_text(&mut |text| all.push(String::from_utf8_lossy(text).into_owned()));
        all
    }

    #[test]
    fn visible_text_of_every_dialect() {
        let cases = [
            (
                r#"{"model":"secret","messages":[{"role":"user","content":"a\nb"},{"role":"user","content":[{"type":"text","text":"\u00e9"}]}]}"#,
                vec!["a\nb", "é"],
            ),
            (
                r#"{"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r"}]}]}"#,
                vec!["s", "r"],
            ),
            (
                r#"{"instructions":"i","input":"hello","metadata":{"text":"no"}}"#,
                vec!["i", "hello"],
            ),
            (
                r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}]}"#,
                vec!["x"],
            ),
            (
                r#"{"systemInstruction":{"parts":[{"text":"sys"}]},"contents":[{"parts":[{"text":"u"},{"inlineData":{"mimeType":"a/b","data":"AAAA"}}]}]}"#,
                vec!["sys", "u"],
            ),
        ];
        for (body, want) in cases {
            assert_eq!(texts(body), want, "{body}");
        }
    }

    #[test]
    fn flags_of_every_dialect() {
        // body, tools, images, thinking
        let cases = [
            (
                r#"{"tools":[{"type":"function"}],"messages":[]}"#,
                true,
                false,
                false,
            ),
            (
                r#"{"tools":[ ],"messages":[{"role":"user","content":"say \"tools\":[1] and \"type\":\"image\""}]}"#,
                false,
                false,
                false,
            ),
            (
                r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"u"}}]}]}"#,
                false,
                true,
                false,
            ),
            (
                r#"{"messages":[{"content":[{"type": "image","source":{}}]}],"thinking":{"type":"enabled","budget_tokens":1}}"#,
                false,
                true,
                true,
            ),
            (
                r#"{"messages":[],"thinking":{"type":"disabled"}}"#,
                false,
                false,
                false,
            ),
            (
                r#"{"messages":[],"thinking":{"type":"adaptive"}}"#,
                false,
                false,
                true,
            ),
            (
                r#"{"messages":[{"content":"image"}],"reasoning_effort":"none"}"#,
                false,
                false,
                false,
            ),
            (
                r#"{"messages":[],"reasoning_effort":"high"}"#,
                false,
                false,
                true,
            ),
            (
                r#"{"input":[{"content":[{"type":"input_image","image_url":"u"}]}],"reasoning":{"effort":"low"}}"#,
                false,
                true,
                true,
            ),
            (
                r#"{"input":"x","reasoning":{"effort":"none"}}"#,
                false,
                false,
                false,
            ),
            (
                r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":""}}]}],"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}"#,
                false,
                true,
                false,
            ),
            (
                r#"{"contents":[],"generationConfig":{"thinkingConfig":{"thinkingLevel":"high"}}}"#,
                false,
                false,
                true,
            ),
            (
                r#"{"messages":[{"content":[{"type":"tool_use","input":{"image":"x","tools":[1]}}]}]}"#,
                false,
                false,
                false,
            ),
        ];
        for (body, tools, images, thinking) in cases {
            let found = Conversation::read(body.as_bytes());
            assert_eq!(
                (found.tools, found.has_images(), found.thinking),
                (tools, images, thinking),
                "{body}"
            );
        }
    }
}
