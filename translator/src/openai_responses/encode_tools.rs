//! Tools and the choice among them. Names that the service would refuse are replaced, and the answer is told.

use std::borrow::Cow;

use super::encode_request::Encoding;
use crate::Dialect;
use crate::ident::{self, Charset};
use crate::ir::{ServerTool, Tool, ToolChoice, ToolKind};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::search_settings;
use crate::undo::ToolAlias;

/// Writes `tools`, `tool_choice` and `parallel_tool_calls`; nothing when there are no tools.
pub(super) fn write(encoding: &mut Encoding<'_>, w: &mut Writer<'_>) {
    let mut tools = Vec::new();
    Writer::new(&mut tools).array(|w| {
        for (index, tool) in encoding.request.tools.iter().enumerate() {
            self::tool(encoding, index, tool, w);
        }
    });
    if tools == b"[]" {
        return;
    }
    w.key("tools");
    w.buffer().extend_from_slice(&tools);
    if let Some(choice) = &encoding.request.tool_choice {
        self::choice(encoding, choice, w);
    }
    if let Some(parallel) = encoding.request.parallel {
        w.bool("parallel_tool_calls", parallel);
    }
}

/// The name on the wire.
pub(super) fn wire_name<'n>(encoding: &Encoding<'_>, name: &'n str) -> Cow<'n, str> {
    ident::tool_name(
        name,
        Charset::Word,
        encoding.target.capability.tool_name_max,
    )
}

fn tool(encoding: &mut Encoding<'_>, index: usize, tool: &Tool<'_>, w: &mut Writer<'_>) {
    let request = encoding.request;
    let earlier = &request.tools[..index];
    let Some(namespace) = &tool.namespace else {
        let again = |other: &Tool<'_>| other.namespace.is_none() && other.name == tool.name;
        if !earlier.iter().any(again) {
            single(encoding, tool, w);
        }
        return;
    };
    // The group stands where its first tool stands.
    if earlier
        .iter()
        .any(|other| other.namespace.as_ref() == Some(namespace))
    {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    w.object(|w| {
        w.str("type", "namespace");
        w.str("name", namespace);
        w.str("description", namespace);
        w.array_in("tools", |w| {
            for member in request
                .tools
                .iter()
                .filter(|member| member.namespace.as_ref() == Some(namespace))
            {
                if !seen.contains(&member.name.as_ref()) {
                    seen.push(&member.name);
                    single(encoding, member, w);
                }
            }
        });
    });
}

fn single(encoding: &mut Encoding<'_>, tool: &Tool<'_>, w: &mut Writer<'_>) {
    if let Some(raw) = tool.raw.as_deref().filter(|_| encoding.is_native()) {
        native(raw, w);
        return;
    }
    match &tool.kind {
        ToolKind::Function { schema } => function(encoding, tool, schema.as_deref(), w),
        ToolKind::Freeform { format } => {
            let name = rename(encoding, tool);
            w.object(|w| {
                w.str("type", "custom");
                w.str("name", &name);
                if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty())
                {
                    w.text("description", description);
                }
                if let Some(format) = format {
                    w.raw("format", &flat_format(format));
                }
            });
        }
        ToolKind::Server(kind) => server(encoding, tool, *kind, w),
        ToolKind::Vendor { tag } => vendor(encoding, tool, tag, w),
    }
}

/// A tool of this dialect goes back as it came. `strict` and `parameters` are demanded, and null means the
/// same as their absence.
fn native(raw: &str, w: &mut Writer<'_>) {
    let is_function = json::member(raw, "type") == Some("\"function\"");
    let missing = |name: &&str| is_function && json::member(raw, name).is_none();
    let missing: Vec<&str> = ["parameters", "strict"]
        .into_iter()
        .filter(missing)
        .collect();
    if missing.is_empty() {
        w.item_raw(&json::compact(raw));
        return;
    }
    w.object(|w| {
        for (name, range) in json::members(raw) {
            w.raw(&name, &json::compact(&raw[range]));
        }
        missing.iter().for_each(|name| w.null(name));
    });
}

