//! Writes tools and the choice among them.

use std::borrow::Cow;

use super::cache::Marks;
use super::names::Names;
use crate::capability::Capability;
use crate::fidelity::Report;
use crate::ir::{Kind, Request, ServerTool, Tool, ToolChoice, ToolKind};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::search_settings;
use crate::undo::{ToolAlias, Undo};
use crate::{Dialect, Text};

/// The service takes no more strict tools than these.
const MAX_STRICT: usize = 20;
const FREEFORM_SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// The tools that go out.
#[derive(Debug)]
pub(super) struct Tools<'r, 'a> {
    declared: Vec<&'r Tool<'a>>,
    /// Tools that the history calls but nobody declares any more; the service wants some.
    recalled: Vec<Cow<'r, str>>,
    /// The tool that must be strict because a call of it cannot be forced.
    pub(super) insisted: Option<&'r str>,
}

impl<'r, 'a> Tools<'r, 'a> {
    /// Decides which tools go out.
    pub(super) fn plan(
        request: &'r Request<'a>,
        names: &Names<'r>,
        undo: &mut Undo,
        report: &mut Report,
    ) -> Self {
        let native = request.dialect == Dialect::Anthropic;
        let mut declared = Vec::with_capacity(request.tools.len());
        for tool in &request.tools {
            match &tool.kind {
                ToolKind::Server(ServerTool::Other) | ToolKind::Vendor { .. } if !native => {
                    report.dropped(
                        Member::Tools.of(request.dialect),
                        "a tool of another vendor has no counterpart",
                    );
                    continue;
                }
                ToolKind::Server(kind) => {
                    undo.pauses = !native;
                    if *kind == ServerTool::WebSearch && !native {
                        let kept = [Member::ToolAllowedDomains, Member::ToolLocation];
                        search_settings::report_lost(tool, request.dialect, &kept, report);
                    }
                }
                ToolKind::Vendor { .. } => {}
                ToolKind::Function { .. } => alias(tool, names, undo),
                ToolKind::Freeform { .. } => {
                    report.emulated(
                        Member::Tools.of(request.dialect),
                        "free text tools were sent as functions with one string",
                    );
                    alias(tool, names, undo);
                }
            }
            declared.push(tool);
        }
        let recalled = if declared.is_empty() {
            recalled(request, names)
        } else {
            Vec::new()
        };
        if !recalled.is_empty() {
            report.emulated(
                Member::Tools.of(request.dialect),
                "tools that the conversation has called were declared again",
            );
        }
        Self {
            declared,
            recalled,
            insisted: None,
        }
    }

    /// True when there is nothing to call.
    pub(super) fn is_empty(&self) -> bool {
        self.declared.is_empty()
    }

    /// True when a tool of this name goes out.
    fn declares(&self, name: &str) -> bool {
        self.declared.iter().any(|tool| tool.name == name)
    }

    /// Writes `tools`.
    pub(super) fn write(
        &self,
        w: &mut Writer<'_>,
        request: &Request<'_>,
        capability: &Capability,
        names: &Names<'r>,
        marks: &mut Marks,
        report: &mut Report,
    ) {
        if self.declared.is_empty() && self.recalled.is_empty() {
            return;
        }
        let mut strict_left = if capability.json_schema {
            MAX_STRICT
        } else {
            0
        };
        w.array_in("tools", |w| {
            for tool in &self.declared {
                if request.dialect == Dialect::Anthropic
                    && let Some(raw) = &tool.raw
                {
                    native(w, raw, tool, marks);
                    continue;
                }
                let wire = names.wire(&tool.name, tool.namespace.as_deref());
                let strict = tool.strict == Some(true) || self.insisted == Some(&tool.name);
                w.object(|w| {
                    write_tool(
                        w,
                        tool,
                        &wire,
                        strict,
                        &mut strict_left,
                        request.dialect,
                        report,
                    );
                    marks.write(w, tool.cache);
                });
            }
            for wire in &self.recalled {
                w.object(|w| {
                    w.str("name", wire);
                    w.raw("input_schema", r#"{"type":"object"}"#);
                });
            }
        });
    }
}

/// Notes what the answer must restore.
fn alias(tool: &Tool<'_>, names: &Names<'_>, undo: &mut Undo) {
    let wire = names.wire(&tool.name, tool.namespace.as_deref());
    let freeform = matches!(tool.kind, ToolKind::Freeform { .. });
    if freeform || tool.namespace.is_some() || wire != tool.name {
        undo.tools.push(ToolAlias {
            wire: wire.into_owned(),
            name: tool.name.clone().into_owned(),
            namespace: tool.namespace.as_deref().map(str::to_owned),
            freeform,
        });
    }
}

/// The names that the history calls, each once, in order of appearance.
fn recalled<'r>(request: &'r Request<'_>, names: &Names<'r>) -> Vec<Cow<'r, str>> {
    let mut out: Vec<Cow<'r, str>> = Vec::new();
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        if let Kind::ToolCall(call) = &part.kind {
            let wire = names.wire(&call.name, call.namespace.as_deref());
            if !out.contains(&wire) {
                out.push(wire);
            }
        }
    }
    out
}

