//! Writes a request: plans first, then one pass into one buffer.
//!
//! Members stand in the order in which the service reads its prompt (tools, system, messages), so that
//! prompt-cache marks are counted while they are written.

use super::cache::Marks;
use super::decode_request::ATTRIBUTION_FIELD;
use super::encode_config::{self, Form};
use super::encode_parts::Blocks;
use super::encode_tools::{Choice, Tools};
use super::encode_turns::{self, Block, Message};
use super::names::{CallIds, Names};
use super::reasoning::{self, Mode, Thinking};
use crate::error::Refusal;
use crate::fidelity::Report;
use crate::ir::{Effort, Kind, Policy, Request, Role};
use crate::json;
use crate::json::Writer;
use crate::member::Member;
use crate::translate::{Outbound, Target};
use crate::undo::Undo;
use crate::{Dialect, Text};

/// The version of the API in which bodies are written: the one that still knows sampling parameters.
const VERSION: &str = "2023-06-01";
const CONTINUE: &str = "Continue exactly from where the previous message ends.";

/// What the body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Answer,
    Count,
}

/// Writes a request.
pub(crate) fn encode_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    encode(request, target, Purpose::Answer)
}

/// Writes a request to count the tokens of a prompt: the same prompt as [`encode_request`] would send, without
/// the members that only concern the answer.
///
/// # Errors
/// When something cannot be carried to this dialect.
pub fn encode_count_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    encode(request, target, Purpose::Count)
}

/// Everything that is decided before a byte is written.
struct Plan<'r, 'a> {
    messages: Vec<Message<'r, 'a>>,
    tools: Tools<'r, 'a>,
    choice: Choice<'r>,
    thinking: Thinking,
    form: Form,
    /// The instructions were moved to the conversation.
    moved: bool,
    /// The model continues the last message.
    continued: bool,
}

fn encode(
    request: &Request<'_>,
    target: &Target<'_>,
    purpose: Purpose,
) -> Result<Outbound, Refusal> {
    encode_config::alternatives(request, target.capability)?;
    let (mut report, mut undo) = (Report::default(), Undo::default());
    residue(request, &mut report)?;
    let names = Names::of(&request.tools, target.capability.tool_name_max);
    let plan = plan(request, target, &names, &mut undo, &mut report);
    let mut blocks = Blocks {
        dialect: request.dialect,
        images: target.capability.images,
        citations: !matches!(plan.form, Form::Schema(_)),
        ids: CallIds::new(target.capability.call_id_max),
        marks: Marks::plan(request, target, &mut report),
        nested: false,
        names,
        report,
        refusal: None,
    };
    let mut body = Vec::with_capacity(size(request));
    Writer::new(&mut body).object(|w| {
        w.str("model", target.model);
        if purpose == Purpose::Answer {
            settings(w, request, target, &plan, &mut undo, &mut blocks.report);
        }
        thinking(w, &plan.thinking);
        output_config(w, request, &plan);
        let Blocks {
            names,
            marks,
            report,
            ..
        } = &mut blocks;
        plan.tools
            .write(w, request, target.capability, names, marks, report);
        plan.choice
            .write(w, request.parallel, !plan.tools.is_empty(), names);
        blocks.marks.write_auto(w);
        system(w, request, &plan, &mut blocks.marks);
        messages(w, &plan, &mut blocks);
        if request.dialect == Dialect::Anthropic {
            own_members(w, request, purpose, plan.thinking.is_on(target.capability));
        }
    });
    if let Some(refusal) = blocks.refusal {
        return Err(refusal);
    }
    Ok(Outbound {
        body,
        headers: headers(request),
        report: blocks.report,
        undo,
        ..Outbound::default()
    })
}

