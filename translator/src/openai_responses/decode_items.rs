//! Input items to turns. Items of the model that follow one another form one turn, in their order; so do
//! outputs of tools. Knows nothing of the request's other members.

use std::borrow::Cow;

use super::wire_request::{Content, Item, Piece};
use super::{decode_parts, decode_tools, server_items, vendor};
use crate::error::Refusal;
use crate::ir::{
    Args, Instruction, Kind, Opaque, OpaqueKind, Part, Policy, Residue, Role, Tool, ToolCall,
    ToolResult, Turn,
};
use crate::wire::{Raw, parse_raw};
use crate::{Dialect, Text, envelope, json};

/// What the input items say.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    /// Leading system and developer text.
    pub(super) instructions: Vec<Instruction<'a>>,
    /// The turns.
    pub(super) turns: Vec<Turn<'a>>,
    /// Tools that came as items.
    pub(super) tools: Vec<Tool<'a>>,
    /// Items that only this dialect can carry.
    pub(super) residue: Vec<Residue<'a>>,
    /// The last `reasoning` that an item sets.
    pub(super) reasoning: Option<Raw<'a>>,
    /// The last `text` that an item sets.
    pub(super) text: Option<Raw<'a>>,
}

impl<'a> Conversation<'a> {
    /// Takes one item.
    pub(super) fn item(&mut self, raw: Raw<'a>, index: usize) -> Result<(), Refusal> {
        let item: Item<'a> = parse_raw(raw).map_err(|error| {
            Refusal::new(
                format!("input[{index}]"),
                format!("input[{index}]: {error}"),
            )
        })?;
        let kind = item.kind.clone().unwrap_or_default().0;
        match kind.as_ref() {
            "message" => self.message(item),
            "" if item.role.is_some() => self.message(item),
            "item_reference" | "" => return Err(unresolved(&item, index)),
            "reasoning" => self.assistant(reasoning(item, raw)),
            "function_call" | "custom_tool_call" => self.assistant(call(item, &kind)),
            "function_call_output" | "custom_tool_call_output" => {
                let freeform = kind.starts_with("custom");
                self.result(result(item, freeform));
            }
            "additional_tools" => {
                if let Some(tools) = item.tools {
                    decode_tools::tools(tools, &format!("input[{index}].tools"), &mut self.tools)?;
                }
            }
            "configuration_update" => {
                self.reasoning = item.reasoning.or(self.reasoning);
                self.text = item.text.or(self.text);
            }
            _ => self.rare(item, raw, kind, index)?,
        }
        Ok(())
    }

    fn rare(
        &mut self,
        item: Item<'a>,
        raw: Raw<'a>,
        kind: Cow<'a, str>,
        index: usize,
    ) -> Result<(), Refusal> {
        // A search for tools that the service ran itself has no call id and is no call of the client's.
        if let Some(vendor) =
            vendor::by_call(&kind).filter(|_| item.call_id.is_some() || item.id.is_some())
        {
            let args = json::member(raw.get(), vendor.member).unwrap_or("{}");
            self.assistant(Part::new(Kind::ToolCall(ToolCall {
                id: item.call_id.or(item.id).unwrap_or_default().0,
                name: Cow::Borrowed(vendor.tag),
                namespace: None,
                args: Args::Object(Cow::Borrowed(args)),
            })));
        } else if let Some(vendor) = vendor::by_output(&kind) {
            if let Some(tools) = item.tools {
                // What was found can be called from now on.
                decode_tools::tools(tools, &format!("input[{index}].tools"), &mut self.tools)?;
            }
            self.result(vendor_result(item, raw, vendor.tag));
        } else if server_items::is_server(&kind) {
            self.assistant(Part::new(Kind::ServerTool {
                summary: Text::from(server_items::summary(raw.get())),
                raw: Cow::Borrowed(raw.get()),
            }));
        } else if let Some(summary) = hub_summary(&item, &kind) {
            // It stands for everything before it.
            self.turns.clear();
            let words = format!("[conversation summary] {summary}");
            self.turns
                .push(Turn::new(Role::User, vec![Part::text(words)]));
        } else {
            if matches!(
                kind.as_ref(),
                "compaction" | "compaction_trigger" | "program" | "program_output"
            ) {
                self.residue.push(Residue {
                    field: Cow::Owned(format!("input.{kind}")),
                    raw: raw.get(),
                    policy: Policy::Refuse,
                });
            }
            let from_client = kind.ends_with("_output")
                || kind.ends_with("_response")
                || kind.ends_with("_trigger");
            let text = match item.content {
                Some(Content::Words(words)) => Some(words),
                Some(Content::Pieces(pieces)) => {
                    let words: Vec<Text<'a>> = pieces
                        .into_iter()
                        .filter_map(|(piece, _)| words_of(piece))
                        .collect();
                    (!words.is_empty()).then(|| join(words))
                }
                None => item
                    .text
                    .map(Raw::get)
                    .filter(|text| text.starts_with('"'))
                    .map(Text::Json),
            };
            let part = Part::new(Kind::Other {
                tag: kind,
                text,
                raw: Cow::Borrowed(raw.get()),
            });
            if from_client {
                self.turns.push(Turn::new(Role::User, vec![part]));
            } else {
                self.assistant(part);
            }
        }
        Ok(())
    }

    fn message(&mut self, item: Item<'a>) {
        let parts = decode_parts::content(item.content);
        match item.role.as_ref().map(|role| role.0.as_ref()) {
            Some("assistant") => self.words(parts, item.phase.map(|phase| phase.0)),
            Some("system" | "developer") => self.system(parts),
            _ => self.turns.push(Turn::new(Role::User, parts)),
        }
    }

    /// Text before the first turn is instructions; anything else stays where it is.
    fn system(&mut self, parts: Vec<Part<'a>>) {
        let plain = parts
            .iter()
            .all(|part| matches!(part.kind, Kind::Text { .. }));
        if !self.turns.is_empty() || !plain {
            self.turns.push(Turn::new(Role::System, parts));
            return;
        }
        for part in parts {
            if let Kind::Text { text, .. } = part.kind {
                self.instructions.push(Instruction {
                    text,
                    cache: part.cache,
                });
            }
        }
    }

    /// Words of the model. A change of phase begins another turn, which takes the reasoning before it along;
    /// not after a call, whose results the next turn must bring.
    fn words(&mut self, parts: Vec<Part<'a>>, phase: Option<Cow<'a, str>>) {
        let turn = self.assistant_turn();
        let has_words = turn
            .parts
            .iter()
            .any(|part| matches!(part.kind, Kind::Text { .. } | Kind::Refusal(_)));
        let has_call = turn
            .parts
            .iter()
            .any(|part| matches!(part.kind, Kind::ToolCall(_)));
        if !has_words {
            turn.phase = phase;
            turn.parts.extend(parts);
        } else if turn.phase == phase || has_call {
            turn.parts.extend(parts);
        } else {
            let is_reasoning = |part: &Part<'_>| matches!(part.kind, Kind::Reasoning { .. });
            let keep = turn
                .parts
                .iter()
                .rposition(|part| !is_reasoning(part))
                .map_or(0, |last| last + 1);
            let mut moved = turn.parts.split_off(keep);
            moved.extend(parts);
            let mut next = Turn::new(Role::Assistant, moved);
            next.phase = phase;
            self.turns.push(next);
        }
    }

    fn assistant(&mut self, part: Part<'a>) {
        self.assistant_turn().parts.push(part);
    }

    fn assistant_turn(&mut self) -> &mut Turn<'a> {
        if self
            .turns
            .last()
            .is_none_or(|turn| turn.role != Role::Assistant)
        {
            self.turns.push(Turn::new(Role::Assistant, Vec::new()));
        }
        self.turns
            .last_mut()
            .expect("a turn was pushed if there was none")
    }

    fn result(&mut self, result: ToolResult<'a>) {
        let part = Part::new(Kind::ToolResult(result));
        match self.turns.last_mut() {
            Some(turn)
                if turn.role == Role::User
                    && turn
                        .parts
                        .last()
                        .is_some_and(|last| matches!(last.kind, Kind::ToolResult(_))) =>
            {
                turn.parts.push(part);
            }
            _ => self.turns.push(Turn::new(Role::User, vec![part])),
        }
    }
}