/// A definition in its own words; the mark is put in behind.
fn native(w: &mut Writer<'_>, raw: &str, tool: &Tool<'_>, marks: &mut Marks) {
    w.object(|w| {
        for (key, range) in json::members(raw) {
            w.raw(&key, &raw[range]);
        }
        marks.write(w, tool.cache);
    });
}

fn write_tool(
    w: &mut Writer<'_>,
    tool: &Tool<'_>,
    wire: &str,
    strict: bool,
    strict_left: &mut usize,
    dialect: Dialect,
    report: &mut Report,
) {
    match &tool.kind {
        ToolKind::Server(server) => server_tool(w, *server, tool),
        ToolKind::Vendor { tag } => {
            w.str("type", tag);
            w.str("name", wire);
        }
        ToolKind::Freeform { format } => {
            w.str("name", wire);
            let grammar = format
                .as_deref()
                .map(|format| format!("The input follows this format: {format}"));
            let own = tool
                .description
                .as_ref()
                .map(Text::as_str)
                .unwrap_or_default();
            let description = [own.as_ref(), grammar.as_deref().unwrap_or_default()].join("\n");
            if !description.trim().is_empty() {
                w.str("description", description.trim());
            }
            w.raw("input_schema", FREEFORM_SCHEMA);
            if take(strict_left) {
                w.bool("strict", true);
            }
        }
        ToolKind::Function { schema } => {
            w.str("name", wire);
            if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty()) {
                w.text("description", description);
            }
            let root = object_root(schema.as_deref(), dialect, report);
            if !strict {
                w.raw("input_schema", &root);
                return;
            }
            let cleaned = schema::clean(&root, Flavour::AnthropicStrict);
            if cleaned.fits && take(strict_left) {
                w.raw("input_schema", &cleaned.schema);
                w.bool("strict", true);
            } else {
                report.degraded(
                    Member::ToolStrict.of(dialect),
                    "arguments of some tools are not bound to their schema",
                );
                w.raw("input_schema", &root);
            }
        }
    }
}

fn take(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// A schema whose root is a plain object. Alternatives at the root are merged: all of their members, none required.
fn object_root<'s>(schema: Option<&'s str>, dialect: Dialect, report: &mut Report) -> Cow<'s, str> {
    let root = schema::object_root(schema);
    let combined = ["anyOf", "oneOf", "allOf"];
    if !combined
        .iter()
        .any(|word| memchr::memmem::find(root.as_bytes(), word.as_bytes()).is_some())
    {
        return root;
    }
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_str(&root) else {
        return root;
    };
    let groups: Vec<_> = combined
        .iter()
        .filter_map(|word| object.shift_remove(*word).map(|group| (*word, group)))
        .collect();
    if groups.is_empty() {
        return root;
    }
    let mut properties = object
        .get("properties")
        .and_then(|value| value.as_object().cloned())
        .unwrap_or_default();
    for (_, group) in &groups {
        for member in group
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|schema| schema.get("properties")?.as_object())
        {
            for (name, schema) in member {
                properties
                    .entry(name.clone())
                    .or_insert_with(|| schema.clone());
            }
        }
    }
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    report.degraded(
        Member::Tools.of(dialect),
        "alternatives at the root of a tool's schema were merged",
    );
    Cow::Owned(serde_json::Value::Object(object).to_string())
}

