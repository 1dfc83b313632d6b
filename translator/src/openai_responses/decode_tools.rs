//! Tools and the choice among them. Knows nothing of the conversation.

use std::borrow::Cow;

use serde_json::Value;

use super::vendor;
use super::wire_request::{ChoiceWire, ToolWire};
use crate::error::Refusal;
use crate::ir::{ServerTool, Tool, ToolChoice, ToolKind};
use crate::json;
use crate::wire::{Raw, parse_raw};

/// Reads a list of tools; groups are flattened, their name kept on each tool.
pub(super) fn tools<'a>(
    raw: Raw<'a>,
    field: &str,
    into: &mut Vec<Tool<'a>>,
) -> Result<(), Refusal> {
    let list: Vec<Raw<'a>> = parse_raw(raw).map_err(|error| {
        Refusal::new(field, format!("{field} must be a list of tools: {error}"))
    })?;
    for (index, raw) in list.into_iter().enumerate() {
        tool(raw, None, &format!("{field}[{index}]"), into)?;
    }
    Ok(())
}

fn tool<'a>(
    raw: Raw<'a>,
    namespace: Option<&Cow<'a, str>>,
    field: &str,
    into: &mut Vec<Tool<'a>>,
) -> Result<(), Refusal> {
    let wire: ToolWire<'a> =
        parse_raw(raw).map_err(|error| Refusal::new(field, format!("{field}: {error}")))?;
    let tag = wire.kind.clone().unwrap_or_default().0;
    if tag == "namespace" {
        let name = wire.name.unwrap_or_default().0;
        for (index, inner) in wire.tools.unwrap_or_default().into_iter().enumerate() {
            tool(inner, Some(&name), &format!("{field}.tools[{index}]"), into)?;
        }
        return Ok(());
    }
    // The nested form of Chat is met in the wild.
    let nested: Option<ToolWire<'a>> = match (&wire.name, wire.function) {
        (None, Some(function)) => parse_raw(function).ok(),
        _ => None,
    };
    let was_nested = nested.is_some();
    let wire = nested.unwrap_or(wire);
    let kind = match tag.as_ref() {
        "function" | "" => ToolKind::Function {
            schema: wire.parameters.map(|raw| without_marks(raw.get())),
        },
        "custom" => ToolKind::Freeform {
            format: wire.format.map(|raw| Cow::Borrowed(raw.get())),
        },
        // The client runs it, so to the model it is a function; the answer's call is restored by name.
        "tool_search"
            if wire
                .execution
                .as_ref()
                .is_some_and(|execution| execution.0 == "client") =>
        {
            ToolKind::Function {
                schema: Some(Cow::Borrowed(
                    wire.parameters.map_or(TOOL_SEARCH_SCHEMA, |raw| raw.get()),
                )),
            }
        }
        "apply_patch" | "local_shell" | "shell" | "computer" | "computer_use_preview" => {
            ToolKind::Vendor { tag: tag.clone() }
        }
        "code_interpreter" => ToolKind::Server(ServerTool::CodeExecution),
        _ if tag.starts_with("web_search") => ToolKind::Server(ServerTool::WebSearch),
        _ => ToolKind::Server(ServerTool::Other),
    };
    let named = matches!(tag.as_ref(), "function" | "custom" | "");
    let name = match (wire.name, wire.server_label) {
        (Some(name), _) if named => name.0,
        (None, _) if named => {
            return Err(Refusal::new(
                format!("{field}.name"),
                format!("{field}.name is missing"),
            ));
        }
        (_, Some(label)) => label.0,
        _ => tag,
    };
    into.push(Tool {
        name,
        namespace: namespace.cloned(),
        description: wire.description,
        kind,
        strict: wire.strict,
        cache: None,
        raw: (!was_nested).then(|| Cow::Borrowed(raw.get())),
    });
    Ok(())
}

/// A schema without Codex's mark on values that it encrypts, which no service knows.
fn without_marks(schema: &str) -> Cow<'_, str> {
    if memchr::memmem::find(schema.as_bytes(), b"\"encrypted\"").is_none() {
        return Cow::Borrowed(schema);
    }
    let Ok(mut root) = serde_json::from_str::<Value>(schema) else {
        return Cow::Borrowed(schema);
    };
    unmark(&mut root);
    Cow::Owned(root.to_string())
}