fn unresolved(item: &Item<'_>, index: usize) -> Refusal {
    match &item.id {
        Some(id) => Refusal::new(
            format!("input[{index}].id"),
            format!(
                "item '{}' is not known here; send the item itself instead of a reference",
                id.0
            ),
        ),
        None => Refusal::new(
            format!("input[{index}]"),
            format!("input[{index}] has neither a type nor a role"),
        ),
    }
}

fn reasoning<'a>(item: Item<'a>, raw: Raw<'a>) -> Part<'a> {
    let mut texts: Vec<Text<'a>> = item
        .summary
        .unwrap_or_default()
        .into_iter()
        .filter_map(words_of)
        .collect();
    if texts.is_empty() {
        texts = match item.content {
            Some(Content::Words(words)) => vec![words],
            Some(Content::Pieces(pieces)) => pieces
                .into_iter()
                .filter_map(|(piece, _)| words_of(piece))
                .collect(),
            None => Vec::new(),
        };
    }
    let text = join(texts);
    let opaque = item
        .encrypted
        .filter(|state| !state.is_empty())
        .map_or_else(Vec::new, |state| {
            let state = state.as_str();
            if envelope::is_envelope(&state) {
                // A damaged envelope is of no use to anybody.
                return envelope::open(&state).unwrap_or_default();
            }
            vec![Opaque {
                origin: Dialect::OpenAiResponses,
                provider: None,
                model: None,
                kind: OpaqueKind::Reasoning,
                state: Cow::Borrowed(raw.get()),
            }]
        });
    Part {
        kind: Kind::Reasoning { text },
        cache: None,
        opaque,
    }
}