/// The service's own tool for a purpose, with the knobs that other dialects share.
fn server_tool(w: &mut Writer<'_>, server: ServerTool, tool: &Tool<'_>) {
    let (tag, name) = match server {
        ServerTool::WebSearch => ("web_search_20250305", "web_search"),
        ServerTool::WebFetch => ("web_fetch_20250910", "web_fetch"),
        ServerTool::CodeExecution | ServerTool::Other => {
            ("code_execution_20250825", "code_execution")
        }
    };
    w.str("type", tag);
    w.str("name", name);
    if server != ServerTool::WebSearch {
        return;
    }
    let raw = tool.raw.as_deref().unwrap_or("{}");
    let filters = json::member(raw, "filters").unwrap_or(raw);
    if let Some(domains) = json::member(filters, "allowed_domains")
        .filter(|list| json::elements(list).next().is_some())
    {
        w.raw("allowed_domains", domains);
    }
    if let Some(place) = search_settings::location(raw) {
        w.object_in("user_location", |w| {
            w.str("type", "approximate");
            for key in ["city", "region", "country", "timezone"] {
                if let Some(value) =
                    json::member(&place, key).filter(|value| value.starts_with('"'))
                {
                    w.raw(key, value);
                }
            }
        });
    }
}

/// The choice among the tools, in this dialect's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice<'r> {
    /// Not said.
    Unset,
    Auto,
    None,
    Any,
    Tool(&'r str),
}

impl<'r> Choice<'r> {
    /// What the client asked for.
    pub(super) fn plan(
        request: &'r Request<'_>,
        tools: &Tools<'_, '_>,
        report: &mut Report,
    ) -> Self {
        if tools.is_empty() {
            return if tools.recalled.is_empty() {
                Self::Unset
            } else {
                Self::None
            };
        }
        let field = Member::ToolChoice.of(request.dialect);
        match &request.tool_choice {
            None => Self::Unset,
            Some(ToolChoice::Auto) => Self::Auto,
            Some(ToolChoice::None) => Self::None,
            Some(ToolChoice::Required) => Self::Any,
            Some(ToolChoice::Named(name)) if tools.declares(name) => Self::Tool(name),
            Some(ToolChoice::Named(_)) => {
                report.dropped(field, "the chosen tool is not declared");
                Self::Auto
            }
            Some(ToolChoice::Allowed {
                names: allowed,
                required: true,
            }) => match allowed.as_slice() {
                [name] if tools.declares(name) => Self::Tool(name),
                _ => {
                    report.degraded(field, "any tool may be called, not only the allowed ones");
                    Self::Any
                }
            },
            Some(ToolChoice::Allowed {
                required: false, ..
            }) => {
                report.degraded(field, "any tool may be called, not only the allowed ones");
                Self::Auto
            }
        }
    }

    /// True when a call is demanded.
    pub(super) const fn is_forced(&self) -> bool {
        matches!(self, Self::Any | Self::Tool(_))
    }

    /// Writes `tool_choice`.
    pub(super) fn write(
        &self,
        w: &mut Writer<'_>,
        parallel: Option<bool>,
        has_tools: bool,
        names: &Names<'r>,
    ) {
        let one_at_a_time = parallel == Some(false) && has_tools;
        let word = match self {
            Self::Unset if one_at_a_time => "auto",
            Self::Unset => return,
            Self::Auto => "auto",
            Self::None => "none",
            Self::Any => "any",
            Self::Tool(_) => "tool",
        };
        w.object_in("tool_choice", |w| {
            w.str("type", word);
            if let Self::Tool(name) = self {
                w.str("name", &names.wire(name, None));
            }
            if one_at_a_time && *self != Self::None {
                w.bool("disable_parallel_tool_use", true);
            }
        });
    }
}
