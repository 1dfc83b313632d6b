//! Arranges turns as the service wants them: a user message first, results before other blocks, system
//! text only where it may stand, thinking only with its own state.
//!
//! A message is arranged by what stands before it and by the role of what follows, never by anything later,
//! so that a growing conversation keeps its prefix.

use std::borrow::Cow;

use crate::Dialect;
use crate::fidelity::Report;
use crate::ir::{Kind, Opaque, OpaqueKind, Part, Request, Role, Turn};
use crate::member::Member;
use crate::translate::Target;

/// A message in its final place.
#[derive(Debug)]
pub(super) struct Message<'r, 'a> {
    pub(super) role: Role,
    pub(super) blocks: Vec<Block<'r, 'a>>,
}

/// A block in its final place.
#[derive(Debug)]
pub(super) enum Block<'r, 'a> {
    /// A part as it is.
    Part(&'r Part<'a>),
    /// The vendor's own thinking block.
    Thinking(&'r str),
    /// System text that may not stand in a message of its own.
    Note(&'r Part<'a>),
    /// A line of the hub.
    Line(Cow<'r, str>),
    /// The result of a call that was never run.
    NotRun(&'r str),
}

/// Arranges the conversation. When there is nothing but instructions, the last of them becomes the question;
/// the flag says so.
pub(super) fn arrange<'r, 'a>(
    request: &'r Request<'a>,
    target: &Target<'_>,
    report: &mut Report,
) -> (Vec<Message<'r, 'a>>, bool) {
    let mut moved = false;
    let mut out: Vec<Message<'r, 'a>> = Vec::with_capacity(request.turns.len());
    for (index, turn) in request.turns.iter().enumerate() {
        match turn.role {
            Role::System => system(
                &mut out,
                turn,
                &request.turns[index + 1..],
                target,
                report,
                request.dialect,
            ),
            Role::User => user(&mut out, turn),
            Role::Assistant => assistant(&mut out, turn, target),
        }
    }
    let field = Member::Turns.of(request.dialect);
    if out.is_empty() {
        let question = request
            .instructions
            .last()
            .filter(|last| !last.text.is_blank());
        moved = question.is_some();
        let line = question.map_or(Cow::Borrowed("(conversation start)"), |last| {
            last.text.as_str()
        });
        out.push(Message {
            role: Role::User,
            blocks: vec![Block::Line(line)],
        });
        report.emulated(
            field,
            "a user message was made, because the service needs one",
        );
    } else if out[0].role != Role::User {
        out.insert(
            0,
            Message {
                role: Role::User,
                blocks: vec![Block::Line("(conversation start)".into())],
            },
        );
        report.emulated(
            field,
            "a user message was put in front, because the service wants it first",
        );
    }
    answer_open_calls(&mut out);
    for message in &mut out {
        if message.role == Role::User {
            // Stable: results keep their order, and so does the rest.
            message.blocks.sort_by_key(|block| !is_result(block));
        }
    }
    (out, moved)
}

fn is_result(block: &Block<'_, '_>) -> bool {
    matches!(block, Block::NotRun(_))
        || matches!(block, Block::Part(part) if matches!(part.kind, Kind::ToolResult(_)))
}

fn is_blank(part: &Part<'_>) -> bool {
    matches!(&part.kind, Kind::Text { text, .. } | Kind::Refusal(text) if text.is_blank())
}

/// The message of that role at the end, made if there is none.
fn last_of<'m, 'r, 'a>(
    out: &'m mut Vec<Message<'r, 'a>>,
    role: Role,
) -> &'m mut Vec<Block<'r, 'a>> {
    if out.last().is_none_or(|last| last.role != role) {
        out.push(Message {
            role,
            blocks: Vec::new(),
        });
    }
    &mut out
        .last_mut()
        .expect("a message was pushed if there was none")
        .blocks
}

fn user<'r, 'a>(out: &mut Vec<Message<'r, 'a>>, turn: &'r Turn<'a>) {
    let blocks = last_of(out, Role::User);
    let reasoning = |part: &&Part<'_>| !matches!(part.kind, Kind::Reasoning { .. });
    blocks.extend(
        turn.parts
            .iter()
            .filter(|part| !is_blank(part))
            .filter(reasoning)
            .map(Block::Part),
    );
    if blocks.is_empty() {
        blocks.push(Block::Line("(no content)".into()));
    }
}

fn assistant<'r, 'a>(out: &mut Vec<Message<'r, 'a>>, turn: &'r Turn<'a>, target: &Target<'_>) {
    let mut blocks: Vec<Block<'r, 'a>> = Vec::with_capacity(turn.parts.len());
    for part in &turn.parts {
        for state in part.opaque.iter().filter(|state| is_usable(state, target)) {
            place_thinking(&mut blocks, part, &state.state);
        }
        if !is_blank(part) && !matches!(part.kind, Kind::Reasoning { .. }) {
            blocks.push(Block::Part(part));
        }
    }
    // Two thinking blocks in a row are refused; what stood between them has been left out.
    blocks.dedup_by(|later, earlier| {
        let is_thinking = |block: &Block<'_, '_>| {
            matches!(block, Block::Thinking(state) if state.starts_with("{\"type\":\"thinking\""))
        };
        let adjacent = is_thinking(later) && is_thinking(earlier);
        if adjacent {
            std::mem::swap(later, earlier);
        }
        adjacent
    });
    // Thinking may not end a message.
    while matches!(blocks.last(), Some(Block::Thinking(_))) {
        blocks.pop();
    }
    if !blocks.is_empty() {
        last_of(out, Role::Assistant).append(&mut blocks);
    }
}

/// State of this vendor, made by this provider or brought by the client itself.
pub(super) fn is_usable(state: &Opaque<'_>, target: &Target<'_>) -> bool {
    state.origin == Dialect::Anthropic
        && state.kind == OpaqueKind::Thinking
        && !target.drop_state
        && state
            .provider
            .as_deref()
            .is_none_or(|provider| provider == target.provider)
}

/// State that was kept with a call belongs in front of the turn, unless thinking stands there already.
fn place_thinking<'r, 'a>(blocks: &mut Vec<Block<'r, 'a>>, part: &Part<'a>, state: &'r str) {
    if blocks
        .iter()
        .any(|block| matches!(block, Block::Thinking(other) if *other == state))
    {
        return;
    }
    let first = !blocks
        .iter()
        .any(|block| matches!(block, Block::Thinking(_)));
    if first && !matches!(part.kind, Kind::Reasoning { .. }) {
        blocks.insert(0, Block::Thinking(state));
    } else {
        blocks.push(Block::Thinking(state));
    }
}

fn system<'r, 'a>(
    out: &mut Vec<Message<'r, 'a>>,
    turn: &'r Turn<'a>,
    rest: &[Turn<'a>],
    target: &Target<'_>,
    report: &mut Report,
    dialect: Dialect,
) {
    let texts = || {
        turn.parts
            .iter()
            .filter(|part| matches!(part.kind, Kind::Text { .. }) && !is_blank(part))
    };
    if texts().next().is_none() {
        return;
    }
    let follows = rest
        .iter()
        .map(|turn| turn.role)
        .find(|role| *role != Role::System);
    let placed = matches!(out.last(), Some(last) if last.role != Role::Assistant)
        && follows != Some(Role::User);
    if target.capability.mid_system && placed {
        last_of(out, Role::System).extend(texts().map(Block::Part));
        return;
    }
    last_of(out, Role::User).extend(texts().map(Block::Note));
    report.emulated(
        Member::Turns.of(dialect),
        "system text in mid-conversation was wrapped as a note of the user's turn",
    );
}

/// Calls of a last assistant message need results as well, or the service refuses the request.
fn answer_open_calls(out: &mut Vec<Message<'_, '_>>) {
    let Some(last) = out.last().filter(|last| last.role == Role::Assistant) else {
        return;
    };
    let open: Vec<_> = last
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Part(Part {
                kind: Kind::ToolCall(call),
                ..
            }) => Some(Block::NotRun(&call.id)),
            _ => None,
        })
        .collect();
    if !open.is_empty() {
        out.push(Message {
            role: Role::User,
            blocks: open,
        });
    }
}

/// True when a tool loop is under way in which an assistant message lacks its thinking.
pub(super) fn open_loop_lacks_thinking(messages: &[Message<'_, '_>]) -> bool {
    let spoken: Vec<_> = messages
        .iter()
        .filter(|message| message.role != Role::System)
        .collect();
    let mut end = spoken.len();
    while let Some([assistant, user]) = end
        .checked_sub(2)
        .map(|start| [spoken[start], spoken[start + 1]])
    {
        if user.role != Role::User
            || assistant.role != Role::Assistant
            || !user.blocks.iter().any(is_result)
        {
            return false;
        }
        if !matches!(assistant.blocks.first(), Some(Block::Thinking(_))) {
            return true;
        }
        end -= 2;
    }
    false
}
