//! Messages become instructions and turns.
//!
//! Leading system and developer messages are instructions, later ones turns of their own. Tool messages in a
//! row are one user turn. Pairing of calls and results is not checked here.

use std::borrow::Cow;

use super::decode_parts::{content, mark};
use super::decode_reasoning::History;
use super::wire::Content;
use super::wire_request::WireMessage;
use crate::Text;
use crate::error::Refusal;
use crate::ir::{Args, Instruction, Kind, Part, Request, Role, ToolCall, ToolResult, Turn};

/// Reads all messages into the request.
///
/// # Errors
/// When a message has no known role.
pub(super) fn turns<'a>(
    messages: Vec<WireMessage<'a>>,
    request: &mut Request<'a>,
) -> Result<(), Refusal> {
    if messages.is_empty() {
        return Err(Refusal::new(
            "messages",
            "messages is empty: send at least one message",
        ));
    }
    let mut reader = Reader {
        custom: Vec::new(),
        legacy: Vec::new(),
    };
    request.turns.reserve(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        reader.message(index, message, request)?;
    }
    Ok(())
}

struct Reader<'a> {
    /// Ids of calls of custom tools, whose results are marked as such.
    custom: Vec<Cow<'a, str>>,
    /// Legacy calls without an id that wait for their `function` message: name and invented id.
    legacy: Vec<(Cow<'a, str>, String)>,
}