fn plan<'r, 'a>(
    request: &'r Request<'a>,
    target: &Target<'_>,
    names: &Names<'r>,
    undo: &mut Undo,
    report: &mut Report,
) -> Plan<'r, 'a> {
    let capability = target.capability;
    let field = Member::ToolChoice.of(request.dialect);
    let (mut messages, moved) = encode_turns::arrange(request, target, report);
    let mut tools = Tools::plan(request, names, undo, report);
    let mut choice = Choice::plan(request, &tools, report);
    let form = encode_config::form(request, target, undo, report);
    let limit = request
        .max_output
        .map(|given| given.min(capability.max_output.unwrap_or(given)));
    let mut thinking = reasoning::plan(request, capability, limit, report);
    if matches!(thinking.mode, Mode::Enabled(_))
        && encode_turns::open_loop_lacks_thinking(&messages)
    {
        thinking.mode = Mode::Disabled;
        thinking.display = None;
        report.degraded(
            Member::Reasoning.of(request.dialect),
            "thinking is off until this tool loop ends, because its beginning carries no thinking of this provider",
        );
    }
    if choice.is_forced()
        && capability.forced_tool_choice
        && thinking.is_on(capability)
        && !capability.forced_with_reasoning
    {
        // A wish to think is a hint, a forced call is what the client's code builds on.
        if capability.can_disable {
            thinking.mode = Mode::Disabled;
            thinking.display = None;
            thinking.effort = thinking.effort.map(|effort| effort.min(Effort::High));
            report.degraded(
                Member::Reasoning.of(request.dialect),
                "thinking is off, because a call is forced",
            );
        } else {
            report.degraded(
                field,
                "a call cannot be forced while the model thinks; the model is told to make one",
            );
            insist(&mut choice, &mut messages, &mut tools);
        }
    } else if choice.is_forced() && !capability.forced_tool_choice {
        report.emulated(
            field,
            "a call cannot be forced on this model; the model is told to make one",
        );
        insist(&mut choice, &mut messages, &mut tools);
    }
    let continued = continues(
        &mut messages,
        target,
        &thinking,
        &form,
        request.dialect,
        report,
    );
    Plan {
        messages,
        tools,
        choice,
        thinking,
        form,
        moved,
        continued,
    }
}

/// Tells the model to make the call that cannot be forced.
fn insist<'r>(
    choice: &mut Choice<'r>,
    messages: &mut Vec<Message<'r, '_>>,
    tools: &mut Tools<'r, '_>,
) {
    let line = match choice {
        Choice::Tool(name) => {
            tools.insisted = Some(name);
            format!("Use the tool \"{name}\" to answer.")
        }
        _ => "Use one of the tools to answer.".to_owned(),
    };
    *choice = Choice::Auto;
    match messages
        .iter_mut()
        .rfind(|message| message.role != Role::System)
    {
        Some(last) if last.role == Role::User => last.blocks.push(Block::Line(line.into())),
        _ => messages.push(Message {
            role: Role::User,
            blocks: vec![Block::Line(line.into())],
        }),
    }
}

/// Whether the model continues the last message. Where it cannot, it is asked to.
fn continues(
    messages: &mut Vec<Message<'_, '_>>,
    target: &Target<'_>,
    thinking: &Thinking,
    form: &Form,
    dialect: Dialect,
    report: &mut Report,
) -> bool {
    if messages
        .last()
        .is_none_or(|last| last.role != Role::Assistant)
    {
        return false;
    }
    let bound = matches!(form, Form::Schema(_));
    if target.capability.prefill && !thinking.is_on(target.capability) && !bound {
        return true;
    }
    messages.push(Message {
        role: Role::User,
        blocks: vec![Block::Line(CONTINUE.into())],
    });
    report.degraded(
        Member::Turns.of(dialect),
        "the model does not continue a message; it is asked to go on",
    );
    false
}

/// Members that the representation has no field for.
fn residue(request: &Request<'_>, report: &mut Report) -> Result<(), Refusal> {
    if request.dialect == Dialect::Anthropic {
        return Ok(());
    }
    for member in &request.residue {
        match member.policy {
            Policy::Silent => {}
            Policy::Report => report.dropped(
                member.field.clone().into_owned(),
                "no counterpart in this dialect",
            ),
            Policy::Refuse => {
                let field = member.field.clone().into_owned();
                let message =
                    format!("{field}: cannot be carried to an Anthropic model; leave it out");
                return Err(Refusal::new(field, message));
            }
        }
    }
    Ok(())
}

