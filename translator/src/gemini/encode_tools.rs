//! Tools: function declarations, the vendor's own tools where they may stand beside them, and the choice.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::Refusal;
use crate::group;
use crate::ident::{self, Charset};
use crate::integers;
use crate::ir::{Request, Residue, ServerTool, Tool, ToolChoice, ToolKind};
use crate::json::Writer;
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::search_settings;
use crate::translate::{Outbound, Target};
use crate::undo::{Integers, ToolAlias};
use crate::{Dialect, Text};

/// What goes into `tools` and `toolConfig`.
pub(super) struct Tools<'r> {
    functions: Vec<Function<'r>>,
    /// Whole elements of `tools`.
    servers: Vec<Cow<'r, str>>,
    mode: Option<&'static str>,
    allowed: Vec<String>,
    /// Both kinds stand together.
    mixed: bool,
    raw: Vec<(&'r str, &'r str)>,
    name_max: usize,
}

struct Function<'r> {
    wire: String,
    name: &'r str,
    namespace: Option<&'r str>,
    description: Option<Cow<'r, str>>,
    schema: Option<(&'static str, String)>,
    /// The native declaration, which says more.
    raw: Option<&'r str>,
}

pub(super) fn plan<'r>(
    request: &'r Request<'_>,
    target: &Target<'_>,
    outbound: &mut Outbound,
) -> Result<Tools<'r>, Refusal> {
    let mut tools = Tools {
        functions: Vec::with_capacity(request.tools.len()),
        servers: Vec::new(),
        mode: None,
        allowed: Vec::new(),
        mixed: false,
        raw: Vec::new(),
        name_max: target.capability.tool_name_max,
    };
    let member = Member::Tools.of(request.dialect);
    let mut taken = HashSet::new();
    for tool in &request.tools {
        match &tool.kind {
            ToolKind::Function { schema } => {
                let schema = parameters(schema.as_deref(), target, member, outbound);
                tools.function(tool, schema, &mut taken, request, outbound);
            }
            ToolKind::Freeform { .. } => {
                let schema = parameters(Some(FREEFORM), target, member, outbound);
                tools.function(tool, schema, &mut taken, request, outbound);
                outbound.report.emulated(
                    member,
                    "a free text tool was sent as a function with one string",
                );
            }
            ToolKind::Server(kind) => tools.server(tool, *kind, request, outbound),
            ToolKind::Vendor { tag } => {
                outbound.report.dropped(
                    member,
                    format!("tool {tag} is known to its own vendor only"),
                );
            }
        }
    }
    if tools.functions.len() > MOST {
        let count = tools.functions.len();
        return Err(Refusal::new(
            member,
            format!("{count} tools are given, but Gemini takes at most {MOST}"),
        ));
    }
    if !tools.servers.is_empty() && !tools.functions.is_empty() {
        // Mixing came with the models whose calls carry signatures.
        tools.mixed = target.capability.call_signatures;
        if !tools.mixed {
            tools.servers.clear();
            outbound.report.dropped(
                member,
                "the model takes built-in tools only without functions",
            );
        }
    }
    tools.choose(request, target, outbound);
    if request.dialect == Dialect::Gemini {
        tools.raw = request
            .residue
            .iter()
            .filter_map(|Residue { field, raw, .. }| {
                Some((field.strip_prefix("toolConfig.")?, *raw))
            })
            .filter(|(field, _)| !(tools.mixed && *field == "includeServerSideToolInvocations"))
            .collect();
    }
    Ok(tools)
}

const MOST: usize = 512;
const FREEFORM: &str =
    r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