impl<'a> Reader<'a> {
    fn message(
        &mut self,
        index: usize,
        message: WireMessage<'a>,
        request: &mut Request<'a>,
    ) -> Result<(), Refusal> {
        let role = message
            .role
            .as_ref()
            .map_or("", |role| role.as_str())
            .to_owned();
        match role.as_str() {
            "system" | "developer" if request.turns.is_empty() => instructions(message, request),
            "system" | "developer" => request.turns.push(plain(Role::System, message)),
            "user" => request.turns.push(plain(Role::User, message)),
            "assistant" | "model" => {
                let turn = self.assistant(index, message);
                request.turns.push(turn);
            }
            "tool" | "function" => {
                let result = self.result(message);
                match request.turns.last_mut() {
                    Some(turn) if is_results(turn) => turn.parts.push(result),
                    _ => request.turns.push(Turn::new(Role::User, vec![result])),
                }
            }
            other => {
                return Err(Refusal::new(
                    format!("messages[{index}].role"),
                    format!(
                        "messages[{index}].role is `{other}`: use system, developer, user, assistant or tool"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn assistant(&mut self, index: usize, mut message: WireMessage<'a>) -> Turn<'a> {
        let mut parts = Vec::new();
        let mut history = History::read(&message);
        let calls = self.calls(index, &mut message, &mut history);
        history.place_before_words(&mut parts);
        if let Some(body) = message.content.take() {
            content(body, &mut parts);
        }
        if let (Some(mark), Some(last)) =
            (message.cache_control.as_ref().map(mark), parts.last_mut())
        {
            last.cache.get_or_insert(mark);
        }
        if let Some(refusal) = message.refusal.take().filter(|text| !text.is_empty()) {
            parts.push(Part::new(Kind::Refusal(refusal)));
        }
        if let Some(audio) = message.audio {
            parts.push(Part::new(Kind::Other {
                tag: Cow::Borrowed("audio"),
                text: None,
                raw: Cow::Borrowed(audio.get()),
            }));
        }
        for (position, call) in calls.into_iter().enumerate() {
            history.place_before_call(position, &mut parts);
            parts.push(call);
        }
        history.place_rest(&mut parts);
        let name = message.name.map(|name| name.0);
        Turn {
            name,
            ..Turn::new(Role::Assistant, parts)
        }
    }

    fn calls(
        &mut self,
        index: usize,
        message: &mut WireMessage<'a>,
        history: &mut History<'a>,
    ) -> Vec<Part<'a>> {
        let mut calls = Vec::new();
        for (position, wire) in message
            .tool_calls
            .take()
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            let signature = wire.signature();
            let freeform = wire.custom.is_some() && wire.function.is_none();
            let Some(invocation) = wire.function.or(wire.custom) else {
                continue;
            };
            let text = invocation.text().unwrap_or_default();
            let id = wire
                .id
                .map_or_else(|| Cow::Owned(format!("call_{index}_{position}")), |id| id.0);
            if freeform {
                self.custom.push(id.clone());
            }
            let opaque = history.of_call(position, signature);
            let kind = Kind::ToolCall(ToolCall {
                name: invocation.name.map(|name| name.0).unwrap_or_default(),
                namespace: None,
                args: if freeform {
                    Args::Freeform(text)
                } else {
                    Args::Text(text)
                },
                id,
            });
            calls.push(Part {
                kind,
                cache: None,
                opaque,
            });
        }
        if let Some(invocation) = message.function_call.take() {
            let id = format!("call_{index}_{}", calls.len());
            let text = invocation.text().unwrap_or_default();
            let name = invocation.name.map(|name| name.0).unwrap_or_default();
            self.legacy.push((name.clone(), id.clone()));
            calls.push(Part::new(Kind::ToolCall(ToolCall {
                id: Cow::Owned(id),
                name,
                namespace: None,
                args: Args::Text(text),
            })));
        }
        calls
    }

    fn result(&mut self, message: WireMessage<'a>) -> Part<'a> {
        let name = message.name.map(|name| name.0);
        let id = message
            .tool_call_id
            .map_or_else(|| self.legacy_id(name.as_deref()), |id| id.0);
        let mut parts = Vec::new();
        if let Some(body) = message.content {
            content(body, &mut parts);
        }
        let freeform = self.custom.contains(&id);
        let result = ToolResult {
            id,
            name,
            content: parts,
            is_error: false,
            freeform,
        };
        let cache = message.cache_control.as_ref().map(mark);
        Part {
            cache,
            ..Part::new(Kind::ToolResult(result))
        }
    }

    /// The id of the first legacy call of that name that waits; empty when none does.
    fn legacy_id(&mut self, name: Option<&str>) -> Cow<'a, str> {
        let found = self
            .legacy
            .iter()
            .position(|(called, _)| name.is_none_or(|name| called == name));
        found.map_or(Cow::Borrowed(""), |at| Cow::Owned(self.legacy.remove(at).1))
    }
}

fn is_results(turn: &Turn<'_>) -> bool {
    turn.role == Role::User
        && turn.name.is_none()
        && turn
            .parts
            .last()
            .is_some_and(|part| matches!(part.kind, Kind::ToolResult(_)))
}

fn plain<'a>(role: Role, message: WireMessage<'a>) -> Turn<'a> {
    let mut parts = Vec::new();
    if let Some(body) = message.content {
        content(body, &mut parts);
    }
    if let (Some(mark), Some(last)) = (message.cache_control.as_ref().map(mark), parts.last_mut()) {
        last.cache.get_or_insert(mark);
    }
    Turn {
        name: message.name.map(|name| name.0),
        ..Turn::new(role, parts)
    }
}

fn instructions<'a>(message: WireMessage<'a>, request: &mut Request<'a>) {
    let whole = message.cache_control.as_ref().map(mark);
    let before = request.instructions.len();
    match message.content {
        Some(Content::Text(text)) => request.instructions.push(Instruction { text, cache: None }),
        Some(Content::Parts(parts)) => {
            request
                .instructions
                .extend(parts.into_iter().filter_map(|part| {
                    let cache = part
                        .breakpoint
                        .as_ref()
                        .or(part.cache_control.as_ref())
                        .map(mark);
                    part.text.map(|text: Text<'a>| Instruction { text, cache })
                }));
        }
        None => {}
    }
    if let (Some(mark), Some(last)) = (whole, request.instructions[before..].last_mut()) {
        last.cache.get_or_insert(mark);
    }
}