/// Members of the answer: limit, sampling, stop, user, stream.
fn settings(
    w: &mut Writer<'_>,
    request: &Request<'_>,
    target: &Target<'_>,
    plan: &Plan<'_, '_>,
    undo: &mut Undo,
    report: &mut Report,
) {
    let capability = target.capability;
    w.uint(
        "max_tokens",
        encode_config::max_tokens(request, capability, &plan.thinking, report),
    );
    if target.stream {
        w.bool("stream", true);
    }
    encode_config::sampling(w, request, capability, &plan.thinking, report);
    encode_config::stop(w, request, capability, undo, report);
    encode_config::account(w, request, report);
}

fn thinking(w: &mut Writer<'_>, thinking: &Thinking) {
    let word = match thinking.mode {
        Mode::Unset => return,
        Mode::Disabled => "disabled",
        Mode::BetweenTools => "between_tools",
        Mode::Adaptive => "adaptive",
        Mode::Enabled(_) => "enabled",
    };
    w.object_in("thinking", |w| {
        w.str("type", word);
        if let Mode::Enabled(budget) = thinking.mode {
            w.uint("budget_tokens", budget);
        }
        if let Some(display) = thinking.display {
            w.str("display", display);
        }
    });
}

fn output_config(w: &mut Writer<'_>, request: &Request<'_>, plan: &Plan<'_, '_>) {
    const PREFIX: &str = "output_config.";
    let own: Vec<_> = request
        .residue
        .iter()
        .filter(|_| request.dialect == Dialect::Anthropic)
        .filter_map(|member| Some((member.field.strip_prefix(PREFIX)?, member.raw)))
        .collect();
    let schema = match &plan.form {
        Form::Schema(schema) => Some(schema),
        Form::Text | Form::Told(_) => None,
    };
    if own.is_empty() && schema.is_none() && plan.thinking.effort.is_none() {
        return;
    }
    w.object_in("output_config", |w| {
        if let Some(effort) = plan.thinking.effort {
            w.str("effort", effort.as_str());
        }
        if let Some(schema) = schema {
            w.object_in("format", |w| {
                w.str("type", "json_schema");
                w.raw("schema", schema);
            });
        }
        for (name, raw) in own {
            w.raw(name, raw);
        }
    });
}

fn system(w: &mut Writer<'_>, request: &Request<'_>, plan: &Plan<'_, '_>, marks: &mut Marks) {
    let last = request
        .instructions
        .len()
        .saturating_sub(usize::from(plan.moved));
    let own: Vec<_> = request.instructions[..last]
        .iter()
        .filter(|block| !block.text.is_blank())
        .collect();
    let attribution = request.residue.iter().filter(|member| {
        request.dialect == Dialect::Anthropic && member.field == ATTRIBUTION_FIELD
    });
    let told = match &plan.form {
        Form::Told(line) => Some(line),
        Form::Text | Form::Schema(_) => None,
    };
    if own.is_empty() && told.is_none() && attribution.clone().next().is_none() {
        return;
    }
    w.array_in("system", |w| {
        for member in attribution {
            w.object(|w| {
                w.str("type", "text");
                // What stood behind the line is an instruction of its own by now.
                let whole = Text::Json(member.raw).into_cow();
                w.str("text", whole.split('\n').next().unwrap_or_default());
            });
        }
        for block in own {
            w.object(|w| {
                w.str("type", "text");
                w.text("text", &block.text);
                marks.write(w, block.cache);
            });
        }
        if let Some(line) = told {
            w.object(|w| {
                w.str("type", "text");
                w.text("text", &Text::borrowed(line));
            });
        }
    });
}