fn parameters(
    given: Option<&str>,
    target: &Target<'_>,
    member: &'static str,
    outbound: &mut Outbound,
) -> Option<(&'static str, String)> {
    let given = given?;
    let root = schema::object_root(Some(given));
    let (wire, flavour) = if target.capability.json_schema_members {
        ("parametersJsonSchema", Flavour::GeminiJson)
    } else {
        ("parameters", Flavour::GeminiProto)
    };
    let cleaned = schema::clean(&root, flavour);
    // Older models refuse an object without properties; a function without parameters has none at all.
    if flavour == Flavour::GeminiProto && cleaned.schema == r#"{"type":"OBJECT"}"# && cleaned.fits {
        return None;
    }
    if !cleaned.fits {
        outbound
            .report
            .degraded(member, "parts of a schema cannot be expressed");
    } else if !cleaned.dropped.is_empty() {
        outbound.report.emulated(
            member,
            "constraints that the schema subset lacks stand in descriptions",
        );
    }
    Some((wire, cleaned.schema))
}

impl<'r> Tools<'r> {
    pub(super) const fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    fn function(
        &mut self,
        tool: &'r Tool<'_>,
        schema: Option<(&'static str, String)>,
        taken: &mut HashSet<String>,
        request: &Request<'_>,
        outbound: &mut Outbound,
    ) {
        let full = group::flat_name(&request.tools, tool.namespace.as_deref(), &tool.name);
        let wire = ident::tool_name(&full, Charset::Gemini, self.name_max).into_owned();
        if !taken.insert(wire.clone()) {
            let member = Member::Tools.of(request.dialect);
            outbound
                .report
                .dropped(member, format!("a second tool named {}", tool.name));
            return;
        }
        if let ToolKind::Function { schema: Some(raw) } = &tool.kind
            && integers::wanted(raw)
        {
            outbound.undo.integers.push(Integers {
                wire: wire.clone(),
                schema: raw.as_ref().into(),
            });
        }
        let freeform = matches!(tool.kind, ToolKind::Freeform { .. });
        if freeform || tool.namespace.is_some() || wire != tool.name {
            outbound.undo.tools.push(ToolAlias {
                wire: wire.clone(),
                name: tool.name.clone().into_owned(),
                namespace: tool.namespace.as_deref().map(str::to_owned),
                freeform,
            });
        }
        self.functions.push(Function {
            raw: tool
                .raw
                .as_deref()
                .filter(|_| request.dialect == Dialect::Gemini && wire == tool.name),
            wire,
            name: &tool.name,
            namespace: tool.namespace.as_deref(),
            description: description(tool),
            schema,
        });
    }

    fn server(
        &mut self,
        tool: &'r Tool<'_>,
        kind: ServerTool,
        request: &Request<'_>,
        outbound: &mut Outbound,
    ) {
        let native = tool
            .raw
            .as_deref()
            .filter(|_| request.dialect == Dialect::Gemini);
        let element = match (native, kind) {
            (Some(raw), _) => Cow::Borrowed(raw),
            (None, ServerTool::WebSearch) => {
                search_settings::report_lost(tool, request.dialect, &[], &mut outbound.report);
                Cow::Borrowed(r#"{"googleSearch":{}}"#)
            }
            (None, ServerTool::WebFetch) => Cow::Borrowed(r#"{"urlContext":{}}"#),
            (None, ServerTool::CodeExecution) => Cow::Borrowed(r#"{"codeExecution":{}}"#),
            (None, ServerTool::Other) => {
                let member = Member::Tools.of(request.dialect);
                outbound
                    .report
                    .dropped(member, format!("Gemini has no tool like {}", tool.name));
                return;
            }
        };
        if !self.servers.contains(&element) {
            self.servers.push(element);
        }
    }

    /// The name of a tool on this wire, also for calls of tools that are no longer declared.
    pub(super) fn wire_name<'n>(&'n self, namespace: Option<&str>, name: &'n str) -> Cow<'n, str> {
        let declared = |exact: bool| {
            self.functions.iter().find(|function| {
                function.name == name && (!exact || function.namespace == namespace)
            })
        };
        match declared(true).or_else(|| declared(false)) {
            Some(function) => Cow::Borrowed(&function.wire),
            None => ident::tool_name(name, Charset::Gemini, self.name_max),
        }
    }

    fn choose(&mut self, request: &Request<'_>, target: &Target<'_>, outbound: &mut Outbound) {
        if self.functions.is_empty() {
            return;
        }
        let member = Member::ToolChoice.of(request.dialect);
        if request.parallel == Some(false) {
            let member = Member::Parallel.of(request.dialect);
            outbound
                .report
                .dropped(member, "the model cannot be held to one call at a time");
        }
        let strict = request
            .tools
            .iter()
            .filter(|tool| matches!(tool.kind, ToolKind::Function { .. }))
            .all(|tool| tool.strict == Some(true));
        let auto = if strict && target.capability.json_schema_members {
            "VALIDATED"
        } else {
            "AUTO"
        };
        let mut allow = |names: &[Cow<'_, str>]| {
            let declared = names.iter().filter(|name| {
                self.functions
                    .iter()
                    .any(|function| function.name == **name)
            });
            self.allowed = declared
                .map(|name| self.wire_name(None, name).into_owned())
                .collect();
            if self.allowed.len() < names.len() {
                outbound
                    .report
                    .dropped(member, "a name that is no function of the request");
            }
            !self.allowed.is_empty()
        };
        self.mode = match &request.tool_choice {
            None if auto == "AUTO" => None,
            None | Some(ToolChoice::Auto) => Some(auto),
            Some(ToolChoice::None) => Some("NONE"),
            Some(ToolChoice::Required) => Some("ANY"),
            Some(ToolChoice::Named(name)) if allow(std::slice::from_ref(name)) => Some("ANY"),
            Some(ToolChoice::Allowed { names, required }) if allow(names) => {
                Some(if *required { "ANY" } else { "VALIDATED" })
            }
            Some(ToolChoice::Named(_) | ToolChoice::Allowed { .. }) => Some(auto),
        };
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if !self.functions.is_empty() || !self.servers.is_empty() {
            w.array_in("tools", |w| {
                if !self.functions.is_empty() {
                    w.object(|w| {
                        w.array_in("functionDeclarations", |w| {
                            self.functions.iter().for_each(|function| function.write(w));
                        });
                    });
                }
                self.servers.iter().for_each(|element| w.item_raw(element));
            });
        }
        if self.mode.is_none() && !self.mixed && self.raw.is_empty() {
            return;
        }
        w.object_in("toolConfig", |w| {
            if let Some(mode) = self.mode {
                w.object_in("functionCallingConfig", |w| {
                    w.str("mode", mode);
                    if !self.allowed.is_empty() {
                        w.array_in("allowedFunctionNames", |w| {
                            self.allowed.iter().for_each(|name| w.item_str(name));
                        });
                    }
                });
            }
            if self.mixed {
                w.bool("includeServerSideToolInvocations", true);
            }
            for (key, raw) in &self.raw {
                w.raw(key, raw);
            }
        });
    }
}

/// A grammar cannot be enforced here, but the model can read it.
fn description<'r>(tool: &'r Tool<'_>) -> Option<Cow<'r, str>> {
    let own = tool
        .description
        .as_ref()
        .map(Text::as_str)
        .filter(|text| !text.is_empty());
    match &tool.kind {
        ToolKind::Freeform {
            format: Some(format),
        } if format.contains("grammar") => {
            let own = own.unwrap_or_default();
            Some(Cow::Owned(format!(
                "{own}\n\nThe input must follow this format: {format}"
            )))
        }
        _ => own,
    }
}

impl Function<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        if let Some(raw) = self.raw {
            w.item_raw(raw);
            return;
        }
        w.object(|w| {
            w.str("name", &self.wire);
            if let Some(description) = &self.description {
                w.str("description", description);
            }
            if let Some((key, schema)) = &self.schema {
                w.raw(key, schema);
            }
        });
    }
}
