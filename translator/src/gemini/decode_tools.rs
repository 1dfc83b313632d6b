//! Tools and the choice among them.

use std::borrow::Cow;

use super::decode_request;
use super::wire_request::{Declaration, Tool, ToolConfig};
use crate::ir::{self, Policy, Request, Residue, ServerTool, ToolChoice, ToolKind, into_string};
use crate::json::Writer;
use crate::schema;
use crate::wire::{OneOrMany, Raw};

pub(super) fn tools<'a>(groups: Option<OneOrMany<'a, Tool<'a>>>, request: &mut Request<'a>) {
    let Some(OneOrMany::Many(groups)) = groups else {
        return;
    };
    for group in groups {
        if let Some(OneOrMany::Many(functions)) = group.functions {
            request.tools.extend(functions.into_iter().map(function));
        }
        for (member, raw, kind) in [
            ("googleSearch", group.search, ServerTool::WebSearch),
            (
                "googleSearchRetrieval",
                group.retrieval,
                ServerTool::WebSearch,
            ),
            ("urlContext", group.fetch, ServerTool::WebFetch),
            ("codeExecution", group.code, ServerTool::CodeExecution),
        ] {
            if let Some(raw) = raw {
                request.tools.push(server(member.into(), raw, kind));
            }
        }
        for (member, raw) in group.extra {
            request.tools.push(server(member, raw, ServerTool::Other));
        }
    }
}

fn server<'a>(member: Cow<'a, str>, raw: Raw<'a>, kind: ServerTool) -> ir::Tool<'a> {
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| w.raw(&member, raw.get()));
    ir::Tool {
        name: member,
        namespace: None,
        description: None,
        kind: ToolKind::Server(kind),
        strict: None,
        cache: None,
        raw: Some(into_string(out).into()),
    }
}

fn function<'a>(wire: Declaration<'a>) -> ir::Tool<'a> {
    let raw = native(&wire);
    let schema = wire
        .json_schema
        .or(wire.parameters)
        .map(|raw| schema::from_gemini(raw.get()));
    ir::Tool {
        name: wire.name.unwrap_or_default().0,
        namespace: None,
        description: wire.description,
        kind: ToolKind::Function { schema },
        strict: None,
        cache: None,
        raw,
    }
}

/// The whole declaration, when it says more than every dialect can.
fn native<'a>(wire: &Declaration<'a>) -> Option<Cow<'a, str>> {
    if wire.response.is_none()
        && wire.response_json.is_none()
        && wire.behavior.is_none()
        && wire.extra.is_empty()
    {
        return None;
    }
    let mut out = Vec::new();
    Writer::new(&mut out).object(|w| {
        w.str("name", wire.name.as_ref().map_or("", |name| name.as_str()));
        if let Some(description) = &wire.description {
            w.text("description", description);
        }
        for (key, raw) in [
            ("parametersJsonSchema", wire.json_schema),
            (
                "parameters",
                wire.parameters.filter(|_| wire.json_schema.is_none()),
            ),
            ("responseJsonSchema", wire.response_json),
            (
                "response",
                wire.response.filter(|_| wire.response_json.is_none()),
            ),
            ("behavior", wire.behavior),
        ] {
            if let Some(raw) = raw {
                w.raw(key, raw.get());
            }
        }
        for (key, raw) in &wire.extra {
            w.raw(key, raw.get());
        }
    });
    Some(into_string(out).into())
}

pub(super) fn config<'a>(wire: ToolConfig<'a>, request: &mut Request<'a>) {
    if let Some(calling) = wire.calling {
        let mut names: Vec<Cow<'a, str>> = calling
            .names
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.0)
            .collect();
        let mode = calling
            .mode
            .map(|mode| mode.as_str().to_ascii_uppercase())
            .unwrap_or_default();
        if mode == "VALIDATED" {
            for tool in &mut request.tools {
                if matches!(tool.kind, ToolKind::Function { .. }) {
                    tool.strict = Some(true);
                }
            }
        }
        request.tool_choice = match (mode.as_str(), names.len()) {
            ("NONE", _) => Some(ToolChoice::None),
            ("ANY", 0) => Some(ToolChoice::Required),
            ("ANY", 1) => names.pop().map(ToolChoice::Named),
            ("ANY", _) => Some(ToolChoice::Allowed {
                names,
                required: true,
            }),
            ("AUTO" | "VALIDATED", 0) => Some(ToolChoice::Auto),
            (_, 0) => None,
            _ => Some(ToolChoice::Allowed {
                names,
                required: false,
            }),
        };
    }
    if let Some(raw) = wire.retrieval {
        request.residue.push(Residue {
            field: "toolConfig.retrievalConfig".into(),
            raw: raw.get(),
            policy: Policy::Report,
        });
    }
    if let Some(raw) = wire.server_side {
        request.residue.push(Residue {
            field: "toolConfig.includeServerSideToolInvocations".into(),
            raw: raw.get(),
            policy: Policy::Silent,
        });
    }
    decode_request::unknown("toolConfig", wire.extra, request);
}