fn messages<'r>(w: &mut Writer<'_>, plan: &Plan<'r, '_>, blocks: &mut Blocks<'r>) {
    w.array_in("messages", |w| {
        for (index, message) in plan.messages.iter().enumerate() {
            let tail = plan.continued && index + 1 == plan.messages.len();
            w.object(|w| {
                w.str(
                    "role",
                    match message.role {
                        Role::User => "user",
                        Role::Assistant => "assistant",
                        Role::System => "system",
                    },
                );
                w.array_in("content", |w| {
                    for (at, block) in message.blocks.iter().enumerate() {
                        blocks.write(
                            w,
                            message.role,
                            block,
                            tail && at + 1 == message.blocks.len(),
                        );
                    }
                });
            });
        }
    });
}

/// Members of this dialect alone, back in their place.
fn own_members(w: &mut Writer<'_>, request: &Request<'_>, purpose: Purpose, thinks: bool) {
    for member in &request.residue {
        // A dot marks what belongs inside another member. Counting takes next to nothing.
        if member.field.contains('.') || (purpose == Purpose::Count && member.field != "speed") {
            continue;
        }
        if member.field == "context_management" && !thinks {
            without_thinking_edits(w, member.raw);
        } else {
            w.raw(&member.field, member.raw);
        }
    }
}

/// The edits that clear thinking are refused where the hub has switched thinking off.
fn without_thinking_edits(w: &mut Writer<'_>, raw: &str) {
    let clears_thinking = |edit: &&str| {
        json::member(edit, "type").is_some_and(|tag| tag.starts_with("\"clear_thinking"))
    };
    let edits = json::member(raw, "edits").unwrap_or("[]");
    if !json::elements(edits).any(|edit| clears_thinking(&edit)) {
        return w.raw("context_management", raw);
    }
    let kept: Vec<&str> = json::elements(edits)
        .filter(|edit| !clears_thinking(edit))
        .collect();
    if kept.is_empty() {
        return;
    }
    w.object_in("context_management", |w| {
        for (key, range) in crate::json::members(raw).filter(|(key, _)| key != "edits") {
            w.raw(&key, &raw[range]);
        }
        w.array_in("edits", |w| kept.iter().for_each(|edit| w.item_raw(edit)));
    });
}

fn headers(request: &Request<'_>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("anthropic-version", VERSION.to_owned())];
    let betas: Vec<&str> = request
        .residue
        .iter()
        .filter(|_| request.dialect == Dialect::Anthropic)
        .filter_map(|member| match member.field.as_ref() {
            "context_management" => Some("context-management-2025-06-27"),
            "mcp_servers" => Some("mcp-client-2025-11-20"),
            "output_config.task_budget" => Some("task-budgets-2026-03-13"),
            _ => None,
        })
        .collect();
    if !betas.is_empty() {
        headers.push(("anthropic-beta", betas.join(",")));
    }
    headers
}

/// A guess of the body's size, so that the buffer hardly ever grows.
fn size(request: &Request<'_>) -> usize {
    let turns: usize = request
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(part_size)
        .sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| match &tool.kind {
            crate::ir::ToolKind::Function {
                schema: Some(schema),
            } => schema.len() + 512,
            _ => 512,
        })
        .sum();
    let system: usize = request
        .instructions
        .iter()
        .map(|block| block.text.len_hint() + 64)
        .sum();
    turns + tools + system + 1024
}

fn part_size(part: &crate::ir::Part<'_>) -> usize {
    64 + match &part.kind {
        Kind::Text { text, .. } | Kind::Refusal(text) => text.len_hint(),
        Kind::ToolResult(result) => result.content.iter().map(part_size).sum(),
        Kind::ToolCall(call) => match &call.args {
            crate::ir::Args::Object(raw) => raw.len(),
            crate::ir::Args::Text(text) | crate::ir::Args::Freeform(text) => text.len_hint(),
        },
        Kind::Image {
            source: crate::ir::Source::Base64 { data, .. },
            ..
        } => data.len_hint(),
        _ => 64,
    }
}

#[cfg(test)]
mod tests;
