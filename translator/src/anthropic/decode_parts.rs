//! Reads content blocks into parts.

use std::borrow::Cow;

use serde_json::Value;

use super::wire::{Block, CacheControl, Nested, Source as WireSource};
use crate::envelope;
use crate::foreign::NO_SIGNATURE;
use crate::ir::{
    Args, CacheMark, Kind, Opaque, OpaqueKind, Part, Source, ToolCall, ToolResult, into_string,
};
use crate::json::{self, Writer};
use crate::wire::{OneOrMany, Raw, Str, parse_raw};
use crate::{Dialect, Text};

/// Reads the blocks of one message.
pub(super) fn parts<'a>(blocks: Vec<Block<'a>>) -> Vec<Part<'a>> {
    blocks.into_iter().filter_map(part).collect()
}

/// Reads a prompt-cache mark.
pub(super) fn cache_mark(control: Option<&CacheControl<'_>>) -> Option<CacheMark> {
    control.map(|control| CacheMark {
        ttl: match control.ttl.as_ref().map(Str::as_str) {
            Some("5m") => Some(300),
            Some("1h") => Some(3600),
            _ => None,
        },
    })
}

fn part<'a>(mut block: Block<'a>) -> Option<Part<'a>> {
    let cache = cache_mark(block.cache_control.as_ref());
    let mut opaque = Vec::new();
    let kind = match block.tag() {
        "text" => Kind::Text {
            text: block.text.take()?,
            citations: block.citations.and_then(citations),
        },
        "thinking" => {
            opaque = thinking_state(&block);
            Kind::Reasoning {
                text: block.thinking.take().unwrap_or_default(),
            }
        }
        "redacted_thinking" => {
            opaque = redacted_state(&block);
            Kind::Reasoning {
                text: Text::default(),
            }
        }
        "tool_use" => Kind::ToolCall(ToolCall {
            id: block.id.take().unwrap_or_default().0,
            name: block.name.take().unwrap_or_default().0,
            namespace: None,
            args: Args::Object(Cow::Borrowed(block.input.map_or("{}", Raw::get))),
        }),
        "tool_result" => Kind::ToolResult(ToolResult {
            id: block.tool_use_id.take().unwrap_or_default().0,
            name: None,
            content: block.content.take().map(content).unwrap_or_default(),
            is_error: block.is_error.unwrap_or(false),
            freeform: false,
        }),
        "image" => match source(&block) {
            Some(source) => Kind::Image {
                source,
                detail: None,
            },
            None => other(&block),
        },
        "document" => match source(&block) {
            Some(source) => Kind::Document {
                source,
                title: block.title.take(),
                context: block.context.take(),
                citations: block
                    .citations
                    .is_some_and(|raw| json::member(raw.get(), "enabled") == Some("true")),
            },
            None => other(&block),
        },
        // A marker of the service's own fallback: it says nothing to anybody else.
        "fallback" => return None,
        tag if is_server_step(tag) => {
            let summary = Text::from(server_summary(&block));
            Kind::ServerTool {
                summary,
                raw: Cow::Owned(block.rebuild()),
            }
        }
        _ => other(&block),
    };
    Some(Part {
        kind,
        cache,
        opaque,
    })
}

fn citations(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    (raw.get().starts_with('[') && json::elements(raw.get()).next().is_some())
        .then(|| Cow::Borrowed(raw.get()))
}

/// True for a step that the vendor ran itself, or its result.
pub(super) fn is_server_step(tag: &str) -> bool {
    matches!(tag, "server_tool_use" | "mcp_tool_use")
        || (tag.ends_with("_tool_result") && tag != "tool_result")
}

/// State behind a thinking block: what the hub sealed, or the vendor's own block.
fn thinking_state<'a>(block: &Block<'a>) -> Vec<Opaque<'a>> {
    let Some(signature) = block
        .signature
        .as_ref()
        .filter(|signature| !signature.is_empty() && signature.as_str() != NO_SIGNATURE)
    else {
        return Vec::new();
    };
    let plain = signature.as_str();
    if envelope::is_envelope(&plain) {
        return envelope::open(&plain).unwrap_or_default();
    }
    let mut out = Vec::with_capacity(signature.len_hint() + 64);
    Writer::new(&mut out).object(|w| {
        w.str("type", "thinking");
        w.text(
            "thinking",
            block.thinking.as_ref().unwrap_or(&Text::default()),
        );
        w.text("signature", signature);
    });
    native(out)
}

fn redacted_state<'a>(block: &Block<'a>) -> Vec<Opaque<'a>> {
    let Some(data) = block.data.as_ref().filter(|data| !data.is_empty()) else {
        return Vec::new();
    };
    let plain = data.as_str();
    if envelope::is_envelope(&plain) {
        return envelope::open(&plain).unwrap_or_default();
    }
    let mut out = Vec::with_capacity(data.len_hint() + 64);
    Writer::new(&mut out).object(|w| {
        w.str("type", "redacted_thinking");
        w.text("data", data);
    });
    native(out)
}