/// What the hub itself has put into an item that stands for a conversation.
fn hub_summary(item: &Item<'_>, kind: &str) -> Option<String> {
    if kind != "compaction" {
        return None;
    }
    envelope::open_summary(&item.encrypted.as_ref()?.as_str())
}

fn words_of(piece: Piece<'_>) -> Option<Text<'_>> {
    piece.text.filter(|text| !text.is_empty())
}

/// Several texts as one, with a blank line between them.
pub(super) fn join(mut texts: Vec<Text<'_>>) -> Text<'_> {
    match texts.len() {
        0 => Text::default(),
        1 => texts.swap_remove(0),
        _ => Text::from(
            texts
                .iter()
                .map(Text::as_str)
                .collect::<Vec<_>>()
                .join("\n\n"),
        ),
    }
}

fn call<'a>(item: Item<'a>, kind: &str) -> Part<'a> {
    let args = if kind.starts_with("custom") {
        Args::Freeform(item.input.unwrap_or_default())
    } else {
        match item.arguments.map(Raw::get) {
            Some(raw) if raw.starts_with('"') => Args::Text(Text::Json(raw)),
            Some(raw) => Args::Object(Cow::Borrowed(raw)),
            None => Args::Text(Text::default()),
        }
    };
    Part::new(Kind::ToolCall(ToolCall {
        id: item.call_id.or(item.id).unwrap_or_default().0,
        name: item.name.unwrap_or_default().0,
        namespace: item.namespace.map(|namespace| namespace.0),
        args,
    }))
}

fn result<'a>(item: Item<'a>, freeform: bool) -> ToolResult<'a> {
    ToolResult {
        id: item.call_id.or(item.id).unwrap_or_default().0,
        name: item.name.map(|name| name.0),
        content: decode_parts::content(item.output),
        is_error: false,
        freeform,
    }
}

/// The output of a tool with items of its own: words stay words, lists become their JSON text.
fn vendor_result<'a>(item: Item<'a>, raw: Raw<'a>, name: &'static str) -> ToolResult<'a> {
    let listed = json::member(
        raw.get(),
        if name == "tool_search" {
            "tools"
        } else {
            "output"
        },
    );
    let content = match (&item.output, listed) {
        (Some(Content::Words(words)), _) => vec![Part::text(words.clone())],
        (_, Some(list)) if list != "null" => vec![Part::text(json::compact(list))],
        _ => Vec::new(),
    };
    ToolResult {
        id: item.call_id.or(item.id).unwrap_or_default().0,
        name: Some(Cow::Borrowed(name)),
        content,
        is_error: json::member(raw.get(), "status") == Some("\"failed\""),
        freeform: false,
    }
}