/// The depth is bounded by the parser. Properties of that name stay.
fn unmark(node: &mut Value) {
    let Value::Object(map) = node else { return };
    if map.get("encrypted").is_some_and(Value::is_boolean) {
        map.shift_remove("encrypted");
    }
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(children)) => {
                children.values_mut().for_each(unmark);
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter_mut().for_each(unmark);
            }
            ("items" | "additionalProperties", child) => unmark(child),
            _ => {}
        }
    }
}

const TOOL_SEARCH_SCHEMA: &str =
    r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#;

/// Reads `tool_choice`.
pub(super) fn choice<'a>(raw: Raw<'a>) -> Result<ToolChoice<'a>, Refusal> {
    let bad = |error: String| Refusal::new("tool_choice", format!("tool_choice: {error}"));
    if raw.get().starts_with('"') {
        return match raw.get() {
            r#""auto""# => Ok(ToolChoice::Auto),
            r#""none""# => Ok(ToolChoice::None),
            r#""required""# | r#""any""# => Ok(ToolChoice::Required),
            other => Err(bad(format!("{other} is none of auto, none, required"))),
        };
    }
    let wire: ChoiceWire<'a> = parse_raw(raw).map_err(|error| bad(error.to_string()))?;
    Ok(match wire.kind.as_ref().map(|kind| kind.0.as_ref()) {
        Some("allowed_tools") => ToolChoice::Allowed {
            required: wire.mode.as_ref().is_some_and(|mode| mode.0 == "required"),
            names: wire
                .tools
                .unwrap_or_default()
                .into_iter()
                .filter_map(choice_name)
                .collect(),
        },
        Some("auto") => ToolChoice::Auto,
        Some("none") => ToolChoice::None,
        Some("required") => ToolChoice::Required,
        _ => ToolChoice::Named(
            choice_name(wire).ok_or_else(|| bad("the tool's name is missing".to_owned()))?,
        ),
    })
}

/// The name that [`tools`] gives the chosen tool: its own, its server's, or its type.
fn choice_name<'a>(wire: ChoiceWire<'a>) -> Option<Cow<'a, str>> {
    let kind = wire.kind.unwrap_or_default().0;
    match kind.as_ref() {
        "function" | "custom" => wire.name.map(|name| name.0).or_else(|| {
            let name = json::member(wire.function?.get(), "name")?;
            Some(crate::Text::Json(name).into_cow())
        }),
        "mcp" => wire.server_label.map(|label| label.0),
        _ => Some(kind),
    }
}

/// The tool list as an answer repeats it: a function always has `strict` and `parameters`. `None` when the
/// list is complete as it stands.
pub(super) fn completed(raw: &str) -> Option<String> {
    let incomplete = |tool: &str| {
        is_function(tool)
            && (json::member(tool, "strict").is_none()
                || json::member(tool, "parameters").is_none())
    };
    if !json::elements(raw).any(incomplete) {
        return None;
    }
    let mut out = Vec::with_capacity(raw.len() + 64);
    json::Writer::new(&mut out).array(|w| {
        for tool in json::elements(raw) {
            if !incomplete(tool) {
                w.item_raw(&json::compact(tool));
                continue;
            }
            w.object(|w| {
                for (name, range) in json::members(tool) {
                    w.raw(&name, &json::compact(&tool[range]));
                }
                for (name, default) in [("parameters", "{}"), ("strict", "false")] {
                    if json::member(tool, name).is_none() {
                        w.raw(name, default);
                    }
                }
            });
        }
    });
    Some(crate::ir::into_string(out))
}

fn is_function(tool: &str) -> bool {
    json::member(tool, "type") == Some("\"function\"")
}

/// True when the tool is one whose calls have an item type of their own.
pub(super) fn is_vendor(tool: &Tool<'_>) -> bool {
    let tag = tool
        .raw
        .as_deref()
        .and_then(|raw| json::member(raw, "type"));
    vendor::by_tag(&tool.name)
        .is_some_and(|vendor| tag.is_some_and(|tag| tag.trim_matches('"') == vendor.tag))
}
