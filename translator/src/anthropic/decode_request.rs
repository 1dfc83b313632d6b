//! Reads a request: top-level members, system text and messages. Blocks and tools have files of their own.

use std::borrow::Cow;

use super::decode_parts::{cache_mark, parts};
use super::decode_tools::{tool_choice, tools};
use super::wire::{Block, Body, Format, Message, OutputConfig, Thinking};
use crate::error::Refusal;
use crate::ir::{
    CacheMark, Effort, Instruction, Output, Policy, ReasoningMode, Request, Residue, Role, Show,
    Summary, Tier, Turn,
};
use crate::json;
use crate::member::Member;
use crate::wire::{Number, OneOrMany, Raw, Str};
use crate::{Dialect, Text};

/// The attribution line of Claude Code, the first system block. It concerns Anthropic alone and changes
/// with every kind of request, which would spoil the prompt caches of others.
const ATTRIBUTION: &str = "x-anthropic-billing-header:";
/// The name under which the attribution line is kept for the same dialect.
pub(super) const ATTRIBUTION_FIELD: &str = "system.attribution";

/// Reads a request.
pub(crate) fn decode_request(body: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut body: Body<'_> = crate::wire::parse(body)?;
    if body.thread.is_some() {
        return Err(Refusal::new(
            "thread",
            "thread: server-side threads are not kept here; send the whole conversation in `messages` without `thread`",
        ));
    }
    let Some(model) = body.model.take() else {
        return Err(Refusal::new(
            "model",
            "model: field required; name the model that should answer",
        ));
    };
    let Some(messages) = body.messages.take() else {
        return Err(Refusal::new(
            "messages",
            "messages: field required; give at least one message",
        ));
    };
    let mut request = Request::new(Dialect::Anthropic, model.0);
    instructions(body.system.take(), &mut request);
    for message in messages {
        turn(message, &mut request);
    }
    let (decoded, mut residue) = tools(body.tools.take().unwrap_or_default());
    request.tools = decoded;
    request.residue.append(&mut residue);
    if let Some(choice) = body.tool_choice.take() {
        request.parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
        request.tool_choice = tool_choice(choice);
    }
    config(body, &mut request);
    Ok(request)
}

fn instructions<'a>(system: Option<OneOrMany<'a, Block<'a>>>, request: &mut Request<'a>) {
    let blocks = match system {
        None => return,
        Some(OneOrMany::One(text)) => {
            instruction(text, None, request);
            return;
        }
        Some(OneOrMany::Many(blocks)) => blocks,
    };
    for block in blocks {
        let cache = cache_mark(block.cache_control.as_ref());
        let Some(text) = block.text else { continue };
        instruction(text, cache, request);
    }
}

/// Keeps an instruction; an attribution line in front of it is kept for the same dialect alone.
fn instruction<'a>(text: Text<'a>, cache: Option<CacheMark>, request: &mut Request<'a>) {
    let attributed = match &text {
        Text::Json(raw) => raw
            .get(1..)
            .is_some_and(|inner| inner.starts_with(ATTRIBUTION)),
        Text::Plain(plain) => plain.starts_with(ATTRIBUTION),
    };
    if !attributed {
        request.instructions.push(Instruction { text, cache });
        return;
    }
    if let Text::Json(raw) = &text {
        request.residue.push(Residue {
            field: Cow::Borrowed(ATTRIBUTION_FIELD),
            raw,
            policy: Policy::Silent,
        });
    }
    let whole = text.as_str();
    let rest = whole.split_once('\n').map_or("", |(_, rest)| rest);
    if !rest.trim().is_empty() {
        let text = Text::Plain(Cow::Owned(rest.to_owned()));
        request.instructions.push(Instruction { text, cache });
    }
}

fn turn<'a>(message: Message<'a>, request: &mut Request<'a>) {
    let role = match message.role.as_ref().map(Str::as_str) {
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        _ => Role::User,
    };
    let parts = match message.content {
        None => Vec::new(),
        Some(OneOrMany::One(text)) => vec![crate::ir::Part::text(text)],
        Some(OneOrMany::Many(blocks)) => parts(blocks),
    };
    if role == Role::System {
        // An empty system message only carries a per-turn setting, which has no home elsewhere.
        if parts.is_empty() {
            return;
        }
        if request.turns.is_empty() {
            for part in parts {
                if let crate::ir::Kind::Text { text, .. } = part.kind {
                    request.instructions.push(Instruction {
                        text,
                        cache: part.cache,
                    });
                }
            }
            return;
        }
    }
    request.turns.push(Turn::new(role, parts));
}

