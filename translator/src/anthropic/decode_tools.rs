//! Reads tool definitions and the choice among them.

use std::borrow::Cow;

use super::decode_parts::cache_mark;
use super::wire::{Tool as WireTool, ToolChoice as WireChoice};
use crate::Text;
use crate::ir::{Policy, Residue, ServerTool, Tool, ToolChoice, ToolKind, into_string};
use crate::json::{Writer, elements};
use crate::wire::Str;

/// Reads the tools, and what of them only this dialect knows.
pub(super) fn tools<'a>(wire: Vec<WireTool<'a>>) -> (Vec<Tool<'a>>, Vec<Residue<'a>>) {
    let mut residue = Vec::new();
    let tools = wire
        .into_iter()
        .map(|tool| self::tool(tool, &mut residue))
        .collect();
    (tools, residue)
}

fn tool<'a>(wire: WireTool<'a>, residue: &mut Vec<Residue<'a>>) -> Tool<'a> {
    let tag = wire.kind.as_ref().map_or("custom", Str::as_str);
    let native = tag != "custom" || !wire.extra.is_empty();
    let raw = native.then(|| Cow::Owned(rebuild(&wire)));
    let cache = cache_mark(wire.cache_control.as_ref());
    let kind = match tag {
        "custom" => ToolKind::Function {
            schema: wire.input_schema.map(|schema| Cow::Borrowed(schema.get())),
        },
        tag => special(tag),
    };
    for (name, value) in &wire.extra {
        if name == "allowed_callers" && !elements(value.get()).any(|caller| caller == "\"direct\"")
        {
            let field = Cow::Borrowed("tools.allowed_callers");
            residue.push(Residue {
                field,
                raw: value.get(),
                policy: Policy::Report,
            });
        }
    }
    let description = description(&wire);
    // Some vendor tools leave their name to their type.
    let name = wire.name.map_or_else(
        || Cow::Owned(tag_stem(wire.kind.as_ref().map_or("", Str::as_str))),
        |name| name.0,
    );
    Tool {
        name,
        namespace: None,
        description,
        kind,
        strict: wire.strict,
        cache,
        raw,
    }
}

/// The kind behind a dated type tag.
fn special<'a>(tag: &str) -> ToolKind<'a> {
    match tag_stem(tag).as_str() {
        "web_search" => ToolKind::Server(ServerTool::WebSearch),
        "web_fetch" => ToolKind::Server(ServerTool::WebFetch),
        "code_execution" => ToolKind::Server(ServerTool::CodeExecution),
        "bash" | "text_editor" | "memory" | "computer" | "computer_toolset" | "browser_toolset" => {
            ToolKind::Vendor {
                tag: Cow::Owned(tag.to_owned()),
            }
        }
        _ => ToolKind::Server(ServerTool::Other),
    }
}

/// `web_search_20250305` without its date.
fn tag_stem(tag: &str) -> String {
    let stem = tag.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.trim_end_matches('_').to_owned()
}

/// The description; examples of inputs have no place of their own in other dialects.
fn description<'a>(wire: &WireTool<'a>) -> Option<Text<'a>> {
    let Some((_, examples)) = wire
        .extra
        .iter()
        .find(|(name, raw)| name == "input_examples" && raw.get() != "null")
    else {
        return wire.description.clone();
    };
    let own = wire
        .description
        .as_ref()
        .map(Text::as_str)
        .unwrap_or_default();
    Some(Text::from(
        format!("{own}\nExamples: {}", examples.get())
            .trim_start()
            .to_owned(),
    ))
}

/// The definition as JSON again, without its cache mark.
fn rebuild(wire: &WireTool<'_>) -> String {
    let mut out = Vec::with_capacity(256);
    Writer::new(&mut out).object(|w| {
        if let Some(kind) = &wire.kind {
            w.str("type", kind.as_str());
        }
        if let Some(name) = &wire.name {
            w.str("name", name.as_str());
        }
        if let Some(description) = &wire.description {
            w.text("description", description);
        }
        if let Some(schema) = wire.input_schema {
            w.raw("input_schema", schema.get());
        }
        if let Some(strict) = wire.strict {
            w.bool("strict", strict);
        }
        for (name, raw) in &wire.extra {
            w.raw(name, raw.get());
        }
    });
    into_string(out)
}

/// Reads the choice; an unknown one leaves it to the model.
pub(super) fn tool_choice<'a>(wire: WireChoice<'a>) -> Option<ToolChoice<'a>> {
    Some(match wire.kind.as_ref().map(Str::as_str)? {
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(wire.name?.0),
        _ => ToolChoice::Auto,
    })
}
