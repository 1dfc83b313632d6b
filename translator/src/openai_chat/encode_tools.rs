//! Tools and the choice among them, written.
//!
//! Names that the upstream does not take are rewritten and noted for the answer.

use std::borrow::Cow;

use super::decode_tools::WEB_SEARCH;
use super::encode_request::{Draft, tool_size};
use super::vendor_tools;
use crate::Dialect;
use crate::group;
use crate::ident::{Charset, tool_name};
use crate::ir::{ServerTool, Tool, ToolChoice, ToolKind};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::undo::ToolAlias;

/// Most services refuse more.
const TOOLS_MAX: usize = 128;

/// What the client's tools became.
struct Written {
    /// The names on the wire.
    names: Vec<(String, bool)>,
    has_functions: bool,
}

impl Draft<'_> {
    /// The name of a tool on the wire: its group is folded into it, then it is made legal.
    pub(super) fn wire_name<'n>(&self, namespace: Option<&str>, name: &'n str) -> Cow<'n, str> {
        let max = self.capability.tool_name_max;
        match group::flat_name(&self.request.tools, namespace, name) {
            Cow::Borrowed(name) => tool_name(name, Charset::Word, max),
            Cow::Owned(name) => Cow::Owned(tool_name(&name, Charset::Word, max).into_owned()),
        }
    }

    /// Writes `tools`, `tool_choice` and `parallel_tool_calls`. True when there are functions among the tools.
    pub(super) fn tools(&mut self, w: &mut Writer<'_>) -> bool {
        let request = self.request;
        if request.tools.len() > TOOLS_MAX {
            let message = format!(
                "{} tools are too many: send at most {TOOLS_MAX}",
                request.tools.len()
            );
            self.refuse(Member::Tools, message);
            return false;
        }
        let mut written = Written {
            names: Vec::new(),
            has_functions: false,
        };
        let mut buffer = Vec::with_capacity(request.tools.iter().map(tool_size).sum());
        Writer::new(&mut buffer).array(|list| {
            for tool in &request.tools {
                self.tool(tool, &mut written, list, w);
            }
        });
        // An empty list is refused.
        if buffer.len() <= 2 {
            return false;
        }
        w.key("tools");
        w.buffer().extend_from_slice(&buffer);
        self.settled = w.buffer().len();
        self.tool_choice(&written, w);
        if request.parallel == Some(false) {
            w.bool("parallel_tool_calls", false);
        }
        written.has_functions
    }

    fn tool(
        &mut self,
        tool: &Tool<'_>,
        written: &mut Written,
        list: &mut Writer<'_>,
        w: &mut Writer<'_>,
    ) {
        let name = self.wire_name(tool.namespace.as_deref(), &tool.name);
        match &tool.kind {
            ToolKind::Function { schema } => {
                written.has_functions = true;
                self.alias(tool, &name, false);
                self.function(tool, &name, schema.as_deref(), list);
            }
            ToolKind::Freeform { format } if self.capability.openai_members => {
                // A server that answers with a function all the same is understood.
                self.alias(tool, &name, true);
                freeform(tool, &name, format.as_deref(), list);
            }
            ToolKind::Freeform { format } => {
                written.has_functions = true;
                self.alias(tool, &name, true);
                self.report.emulated(
                    self.member(Member::Tools),
                    "custom tools were sent as functions",
                );
                emulated_freeform(tool, &name, format.as_deref(), list);
            }
            ToolKind::Vendor { tag } => match vendor_tools::schema(tag) {
                Some(definition) => {
                    written.has_functions = true;
                    self.alias(tool, &name, false);
                    self.report.emulated(
                        self.member(Member::Tools),
                        "vendor tools were sent as functions",
                    );
                    list.object(|w| {
                        w.str("type", "function");
                        w.object_in("function", |w| {
                            w.str("name", &name);
                            w.str("description", definition.description);
                            w.raw("parameters", definition.schema);
                        });
                    });
                }
                None => {
                    let field = self.member(Member::Tools);
                    return self
                        .report
                        .dropped(field, format!("tool {tag} is known to its own vendor only"));
                }
            },
            ToolKind::Server(server) => return self.server_tool(tool, *server, list, w),
        }
        let is_custom =
            matches!(tool.kind, ToolKind::Freeform { .. }) && self.capability.openai_members;
        written.names.push((name.into_owned(), is_custom));
    }

    fn alias(&mut self, tool: &Tool<'_>, wire: &str, freeform: bool) {
        if freeform || tool.namespace.is_some() || wire != tool.name {
            self.undo.tools.push(ToolAlias {
                wire: wire.to_owned(),
                name: tool.name.clone().into_owned(),
                namespace: tool.namespace.as_deref().map(str::to_owned),
                freeform,
            });
        }
    }

    fn function(
        &mut self,
        tool: &Tool<'_>,
        name: &str,
        schema: Option<&str>,
        list: &mut Writer<'_>,
    ) {
        let (schema, strict) = self.parameters(tool, schema);
        // Members that only the client and its upstream know.
        let unknown = tool
            .raw
            .as_deref()
            .filter(|_| self.is_native())
            .unwrap_or("{}");
        let members = |w: &mut Writer<'_>, object: &str| {
            for (key, range) in json::members(object).filter(|(key, _)| key != "function") {
                w.raw(&key, &object[range]);
            }
        };
        list.object(|w| {
            w.str("type", "function");
            w.object_in("function", |w| {
                w.str("name", name);
                if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty())
                {
                    w.text("description", description);
                }
                w.raw("parameters", &schema);
                if strict {
                    w.bool("strict", true);
                }
                members(w, json::member(unknown, "function").unwrap_or("{}"));
            });
            members(w, unknown);
        });
    }

    fn parameters<'s>(&mut self, tool: &Tool<'_>, schema: Option<&'s str>) -> (Cow<'s, str>, bool) {
        let root = schema::object_root(schema);
        if tool.strict != Some(true) {
            return (root, false);
        }
        if matches!(
            self.request.dialect,
            Dialect::OpenAiChat | Dialect::OpenAiResponses
        ) {
            // The client wrote to OpenAI's rules itself.
            return (root, true);
        }
        let cleaned = schema::clean(&root, Flavour::OpenAiStrict);
        if !cleaned.fits {
            self.report.degraded(
                self.member(Member::ToolStrict),
                format!("the schema of {} is outside the strict subset", tool.name),
            );
            return (root, false);
        }
        if !cleaned.dropped.is_empty() {
            let detail = format!("moved into descriptions: {}", cleaned.dropped.join(", "));
            self.report
                .degraded(self.member(Member::ToolStrict), detail);
        }
        (Cow::Owned(cleaned.schema), true)
    }

    fn server_tool(
        &mut self,
        tool: &Tool<'_>,
        server: ServerTool,
        list: &mut Writer<'_>,
        w: &mut Writer<'_>,
    ) {
        if let (true, Some(raw)) = (self.is_native(), &tool.raw) {
            return if tool.name == WEB_SEARCH && json::member(raw, "type").is_none() {
                w.raw("web_search_options", raw);
            } else {
                list.item_raw(raw);
            };
        }
        let tag = tool
            .raw
            .as_deref()
            .and_then(|raw| json::member(raw, "type"))
            .unwrap_or_default();
        let needed = [
            "\"file_search\"",
            "\"mcp\"",
            "\"mcp_toolset\"",
            "\"computer\"",
            "\"computer_use_preview\"",
        ];
        if server == ServerTool::Other && needed.contains(&tag) {
            let message = format!(
                "tool {} runs at its vendor and has no counterpart here: leave it out",
                tool.name
            );
            return self.refuse(Member::Tools, message);
        }
        self.report.dropped(
            self.member(Member::Tools),
            format!("tool {} runs at its vendor and was left out", tool.name),
        );
    }

    fn tool_choice(&mut self, written: &Written, w: &mut Writer<'_>) {
        let Some(choice) = &self.request.tool_choice else {
            return;
        };
        let can_force = self.capability.forced_tool_choice && !self.soft_choice;
        if choice.forces() && !can_force {
            let why = if self.soft_choice {
                "a call cannot be demanded while the model reasons"
            } else {
                "the model cannot be forced to call a tool"
            };
            self.report.degraded(self.member(Member::ToolChoice), why);
            return w.str("tool_choice", "auto");
        }
        let Some(choice) = self.takeable(choice, &written.names) else {
            self.report.degraded(
                self.member(Member::ToolChoice),
                "this server cannot be told to call a tool so",
            );
            return w.str("tool_choice", "auto");
        };
        match choice.as_ref() {
            ToolChoice::Auto => w.str("tool_choice", "auto"),
            ToolChoice::None => w.str("tool_choice", "none"),
            ToolChoice::Required => w.str("tool_choice", "required"),
            ToolChoice::Named(name) => match self.find(written, name) {
                Some((wire, custom)) => w.object_in("tool_choice", |w| named(wire, *custom, w)),
                None => {
                    self.report.degraded(
                        self.member(Member::ToolChoice),
                        format!("tool {name} was not sent, so it cannot be demanded"),
                    );
                    w.str("tool_choice", "auto");
                }
            },
            ToolChoice::Allowed { names, required } => self.allowed(written, names, *required, w),
        }
    }

    /// The choice in a form that the server takes. With one tool, any and that one are the same.
    fn takeable<'c>(
        &self,
        choice: &'c ToolChoice<'c>,
        names: &[(String, bool)],
    ) -> Option<Cow<'c, ToolChoice<'c>>> {
        let switches = &self.capability.chat;
        let only = match (&self.request.tools[..], names) {
            ([tool], [_]) => Some(tool),
            _ => None,
        };
        match choice {
            ToolChoice::Required | ToolChoice::Allowed { required: true, .. }
                if !switches.required_choice =>
            {
                let tool = only.filter(|_| switches.named_choice)?;
                let name = Cow::Owned(tool.name.clone().into_owned());
                Some(Cow::Owned(ToolChoice::Named(name)))
            }
            ToolChoice::Named(_) if !switches.named_choice => only
                .filter(|_| switches.required_choice)
                .map(|_| Cow::Owned(ToolChoice::Required)),
            _ => Some(Cow::Borrowed(choice)),
        }
    }

    fn allowed(
        &mut self,
        written: &Written,
        names: &[Cow<'_, str>],
        required: bool,
        w: &mut Writer<'_>,
    ) {
        let found: Vec<&(String, bool)> = names
            .iter()
            .filter_map(|name| self.find(written, name))
            .collect();
        if self.capability.openai_members && !found.is_empty() {
            return w.object_in("tool_choice", |w| {
                w.str("type", "allowed_tools");
                w.object_in("allowed_tools", |w| {
                    w.str("mode", if required { "required" } else { "auto" });
                    w.array_in("tools", |w| {
                        for (wire, custom) in found {
                            w.object(|w| named(wire, *custom, w));
                        }
                    });
                });
            });
        }
        match (required, &found[..]) {
            (true, [(wire, custom)]) => w.object_in("tool_choice", |w| named(wire, *custom, w)),
            _ => {
                self.report.degraded(
                    self.member(Member::ToolChoice),
                    "the choice cannot be narrowed: the model may call any tool",
                );
                w.str("tool_choice", if required { "required" } else { "auto" });
            }
        }
    }

    /// The wire name of a tool that the client names with or without its group.
    fn find<'w>(&self, written: &'w Written, name: &str) -> Option<&'w (String, bool)> {
        let request = self.request;
        let tool = request
            .tools
            .iter()
            .find(|tool| tool.name == name && tool.namespace.is_none())
            .or_else(|| request.tools.iter().find(|tool| tool.name == name))
            .or_else(|| {
                request.tools.iter().find(|tool| {
                    tool.namespace.as_deref().is_some_and(|space| {
                        name.strip_prefix(space)
                            .is_some_and(|rest| rest.trim_start_matches(['_', '.']) == tool.name)
                    })
                })
            })?;
        let wire = self.wire_name(tool.namespace.as_deref(), &tool.name);
        written.names.iter().find(|(name, _)| *name == wire)
    }
}