fn config<'a>(body: Body<'a>, request: &mut Request<'a>) {
    request.max_output = body.max_tokens.and_then(Number::as_u64);
    request.stop = body.stop_sequences.map(stop_sequences).unwrap_or_default();
    request.sampling.temperature = body.temperature.map(|number| number.0);
    request.sampling.top_p = body.top_p.map(|number| number.0);
    request.sampling.top_k = body.top_k.map(|number| number.0);
    request.user = body.metadata.and_then(|metadata| metadata.user_id);
    request.cache.auto = cache_mark(body.cache_control.as_ref());
    request.stream = body.stream.unwrap_or(false);
    request.tier = match body.service_tier.as_ref().map(Str::as_str) {
        Some("auto") => Some(Tier::Auto),
        Some("standard_only") => Some(Tier::Default),
        _ => None,
    };
    if let Some(thinking) = &body.thinking {
        reasoning(thinking, request);
    }
    let thinks = body.thinking.is_some();
    if let Some(config) = body.output_config {
        if config.effort.is_some() && !thinks {
            request
                .spelling
                .push((Member::Reasoning, "output_config.effort"));
        }
        output_config(config, request);
    }
    if let Some(format) = body.output_format {
        request.spelling.push((Member::Output, "output_format"));
        output(&format, request);
    }
    for (field, raw) in body.extra {
        let policy = policy(&field, raw.get());
        request.residue.push(Residue {
            field,
            raw: raw.get(),
            policy,
        });
    }
}

/// A list of strings, or the one string that some clients send.
fn stop_sequences(raw: Raw<'_>) -> Vec<Text<'_>> {
    let raw = raw.get();
    if raw.starts_with('"') {
        return vec![Text::Json(raw)];
    }
    json::elements(raw)
        .filter(|item| item.starts_with('"'))
        .map(Text::Json)
        .collect()
}

fn reasoning(thinking: &Thinking<'_>, request: &mut Request<'_>) {
    let reasoning = &mut request.reasoning;
    reasoning.budget = thinking.budget_tokens.and_then(Number::as_i64);
    reasoning.mode = match thinking.kind.as_ref().map(Str::as_str) {
        Some("enabled") => ReasoningMode::On,
        Some("adaptive") => ReasoningMode::Adaptive,
        Some("disabled") => ReasoningMode::Off,
        Some("between_tools") => ReasoningMode::BetweenTools,
        _ => ReasoningMode::Unset,
    };
    reasoning.show = match thinking.display.as_ref().map(Str::as_str) {
        Some("summarized" | "updates") => Show::Summary(Summary::Auto),
        Some("omitted") => Show::Hidden,
        _ => Show::Unset,
    };
}

fn output_config<'a>(config: OutputConfig<'a>, request: &mut Request<'a>) {
    request.reasoning.effort = config
        .effort
        .as_ref()
        .and_then(|effort| Effort::parse(effort.as_str()));
    if let Some(format) = config.format {
        output(&format, request);
    }
    for (name, raw) in config.extra {
        let policy = if name == "task_budget" {
            Policy::Report
        } else {
            Policy::Silent
        };
        let field = Cow::Owned(format!("output_config.{name}"));
        request.residue.push(Residue {
            field,
            raw: raw.get(),
            policy,
        });
    }
}

fn output<'a>(format: &Format<'a>, request: &mut Request<'a>) {
    if let Some(schema) = format.schema {
        let schema = Cow::Borrowed(schema.get());
        request.output = Output::Schema {
            name: None,
            description: None,
            schema,
            strict: Some(true),
        };
    }
}

/// What happens to a member of this dialect alone when the request goes to another one.
fn policy(field: &str, raw: &str) -> Policy {
    match field {
        // Keeping all thinking is what every other dialect does anyway.
        "context_management" if keeps_everything(raw) => Policy::Silent,
        "context_management" | "compaction" => Policy::Report,
        "speed" if raw != "\"standard\"" => Policy::Report,
        // A bare id names an existing container; an object only asks for a new one.
        "container" if raw.starts_with('"') => Policy::Refuse,
        "inference_geo" | "mcp_servers" if raw != "null" && raw != "[]" => Policy::Refuse,
        _ => Policy::Silent,
    }
}

fn keeps_everything(raw: &str) -> bool {
    json::member(raw, "edits").is_none_or(|edits| {
        json::elements(edits).all(|edit| {
            json::member(edit, "type").is_some_and(|tag| tag.starts_with("\"clear_thinking"))
                && json::member(edit, "keep") == Some("\"all\"")
        })
    })
}

#[cfg(test)]
mod tests;
