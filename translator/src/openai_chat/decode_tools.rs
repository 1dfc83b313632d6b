//! Tools and the choice among them, read; the deprecated `functions` and `function_call` too.

use std::borrow::Cow;

use super::decode_parts::mark;
use super::wire_request::{WireChoice, WireFunction, WireRequest, WireTool};
use crate::ir::{Request, ServerTool, Tool, ToolChoice, ToolKind};
use crate::json::Writer;
use crate::wire::{Raw, Str, parse_raw, parse_text};

/// The name of the tool that `web_search_options` stands for.
pub(super) const WEB_SEARCH: &str = "web_search";

/// Reads all that concerns tools.
pub(super) fn tools<'a>(wire: &mut WireRequest<'a>, request: &mut Request<'a>) {
    let tools = wire.tools.take().unwrap_or_default();
    request.tools.reserve(tools.len());
    request.tools.extend(tools.into_iter().filter_map(tool));
    request.tools.extend(
        wire.functions
            .take()
            .unwrap_or_default()
            .into_iter()
            .filter_map(function),
    );
    if let Some(options) = wire.web_search_options {
        request.tools.push(Tool {
            name: Cow::Borrowed(WEB_SEARCH),
            namespace: None,
            description: None,
            kind: ToolKind::Server(ServerTool::WebSearch),
            strict: None,
            cache: None,
            raw: Some(Cow::Borrowed(options.get())),
        });
    }
    request.tool_choice = wire.tool_choice.or(wire.function_call).and_then(choice);
    request.parallel = wire.parallel;
}

fn tool<'a>(mut wire: WireTool<'a>) -> Option<Tool<'a>> {
    let cache = wire.cache_control.as_ref().map(mark);
    if let Some(definition) = wire.function.take() {
        let raw = unknown(&wire, &definition);
        return function(definition).map(|tool| Tool { cache, raw, ..tool });
    }
    if let Some(definition) = wire.custom.take() {
        let kind = ToolKind::Freeform {
            format: definition.format.map(|raw| Cow::Borrowed(raw.get())),
        };
        return Some(Tool {
            kind,
            cache,
            ..named(definition.name?.0, definition.description)
        });
    }
    let tag = wire.kind.take().map(|kind| kind.0).unwrap_or_default();
    if tag == "function" || tag.is_empty() {
        // The flat form of the Responses dialect, sent here by mistake.
        let json = object(None, &wire);
        let flat: WireFunction<'_> = parse_text(&json).ok()?;
        let schema = flat.parameters.map(|raw| Cow::Owned(raw.get().to_owned()));
        let description = flat.description.map(crate::Text::into_owned);
        let tool = named(Cow::Owned(flat.name?.0.into_owned()), description);
        return Some(Tool {
            kind: ToolKind::Function { schema },
            strict: flat.strict,
            cache,
            ..tool
        });
    }
    let kind = match tag.as_ref() {
        "web_search" | "web_search_preview" | "google_search" => ServerTool::WebSearch,
        "web_fetch" | "url_context" => ServerTool::WebFetch,
        "code_interpreter" | "code_execution" => ServerTool::CodeExecution,
        _ => ServerTool::Other,
    };
    let raw = Some(Cow::Owned(object(Some(&tag), &wire)));
    Some(Tool {
        kind: ToolKind::Server(kind),
        cache,
        raw,
        ..named(tag, None)
    })
}

/// The members of a function that this crate does not know, at their places; `None` when there are none.
fn unknown<'a>(wire: &WireTool<'a>, definition: &WireFunction<'a>) -> Option<Cow<'a, str>> {
    if wire.extra.is_empty() && definition.extra.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| {
        w.object_in("function", |w| {
            definition
                .extra
                .iter()
                .for_each(|(name, raw)| w.raw(name, raw.get()));
        });
        wire.extra
            .iter()
            .for_each(|(name, raw)| w.raw(name, raw.get()));
    });
    Some(Cow::Owned(crate::ir::into_string(out)))
}

fn object(tag: Option<&str>, wire: &WireTool<'_>) -> String {
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| {
        if let Some(tag) = tag {
            w.str("type", tag);
        }
        for (name, raw) in &wire.extra {
            w.raw(name, raw.get());
        }
    });
    crate::ir::into_string(out)
}

fn function<'a>(wire: WireFunction<'a>) -> Option<Tool<'a>> {
    let schema = wire.parameters.map(|raw| Cow::Borrowed(raw.get()));
    let tool = named(wire.name?.0, wire.description);
    Some(Tool {
        kind: ToolKind::Function { schema },
        strict: wire.strict,
        ..tool
    })
}

fn named<'a>(name: Cow<'a, str>, description: Option<crate::Text<'a>>) -> Tool<'a> {
    Tool {
        name,
        namespace: None,
        description,
        kind: ToolKind::Function { schema: None },
        strict: None,
        cache: None,
        raw: None,
    }
}

fn choice(raw: Raw<'_>) -> Option<ToolChoice<'_>> {
    if raw.get().starts_with('"') {
        return Some(match raw.get().trim_matches('"') {
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Required,
            _ => ToolChoice::Auto,
        });
    }
    let wire: WireChoice<'_> = parse_raw(raw).ok()?;
    if let Some(allowed) = wire.allowed_tools {
        let required = allowed.mode.as_ref().map(Str::as_str) == Some("required");
        let names = allowed
            .tools
            .unwrap_or_default()
            .into_iter()
            .filter_map(name_of)
            .collect();
        return Some(ToolChoice::Allowed { names, required });
    }
    match wire.kind.as_ref().map(Str::as_str) {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some("required" | "any") => Some(ToolChoice::Required),
        _ => name_of(wire).map(ToolChoice::Named),
    }
}

fn name_of(wire: WireChoice<'_>) -> Option<Cow<'_, str>> {
    let inner = wire.function.or(wire.custom).and_then(|inner| inner.name);
    inner.or(wire.name).map(|name| name.0)
}
