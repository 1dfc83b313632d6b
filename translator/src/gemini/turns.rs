//! Turns gathered into contents as this dialect wants them: roles alternate, the first one is the user's,
//! each model content with calls is followed by one with exactly their results, in their order.
//!
//! Looks backwards only, so that a growing conversation keeps its earlier contents.

use crate::fidelity::Report;
use crate::ir::{Instruction, Kind, Part, Request, Role, ToolCall, ToolResult};
use crate::member::Member;
use crate::prepare::NO_CONTENT;
use crate::{Dialect, Text};

/// What stands in a content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'r, 'a> {
    /// A part of the conversation.
    Part(&'r Part<'a>),
    /// The result of the call before it, under that call's name.
    Result(&'r ToolResult<'a>, &'r ToolCall<'a>),
    /// A call that nobody answered.
    Unanswered(&'r ToolCall<'a>),
    /// A result that nobody asked for.
    Orphan(&'r ToolResult<'a>),
    /// Words of the operator in mid-conversation.
    Note(&'r Text<'a>),
    /// Leading instructions that must serve as the only turn.
    Instruction(&'r Instruction<'a>),
    /// Words of the hub.
    Fixed(&'static str),
}

/// One content.
#[derive(Debug)]
pub(super) struct Content<'r, 'a> {
    pub(super) model: bool,
    pub(super) items: Vec<Item<'r, 'a>>,
}

pub(super) fn gather<'r, 'a>(
    request: &'r Request<'a>,
    prefill: bool,
    report: &mut Report,
) -> Vec<Content<'r, 'a>> {
    let member = Member::Turns.of(request.dialect);
    let mut out = alternating(request);
    if out.first().is_some_and(|first| first.model) {
        out.insert(
            0,
            Content {
                model: false,
                items: vec![Item::Fixed("(conversation start)")],
            },
        );
        report.emulated(
            member,
            "a user turn was put in front of the first assistant turn",
        );
    }
    let mut answered = Vec::with_capacity(out.len());
    for content in out {
        match answered.last() {
            Some(last) => {
                let calls = calls(last);
                answer(content, &calls, &mut answered);
            }
            None => answer(content, &[], &mut answered),
        }
    }
    if let Some(last) = answered.last() {
        let calls = calls(last);
        if !calls.is_empty() {
            answer(
                Content {
                    model: false,
                    items: Vec::new(),
                },
                &calls,
                &mut answered,
            );
        }
    }
    if answered.last().is_some_and(|last| last.model) && !prefill {
        answered.push(Content {
            model: false,
            items: vec![Item::Fixed(
                "Continue exactly from where the previous message ends.",
            )],
        });
        report.degraded(
            member,
            "the model does not continue an assistant turn; it was asked to go on",
        );
    }
    answered
}

/// Neighbours of one side merged; nothing that says nothing.
fn alternating<'r, 'a>(request: &'r Request<'a>) -> Vec<Content<'r, 'a>> {
    let mut out: Vec<Content<'r, 'a>> = Vec::with_capacity(request.turns.len());
    for turn in &request.turns {
        let model = turn.role == Role::Assistant;
        let items = turn
            .parts
            .iter()
            .filter(|part| !is_nothing(part))
            .filter(|part| request.dialect == Dialect::Gemini || !is_blank(part))
            .map(|part| match &part.kind {
                Kind::Text { text, .. } if turn.role == Role::System => Item::Note(text),
                _ => Item::Part(part),
            });
        let mut items: Vec<_> = items.collect();
        match out.last_mut() {
            Some(last) if last.model == model => {
                if !items.is_empty() && matches!(last.items[..], [Item::Fixed(NO_CONTENT)]) {
                    last.items.clear();
                }
                last.items.append(&mut items);
            }
            _ => {
                // White space is the user's turn all the same: the model is not asked to go on by itself.
                if items.is_empty() && turn.role == Role::User && turn.parts.iter().any(is_blank) {
                    items.push(Item::Fixed(NO_CONTENT));
                }
                if !items.is_empty() {
                    out.push(Content { model, items });
                }
            }
        }
    }
    if out.is_empty()
        && let Some(last) = request
            .instructions
            .iter()
            .rfind(|instruction| !instruction.text.is_empty())
    {
        out.push(Content {
            model: false,
            items: vec![Item::Instruction(last)],
        });
    }
    out
}

/// White space alone: other dialects' clients leave such text behind, and services refuse it.
fn is_blank(part: &Part<'_>) -> bool {
    matches!(&part.kind, Kind::Text { text, .. } | Kind::Refusal(text) if text.is_blank() && part.opaque.is_empty())
}

fn is_nothing(part: &Part<'_>) -> bool {
    match &part.kind {
        Kind::Text { text, .. } => text.is_empty() && part.opaque.is_empty(),
        Kind::Refusal(text) => text.is_empty(),
        Kind::Reasoning { .. } => part.opaque.is_empty(),
        _ => false,
    }
}

fn calls<'r, 'a>(content: &Content<'r, 'a>) -> Vec<&'r ToolCall<'a>> {
    content
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Part(Part {
                kind: Kind::ToolCall(call),
                ..
            }) => Some(call),
            _ => None,
        })
        .collect()
}

/// Appends a content; results go first, one for each of `calls`, in their order.
fn answer<'r, 'a>(
    content: Content<'r, 'a>,
    calls: &[&'r ToolCall<'a>],
    out: &mut Vec<Content<'r, 'a>>,
) {
    let mut results: Vec<Option<&'r ToolResult<'a>>> = vec![None; calls.len()];
    let mut rest = Vec::with_capacity(content.items.len());
    for item in content.items {
        let Item::Part(Part {
            kind: Kind::ToolResult(result),
            ..
        }) = item
        else {
            rest.push(item);
            continue;
        };
        let open = calls
            .iter()
            .zip(&results)
            .position(|(call, got)| got.is_none() && call.id == result.id);
        match open {
            Some(at) if !content.model => results[at] = Some(result),
            _ => rest.push(Item::Orphan(result)),
        }
    }
    let paired = calls
        .iter()
        .zip(results)
        .map(|(call, result)| match result {
            Some(result) => Item::Result(result, call),
            None => Item::Unanswered(call),
        });
    let items: Vec<_> = paired.chain(rest).collect();
    if !items.is_empty() {
        out.push(Content {
            model: content.model,
            items,
        });
    }
}
