//! Instructions and turns as `instructions` and `input` items. Every turn is rendered from itself and what
//! came before it, so that a growing conversation keeps the bytes that it has.

use super::encode_config::needs_json_word;
use super::encode_request::Encoding;
use super::encode_tools::wire_name;
use super::{decode_tools, encode_parts, reasoning, vendor};
use crate::ident::{self, Charset};
use crate::ir::{Args, CacheMark, Kind, OpaqueKind, Part, Role, ToolCall, ToolResult, Turn};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::{Dialect, Text};

const CONTINUE: &str = "Continue exactly from where the previous message ends.";
const JSON_WORD: &str = "Respond with a JSON object.";
/// The service takes this many cache marks.
const MAX_MARKS: usize = 4;

/// Writes instructions and turns.
pub(super) struct Turns<'t, 'e> {
    encoding: &'t mut Encoding<'e>,
    /// Wire ids of calls of custom tools, whose outputs have a type of their own.
    freeform: Vec<String>,
    /// Wire ids of calls with an item type of their own.
    vendors: Vec<(String, vendor::Vendor)>,
}

impl<'t, 'e> Turns<'t, 'e> {
    pub(super) const fn new(encoding: &'t mut Encoding<'e>) -> Self {
        Self {
            encoding,
            freeform: Vec::new(),
            vendors: Vec::new(),
        }
    }

    /// Writes the members.
    pub(super) fn write(mut self, w: &mut Writer<'_>) {
        let request = self.encoding.request;
        self.encoding.marks_before_last();
        let marked = self.encoding.target.capability.cache_marks
            && request
                .instructions
                .iter()
                .any(|instruction| instruction.cache.is_some());
        // An input without items is refused, so instructions alone go in as an item.
        let as_item = marked || request.turns.is_empty();
        if !as_item {
            self.instructions(w);
        }
        w.array_in("input", |w| {
            if as_item {
                self.leading(w);
            }
            for turn in &request.turns {
                self.turn(turn, w);
            }
            self.continued(w);
        });
    }

    /// The service takes a last turn of the assistant for finished, not for one to go on with.
    fn continued(&mut self, w: &mut Writer<'_>) {
        let last = self.encoding.request.turns.last();
        let begun = last.is_some_and(|turn| {
            turn.role == Role::Assistant
                && turn
                    .parts
                    .iter()
                    .any(|part| matches!(part.kind, Kind::Text { .. }))
        });
        // OpenAI's clients mean it as finished too.
        let meant = matches!(
            self.encoding.request.dialect,
            Dialect::Anthropic | Dialect::Gemini
        );
        if !begun || !meant || self.encoding.target.capability.prefill {
            return;
        }
        let client = Member::Turns.of(self.encoding.request.dialect);
        self.encoding.report.degraded(
            client,
            "the answer cannot be begun for the model: it was asked to continue",
        );
        self.message("user", &[Part::text(CONTINUE)], w);
    }

    fn instructions(&mut self, w: &mut Writer<'_>) {
        let request = self.encoding.request;
        let (gap, word) = (Text::borrowed("\n\n"), Text::borrowed(JSON_WORD));
        let mut pieces: Vec<&Text<'_>> = Vec::new();
        let own = request
            .instructions
            .iter()
            .map(|instruction| &instruction.text)
            .filter(|text| !text.is_empty());
        for text in own.chain(self.json_word().then_some(&word)) {
            if !pieces.is_empty() {
                pieces.push(&gap);
            }
            pieces.push(text);
        }
        if !pieces.is_empty() {
            w.concat("instructions", &pieces);
        }
    }

    fn json_word(&mut self) -> bool {
        let needed = needs_json_word(self.encoding);
        if needed {
            let client = Member::Output.of(self.encoding.request.dialect);
            self.encoding
                .report
                .emulated(client, "the prompt must speak of JSON, so a line is added");
        }
        needed
    }

    fn leading(&mut self, w: &mut Writer<'_>) {
        let request = self.encoding.request;
        let word = self.json_word();
        if request.instructions.is_empty() && !word {
            return;
        }
        let mut parts: Vec<Part<'_>> = request
            .instructions
            .iter()
            .filter(|instruction| !instruction.text.is_empty())
            .map(|instruction| {
                let mut part = Part::text(instruction.text.clone());
                part.cache = instruction.cache;
                part
            })
            .collect();
        if word {
            parts.push(Part::text(JSON_WORD));
        }
        let role = self.operator();
        self.message(role, &parts, w);
    }