fn function(
    encoding: &mut Encoding<'_>,
    tool: &Tool<'_>,
    schema: Option<&str>,
    w: &mut Writer<'_>,
) {
    let name = rename(encoding, tool);
    let rooted = with_properties(schema::object_root(schema));
    let mut strict = tool.strict == Some(true);
    let mut parameters = Cow::Borrowed(rooted.as_ref());
    if strict {
        let cleaned = schema::clean(&rooted, Flavour::OpenAiStrict);
        strict = cleaned.fits;
        if cleaned.fits {
            parameters = Cow::Owned(cleaned.schema);
        } else {
            encoding.report.degraded(
                Member::ToolStrict.of(encoding.request.dialect),
                "a schema is outside the strict subset, so arguments are not bound to it",
            );
        }
    }
    w.object(|w| {
        w.str("type", "function");
        w.str("name", &name);
        if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty()) {
            w.text("description", description);
        }
        w.raw("parameters", &json::compact(&parameters));
        // Left out, the service would switch strictness on by itself.
        w.bool("strict", strict);
    });
}

/// The service refuses an object at the root that has no `properties`.
fn with_properties(schema: Cow<'_, str>) -> Cow<'_, str> {
    if json::member(&schema, "properties").is_some() {
        return schema;
    }
    let mut out = Vec::with_capacity(schema.len() + 20);
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(&schema) {
            w.raw(&name, &schema[range]);
        }
        w.raw("properties", "{}");
    });
    Cow::Owned(crate::ir::into_string(out))
}

/// The name on the wire, with a note for the answer when it is another one.
fn rename(encoding: &mut Encoding<'_>, tool: &Tool<'_>) -> String {
    let wire = wire_name(encoding, &tool.name).into_owned();
    if wire != tool.name {
        encoding.undo.tools.push(ToolAlias {
            wire: wire.clone(),
            name: tool.name.clone().into_owned(),
            namespace: tool.namespace.clone().map(Cow::into_owned),
            freeform: false,
        });
    }
    wire
}

/// Chat nests the grammar, this dialect does not.
fn flat_format(format: &str) -> Cow<'_, str> {
    let Some(grammar) = json::member(format, "grammar") else {
        return json::compact(format);
    };
    let mut out = Vec::with_capacity(format.len());
    Writer::new(&mut out).object(|w| {
        w.str("type", "grammar");
        for (name, range) in json::members(grammar) {
            w.raw(&name, &json::compact(&grammar[range]));
        }
    });
    Cow::Owned(crate::ir::into_string(out))
}

fn server(encoding: &mut Encoding<'_>, tool: &Tool<'_>, kind: ServerTool, w: &mut Writer<'_>) {
    let raw = tool.raw.as_deref().unwrap_or("{}");
    let client = Member::Tools.of(encoding.request.dialect);
    match kind {
        ServerTool::WebSearch => w.object(|w| {
            w.str("type", "web_search");
            let domains = json::member(raw, "allowed_domains").filter(|raw| raw.starts_with('['));
            if let Some(domains) = domains {
                w.object_in("filters", |w| {
                    w.raw("allowed_domains", &json::compact(domains));
                });
            }
            if let Some(location) = search_settings::location(raw) {
                w.raw("user_location", &json::compact(&location));
            }
            let kept = [Member::ToolAllowedDomains, Member::ToolLocation];
            search_settings::report_lost(
                tool,
                encoding.request.dialect,
                &kept,
                &mut encoding.report,
            );
        }),
        ServerTool::CodeExecution => w.object(|w| {
            w.str("type", "code_interpreter");
            w.object_in("container", |w| w.str("type", "auto"));
        }),
        ServerTool::WebFetch => {
            let searches =
                |tool: &Tool<'_>| matches!(tool.kind, ToolKind::Server(ServerTool::WebSearch));
            encoding.report.degraded(
                client,
                "this model fetches pages as a part of its web search",
            );
            if !encoding.request.tools.iter().any(searches) {
                w.object(|w| w.str("type", "web_search"));
            }
        }
        // Every tool is declared at once, so there is nothing to search for.
        ServerTool::Other if tool.name.starts_with("tool_search_tool") => {
            encoding.report.emulated(
                client,
                "all tools are declared at once instead of being searched for",
            );
        }
        ServerTool::Other => encoding.refuse(
            client,
            format!(
                "the tool '{}' is run by another vendor and has no counterpart at this model",
                tool.name
            ),
        ),
    }
}