fn named(wire: &str, custom: bool, w: &mut Writer<'_>) {
    let kind = if custom { "custom" } else { "function" };
    w.str("type", kind);
    w.object_in(kind, |w| w.str("name", wire));
}

fn freeform(tool: &Tool<'_>, name: &str, format: Option<&str>, list: &mut Writer<'_>) {
    list.object(|w| {
        w.str("type", "custom");
        w.object_in("custom", |w| {
            w.str("name", name);
            if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty()) {
                w.text("description", description);
            }
            if let Some(format) = format {
                write_format(format, w);
            }
        });
    });
}

/// Grammars are nested here and flat in the Responses dialect; either form is read.
fn write_format(format: &str, w: &mut Writer<'_>) {
    let flat = json::member(format, "definition").zip(json::member(format, "syntax"));
    match flat {
        Some((definition, syntax)) => w.object_in("format", |w| {
            w.str("type", "grammar");
            w.object_in("grammar", |w| {
                w.raw("definition", definition);
                w.raw("syntax", syntax);
            });
        }),
        None => w.raw("format", format),
    }
}

/// A custom tool as a function with one string, the grammar in its description.
fn emulated_freeform(tool: &Tool<'_>, name: &str, format: Option<&str>, list: &mut Writer<'_>) {
    const SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;
    let grammar = format.and_then(|format| {
        let inner = json::member(format, "grammar").unwrap_or(format);
        json::member(inner, "definition").map(|text| crate::Text::Json(text).into_cow())
    });
    let mut description = tool
        .description
        .as_ref()
        .map(|text| text.as_str().into_owned())
        .unwrap_or_default();
    if let Some(grammar) = grammar {
        description.push_str("\n\nThe input must match this grammar:\n");
        description.push_str(&grammar);
    }
    list.object(|w| {
        w.str("type", "function");
        w.object_in("function", |w| {
            w.str("name", name);
            if !description.is_empty() {
                w.str("description", description.trim_start());
            }
            w.raw("parameters", SCHEMA);
        });
    });
}