fn native<'a>(state: Vec<u8>) -> Vec<Opaque<'a>> {
    vec![Opaque {
        origin: Dialect::Anthropic,
        provider: None,
        model: None,
        kind: OpaqueKind::Thinking,
        state: Cow::Owned(into_string(state)),
    }]
}

/// Reads a `content` that is a string or a list of blocks.
fn content(content: Nested<'_>) -> Vec<Part<'_>> {
    match content.blocks {
        Some(OneOrMany::One(text)) => vec![Part::text(text)],
        Some(OneOrMany::Many(blocks)) => parts(blocks),
        None => Vec::new(),
    }
}

fn source<'a>(block: &Block<'a>) -> Option<Source<'a>> {
    let wire: WireSource<'a> = parse_raw(block.source?).ok()?;
    let mime = wire.media_type.map(|mime| mime.0);
    Some(match wire.kind.as_ref().map(Str::as_str)? {
        "base64" => Source::Base64 {
            mime: mime?,
            data: wire.data?,
        },
        "url" => Source::Url {
            url: wire.url?,
            mime,
        },
        "file" => Source::File {
            id: wire.file_id?,
            mime,
        },
        "text" => Source::Text(wire.data?),
        "content" => Source::Parts(content(wire.content?)),
        _ => return None,
    })
}

/// A block without a kind of its own; its text is kept where there is any.
fn other<'a>(block: &Block<'a>) -> Kind<'a> {
    let text = match block.tag() {
        "tool_reference" => block
            .tool_name
            .as_ref()
            .map(|name| Text::from(format!("[tool available: {}]", name.as_str()))),
        "search_result" => Some(Text::from(search_result(block))),
        "browser_state" => Some(Text::from(browser_state(block))),
        "compaction" => {
            content_text(block).map(|text| Text::from(format!("[conversation summary] {text}")))
        }
        _ => block.text.clone(),
    };
    Kind::Other {
        tag: Cow::Owned(block.tag().to_owned()),
        text,
        raw: Cow::Owned(block.rebuild()),
    }
}

fn content_text(block: &Block<'_>) -> Option<String> {
    let pieces: Vec<String> = content(block.content.clone()?)
        .into_iter()
        .filter_map(|part| match part.kind {
            Kind::Text { text, .. } => Some(text.into_cow().into_owned()),
            _ => None,
        })
        .collect();
    (!pieces.is_empty()).then(|| pieces.join("\n"))
}

/// What the block says, as it says it: there are no words in it, and every member is of use to the model.
fn browser_state(block: &Block<'_>) -> String {
    let raw = block.rebuild();
    let mut state = Vec::new();
    Writer::new(&mut state).object(|w| {
        for (key, range) in json::members(&raw) {
            if !matches!(key.as_ref(), "type" | "cache_control") {
                w.raw(&key, &raw[range]);
            }
        }
    });
    format!("[browser state: {}]", into_string(state))
}

fn search_result(block: &Block<'_>) -> String {
    let title = block.title.as_ref().map(Text::as_str).unwrap_or_default();
    let source = block
        .source
        .map_or(Cow::Borrowed(""), |raw| Text::Json(raw.get()).into_cow());
    let body = content_text(block).unwrap_or_default();
    format!("{title}\n{source}\n{body}").trim().to_owned()
}

/// What a vendor's own step did, in words.
pub(super) fn server_summary(block: &Block<'_>) -> String {
    let parsed =
        |raw: Option<Raw<'_>>| raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let field = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    match block.tag() {
        "server_tool_use" | "mcp_tool_use" => {
            let input = parsed(block.input).unwrap_or_default();
            let name = block.name.as_ref().map_or("tool", Str::as_str);
            let what = ["query", "url", "code", "command"]
                .iter()
                .map(|key| field(&input, key))
                .find(|what| !what.is_empty());
            what.map_or_else(|| format!("[{name}]"), |what| format!("[{name}: {what}]"))
        }
        tag => {
            let value =
                parsed(block.content.as_ref().map(|content| content.raw)).unwrap_or_default();
            let body = match &value {
                Value::Array(items) => items
                    .iter()
                    .map(|item| {
                        format!(
                            "{} {}{}",
                            field(item, "title"),
                            field(item, "url"),
                            field(item, "text")
                        )
                    })
                    .collect::<Vec<_>>()
                    .join("; "),
                one => ["stdout", "stderr", "url", "error_code"]
                    .iter()
                    .map(|key| field(one, key))
                    .collect::<Vec<_>>()
                    .join(" "),
            };
            let body = body.trim();
            let name = tag.trim_end_matches("_tool_result").replace('_', " ");
            if body.is_empty() {
                format!("[{name} result]")
            } else {
                format!("[{name} result: {body}]")
            }
        }
    }
}