/// Tools of other vendors that the client runs have no schema on the wire; these are what they take.
const CLIENT_TOOLS: [(&str, &str, &str); 3] = [
    (
        "bash_",
        "Run a command in a persistent bash session.",
        r#"{"type":"object","properties":{"command":{"type":"string","description":"The command to run."},"restart":{"type":"boolean","description":"Restart the session instead."}}}"#,
    ),
    (
        "text_editor_",
        "View, create and edit files.",
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command","path"]}"#,
    ),
    (
        "memory_",
        "Read and write notes that last beyond this conversation.",
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"}},"required":["command"]}"#,
    ),
];

fn vendor(encoding: &mut Encoding<'_>, tool: &Tool<'_>, tag: &str, w: &mut Writer<'_>) {
    let client = Member::Tools.of(encoding.request.dialect);
    let Some((_, description, schema)) = CLIENT_TOOLS
        .into_iter()
        .find(|(prefix, ..)| tag.starts_with(prefix))
    else {
        encoding.refuse(
            client,
            format!("the tool '{tag}' is known to its own vendor's models alone"),
        );
        return;
    };
    encoding.report.emulated(
        client,
        format!("{tag} is offered as a function of the same name"),
    );
    let name = rename(encoding, tool);
    w.object(|w| {
        w.str("type", "function");
        w.str("name", &name);
        w.str("description", description);
        w.raw("parameters", schema);
        w.bool("strict", false);
    });
}

fn choice(encoding: &mut Encoding<'_>, choice: &ToolChoice<'_>, w: &mut Writer<'_>) {
    match choice {
        ToolChoice::Auto => w.str("tool_choice", "auto"),
        ToolChoice::None => w.str("tool_choice", "none"),
        ToolChoice::Required => w.str("tool_choice", "required"),
        ToolChoice::Named(name) => match reference(encoding, name) {
            Some(fill) => w.object_in("tool_choice", fill),
            // The service has no name for some of its tools, but one tool alone needs none.
            None if matches!(&encoding.request.tools[..], [only] if only.name == *name) => {
                w.str("tool_choice", "required");
            }
            None => {
                let client = Member::ToolChoice.of(encoding.request.dialect);
                encoding.report.dropped(
                    client,
                    format!("the tool '{name}' cannot be asked for by name"),
                );
            }
        },
        ToolChoice::Allowed { names, required } => {
            let members: Vec<_> = names
                .iter()
                .filter_map(|name| reference(encoding, name))
                .collect();
            if members.is_empty() {
                w.str("tool_choice", "none");
                return;
            }
            w.object_in("tool_choice", |w| {
                w.str("type", "allowed_tools");
                w.str("mode", if *required { "required" } else { "auto" });
                w.array_in("tools", |w| {
                    members.into_iter().for_each(|fill| w.object(fill));
                });
            });
        }
    }
}

/// Writes the members that point at a declared tool; `None` when there is no such tool.
fn reference<'n>(
    encoding: &Encoding<'n>,
    name: &str,
) -> Option<impl FnOnce(&mut Writer<'_>) + use<'n>> {
    let tool: &Tool<'n> = encoding
        .request
        .tools
        .iter()
        .find(|tool| tool.name == name)?;
    let kind = match &tool.kind {
        ToolKind::Function { .. } => "function".to_owned(),
        ToolKind::Freeform { .. } => "custom".to_owned(),
        ToolKind::Vendor { .. } if encoding.request.dialect != Dialect::OpenAiResponses => {
            "function".to_owned()
        }
        ToolKind::Vendor { tag } => tag.clone().into_owned(),
        ToolKind::Server(ServerTool::CodeExecution) => "code_interpreter".to_owned(),
        ToolKind::Server(_) if encoding.is_native() => json::member(tool.raw.as_deref()?, "type")?
            .trim_matches('"')
            .to_owned(),
        ToolKind::Server(_) => return None,
    };
    if kind == "web_search" || kind == "web_search_2025_08_26" {
        return None;
    }
    let name = wire_name(encoding, &tool.name).into_owned();
    Some(move |w: &mut Writer<'_>| {
        w.str("type", &kind);
        match kind.as_str() {
            "function" | "custom" => w.str("name", &name),
            "mcp" => w.str("server_label", &name),
            _ => {}
        }
    })
}