    const fn operator(&self) -> &'static str {
        if self.encoding.target.capability.developer_role {
            "developer"
        } else {
            "system"
        }
    }

    fn turn(&mut self, turn: &Turn<'_>, w: &mut Writer<'_>) {
        match turn.role {
            Role::User => self.user("user", &turn.parts, w),
            Role::System => {
                let role = self.operator();
                self.user(role, &turn.parts, w);
            }
            Role::Assistant => self.assistant(turn, w),
        }
    }

    /// Outputs of tools first, then the words. Items that this dialect alone knows stand for themselves.
    fn user(&mut self, role: &str, parts: &[Part<'_>], w: &mut Writer<'_>) {
        for part in parts {
            match &part.kind {
                Kind::ToolResult(result) => self.result(result, w),
                Kind::Other { tag, raw, .. } if self.encoding.is_native() && is_item(tag) => {
                    w.item_raw(&json::compact(raw));
                }
                _ => {}
            }
        }
        let is_content = |part: &Part<'_>| match &part.kind {
            Kind::ToolResult(_) => false,
            Kind::Other { tag, .. } => !is_item(tag),
            Kind::Text { text, .. } => !text.is_empty(),
            _ => true,
        };
        if parts.iter().all(is_content) {
            self.message(role, parts, w);
        } else {
            let rest: Vec<Part<'_>> = parts
                .iter()
                .filter(|part| is_content(part))
                .cloned()
                .collect();
            self.message(role, &rest, w);
        }
    }

    fn message(&mut self, role: &str, parts: &[Part<'_>], w: &mut Writer<'_>) {
        let mut content = Vec::new();
        Writer::new(&mut content).array(|w| encode_parts::input(self.encoding, parts, w));
        if content == b"[]" {
            return;
        }
        w.object(|w| {
            w.str("type", "message");
            w.str("role", role);
            w.key("content");
            w.buffer().extend_from_slice(&content);
        });
    }

    fn assistant(&mut self, turn: &Turn<'_>, w: &mut Writer<'_>) {
        let parts = turn.parts.as_slice();
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            if self.is_followed(parts, at) {
                reasoning::replay(self.encoding, parts, at, w);
            }
            at += 1;
            match &part.kind {
                Kind::Text { .. } | Kind::Refusal(_) => {
                    let more = parts[at..]
                        .iter()
                        .take_while(|part| is_words(part) && part.opaque.is_empty())
                        .count();
                    let phase = phase_of(part).or(turn.phase.as_deref());
                    words(&parts[at - 1..at + more], phase, w);
                    at += more;
                }
                Kind::ToolCall(call) => self.call(call, w),
                Kind::ToolResult(result) => self.result(result, w),
                Kind::ServerTool { raw, .. } if self.encoding.is_native() => {
                    w.item_raw(&json::compact(raw));
                }
                Kind::ServerTool { summary, .. } => {
                    let client = Member::Content.of(self.encoding.request.dialect);
                    self.encoding
                        .report
                        .emulated(client, encode_parts::STEPS_IN_WORDS);
                    easy(&[summary], turn.phase.as_deref(), w);
                }
                Kind::Other { raw, .. } if self.encoding.is_native() => {
                    w.item_raw(&json::compact(raw));
                }
                Kind::Other {
                    text: Some(text), ..
                } => {
                    let client = Member::Content.of(self.encoding.request.dialect);
                    self.encoding
                        .report
                        .emulated(client, "a part of an unknown type was sent as its text");
                    easy(&[text], turn.phase.as_deref(), w);
                }
                Kind::Reasoning { .. } => {}
                Kind::Other { .. }
                | Kind::Image { .. }
                | Kind::Document { .. }
                | Kind::Audio { .. }
                | Kind::Video { .. } => {
                    let client = Member::Content.of(self.encoding.request.dialect);
                    self.encoding.report.dropped(
                        client,
                        "media of the model's own earlier answers cannot be sent back",
                    );
                }
            }
        }
    }

    /// Reasoning is refused without the item that it led to.
    fn is_followed(&self, parts: &[Part<'_>], at: usize) -> bool {
        parts[at..].iter().any(|part| match &part.kind {
            Kind::Text { text, .. } | Kind::Refusal(text) => !text.is_empty(),
            Kind::ToolCall(_) => true,
            Kind::ServerTool { summary, .. } => self.encoding.is_native() || !summary.is_empty(),
            _ => false,
        })
    }

    fn id(&self, id: &str) -> String {
        ident::call_id(
            id,
            Charset::Any,
            self.encoding.target.capability.call_id_max,
        )
        .into_owned()
    }

    fn call(&mut self, call: &ToolCall<'_>, w: &mut Writer<'_>) {
        let id = self.id(&call.id);
        if let Some(vendor) = self.vendor(call) {
            let (args, _) = call.args.to_object();
            w.object(|w| {
                w.str("type", vendor.call);
                w.str("call_id", &id);
                w.str("status", "completed");
                w.raw(vendor.member, &json::compact(&args));
                if vendor.tag == "tool_search" {
                    w.str("execution", "client");
                }
            });
            self.vendors.push((id, vendor));
            return;
        }
        let name = wire_name(self.encoding, &call.name);
        w.object(|w| {
            match &call.args {
                Args::Freeform(text) => {
                    w.str("type", "custom_tool_call");
                    w.str("call_id", &id);
                    w.str("name", &name);
                    w.text("input", text);
                }
                args => {
                    w.str("type", "function_call");
                    w.str("call_id", &id);
                    w.str("name", &name);
                    w.text("arguments", &args.to_text());
                }
            }
            if let Some(namespace) = &call.namespace {
                w.str("namespace", namespace);
            }
        });
        if matches!(call.args, Args::Freeform(_)) {
            self.freeform.push(id);
        }
    }

    /// The vendor's tool behind a call, when the client speaks this dialect and declares it.
    fn vendor(&self, call: &ToolCall<'_>) -> Option<vendor::Vendor> {
        let native = self.encoding.is_native()
            && call.namespace.is_none()
            && !matches!(call.args, Args::Freeform(_));
        let declared = || {
            let mut tools = self.encoding.request.tools.iter();
            tools.any(|tool| {
                tool.name == call.name && tool.namespace.is_none() && decode_tools::is_vendor(tool)
            })
        };
        vendor::by_tag(&call.name).filter(|_| native && declared())
    }

    fn result(&mut self, result: &ToolResult<'_>, w: &mut Writer<'_>) {
        let id = self.id(&result.id);
        if let Some((_, vendor)) = self.vendors.iter().find(|(call, _)| *call == id) {
            vendor_output(*vendor, &id, result, w);
            return;
        }
        let freeform = result.freeform || self.freeform.contains(&id);
        w.object(|w| {
            w.str(
                "type",
                if freeform {
                    "custom_tool_call_output"
                } else {
                    "function_call_output"
                },
            );
            w.str("call_id", &id);
            encode_parts::output(self.encoding, result, w);
        });
    }
}

/// The phase that came back with the words through a client of another dialect.
fn phase_of<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    let state = part
        .opaque
        .iter()
        .find(|state| state.kind == OpaqueKind::Phase)?;
    Some(&state.state)
}

fn is_words(part: &Part<'_>) -> bool {
    matches!(part.kind, Kind::Text { .. } | Kind::Refusal(_))
}

/// True for types of items, as far as they come through as unknown; the others are parts of content.
fn is_item(tag: &str) -> bool {
    const ENDS: [&str; 5] = ["_call", "_output", "_request", "_response", "_trigger"];
    matches!(tag, "compaction" | "program") || ENDS.into_iter().any(|end| tag.ends_with(end))
}

/// Words that follow one another are one message, in the short form that needs no id.
fn words(parts: &[Part<'_>], phase: Option<&str>, w: &mut Writer<'_>) {
    let texts: Vec<&Text<'_>> = parts
        .iter()
        .filter_map(|part| match &part.kind {
            Kind::Text { text, .. } | Kind::Refusal(text) => Some(text),
            _ => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    easy(&texts, phase, w);
}

fn easy(texts: &[&Text<'_>], phase: Option<&str>, w: &mut Writer<'_>) {
    if texts.iter().all(|text| text.is_empty()) {
        return;
    }
    w.object(|w| {
        w.str("type", "message");
        w.str("role", "assistant");
        w.concat("content", texts);
        if let Some(phase) = phase {
            w.str("phase", phase);
        }
    });
}

fn vendor_output(vendor: vendor::Vendor, id: &str, result: &ToolResult<'_>, w: &mut Writer<'_>) {
    let text = match result.content.first().map(|part| &part.kind) {
        Some(Kind::Text { text, .. }) => text.clone(),
        _ => Text::default(),
    };
    let list = text
        .as_str()
        .starts_with('[')
        .then(|| text.as_str().into_owned());
    w.object(|w| {
        w.str("type", vendor.output);
        match vendor.tag {
            "local_shell" => {
                // Its output is tied to the item, whose id is the call's.
                w.str("id", id);
                w.text("output", &text);
            }
            "tool_search" => {
                w.str("call_id", id);
                w.str("status", "completed");
                w.str("execution", "client");
                w.raw("tools", list.as_deref().unwrap_or("[]"));
            }
            "shell" => {
                w.str("call_id", id);
                w.raw("output", list.as_deref().unwrap_or("[]"));
            }
            _ => {
                w.str("call_id", id);
                w.str(
                    "status",
                    if result.is_error {
                        "failed"
                    } else {
                        "completed"
                    },
                );
                w.text("output", &text);
            }
        }
    });
}

impl Encoding<'_> {
    /// Counts how many cache marks come before the last ones that the service takes.
    fn marks_before_last(&mut self) {
        if !self.target.capability.cache_marks {
            return;
        }
        let instructions = self
            .request
            .instructions
            .iter()
            .filter(|instruction| instruction.cache.is_some())
            .count();
        let turns = self
            .request
            .turns
            .iter()
            .filter(|turn| turn.role != Role::Assistant);
        let marked = |part: &&Part<'_>| part.cache.is_some() && encode_parts::takes_mark(part);
        let parts = turns.flat_map(|turn| &turn.parts).filter(marked).count();
        self.skip_marks = (instructions + parts).saturating_sub(MAX_MARKS);
    }

    /// The mark that a part carries on the wire.
    pub(super) fn mark(&mut self, part: &Part<'_>) -> Option<CacheMark> {
        let mark = part.cache.filter(|_| self.target.capability.cache_marks)?;
        if self.skip_marks > 0 {
            self.skip_marks -= 1;
            return None;
        }
        Some(mark)
    }
}
