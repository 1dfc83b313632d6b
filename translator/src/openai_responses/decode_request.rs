//! A request body to the representation. Knows nothing of targets.

use std::borrow::Cow;

use super::decode_items::Conversation;
use super::decode_tools;
use super::wire_request::{Create, FormatWire, ReasoningWire, TextWire};
use crate::error::Refusal;
use crate::ir::{
    Effort, Instruction, Output, Part, Policy, Reasoning, ReasoningMode, Request, Residue, Role,
    Show, Summary, Tier, Turn,
};
use crate::member::Member;
use crate::wire::{self, Number, OneOrMany, Raw, Str, Wire, parse_raw};
use crate::{Dialect, Text, json};

/// Reads a request.
pub(crate) fn decode_request(body: &[u8]) -> Result<Request<'_>, Refusal> {
    let wire: Create<'_> = wire::parse(body)?;
    let mut request = Request::new(
        Dialect::OpenAiResponses,
        wire.model.clone().unwrap_or_default().0,
    );
    request.echo = echo(&wire);
    request.residue = residue(&wire);
    conversation(&wire, &mut request)?;
    tools(&wire, &mut request)?;
    request.parallel = typed(wire.parallel, "parallel_tool_calls")?;
    request.sampling.temperature =
        typed::<Number>(wire.temperature, "temperature")?.map(|number| number.0);
    request.sampling.top_p = typed::<Number>(wire.top_p, "top_p")?.map(|number| number.0);
    request.max_output =
        typed::<Number>(wire.max_output, "max_output_tokens")?.and_then(Number::as_u64);
    request.logprobs = logprobs(&wire);
    request.cache.key = typed(wire.cache_key, "prompt_cache_key")?;
    request.cache.explicit = wire
        .cache_options
        .is_some_and(|options| json::member(options.get(), "mode") == Some("\"explicit\""));
    if wire.safety_identifier.is_none() && wire.user.is_some() {
        request.spelling.push((Member::User, "user"));
    }
    request.user = wire.safety_identifier.or(wire.user);
    request.metadata = wire.metadata.map(|raw| Cow::Borrowed(raw.get()));
    request.tier = wire.tier.and_then(|tier| match tier.0.as_ref() {
        "auto" => Some(Tier::Auto),
        "default" => Some(Tier::Default),
        "flex" => Some(Tier::Flex),
        "priority" | "fast" | "ultrafast" | "scale" => Some(Tier::Priority),
        _ => None,
    });
    request.store = typed(wire.store, "store")?;
    request.previous = typed::<Str<'_>>(wire.previous, "previous_response_id")?.map(|id| id.0);
    request.stream = wire.stream.unwrap_or_default();
    Ok(request)
}

fn typed<'a, T: Wire<'a>>(raw: Option<Raw<'a>>, field: &'static str) -> Result<Option<T>, Refusal> {
    raw.map(parse_raw)
        .transpose()
        .map_err(|error| Refusal::new(field, format!("{field}: {error}")))
}

fn conversation<'a>(wire: &Create<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    let mut conversation = Conversation::default();
    if let Some(text) =
        typed::<Text<'a>>(wire.instructions, "instructions")?.filter(|text| !text.is_empty())
    {
        conversation
            .instructions
            .push(Instruction { text, cache: None });
    }
    match &wire.input {
        Some(OneOrMany::One(text)) => {
            conversation
                .turns
                .push(Turn::new(Role::User, vec![Part::text(text.clone())]));
        }
        Some(OneOrMany::Many(items)) => {
            for (index, item) in items.iter().enumerate() {
                conversation.item(*item, index)?;
            }
        }
        None => {}
    }
    request.instructions = conversation.instructions;
    request.turns = conversation.turns;
    request.tools = conversation.tools;
    request.residue.extend(conversation.residue);
    if let Some(reasoning) = typed(conversation.reasoning.or(wire.reasoning), "reasoning")? {
        request.reasoning = self::reasoning(&reasoning)?;
        if let Some(raw) = wire.reasoning {
            nested(raw.get(), request);
        }
    }
    if let Some(text) = typed(conversation.text.or(wire.text), "text")? {
        output(text, request)?;
    }
    Ok(())
}

/// Tools of the request come before those of its items: they are the older ones.
fn tools<'a>(wire: &Create<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    if let Some(raw) = wire.tools {
        let mut tools = Vec::new();
        decode_tools::tools(raw, "tools", &mut tools)?;
        tools.append(&mut request.tools);
        request.tools = tools;
    }
    request.tool_choice = wire.tool_choice.map(decode_tools::choice).transpose()?;
    Ok(())
}

fn logprobs(wire: &Create<'_>) -> Option<u64> {
    let included = wire.include.is_some_and(|list| {
        json::elements(list.get()).any(|name| name == "\"message.output_text.logprobs\"")
    });
    wire.top_logprobs
        .and_then(Number::as_u64)
        .or(included.then_some(0))
        .filter(|&top| included || top > 0)
}

fn reasoning(wire: &ReasoningWire<'_>) -> Result<Reasoning, Refusal> {
    let mut reasoning = Reasoning::default();
    if let Some(word) = &wire.effort {
        if word.0 == "none" {
            reasoning.mode = ReasoningMode::Off;
        } else {
            let effort = serde_json::from_value::<Effort>(serde_json::Value::from(word.0.as_ref()));
            reasoning.effort = Some(effort.map_err(|_| {
                Refusal::new(
                    "reasoning.effort",
                    format!(
                        "reasoning.effort '{}' is none of none, minimal, low, medium, high, xhigh, max",
                        word.0
                    ),
                )
            })?);
        }
    }
    reasoning.show = match wire
        .summary
        .as_ref()
        .or(wire.generate_summary.as_ref())
        .map(|word| word.0.as_ref())
    {
        Some("concise") => Show::Summary(Summary::Concise),
        Some("detailed") => Show::Summary(Summary::Detailed),
        Some("auto") => Show::Summary(Summary::Auto),
        _ => Show::Unset,
    };
    Ok(reasoning)
}

/// Members of `reasoning` that only this dialect has.
fn nested<'a>(raw: &'a str, request: &mut Request<'a>) {
    for (name, range) in json::members(raw) {
        let value = &raw[range];
        let policy = match name.as_ref() {
            "context" => Policy::Silent,
            "mode" if value == "\"standard\"" => Policy::Silent,
            "mode" => Policy::Report,
            _ => continue,
        };
        if value != "null" {
            request.residue.push(Residue {
                field: Cow::Owned(format!("reasoning.{name}")),
                raw: value,
                policy,
            });
        }
    }
}

fn output<'a>(text: TextWire<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    request.verbosity = text.verbosity.map(|word| word.0);
    let Some(format) = text.format else {
        return Ok(());
    };
    let kind = format.kind.clone().unwrap_or_default().0;
    request.output = match kind.as_ref() {
        "json_object" => Output::Json,
        "json_schema" => schema(format)?,
        _ => Output::Text,
    };
    Ok(())
}

fn schema<'a>(format: FormatWire<'a>) -> Result<Output<'a>, Refusal> {
    let schema = format.schema.ok_or_else(|| {
        Refusal::new(
            "text.format.schema",
            "text.format.schema is missing: give the JSON schema",
        )
    })?;
    Ok(Output::Schema {
        name: format.name.map(|name| name.0),
        description: format.description,
        schema: Cow::Borrowed(schema.get()),
        strict: format.strict,
    })
}

/// The members that the answer repeats.
fn echo<'a>(wire: &Create<'a>) -> Vec<(&'static str, Cow<'a, str>)> {
    let members = [
        ("background", wire.background),
        ("instructions", wire.instructions),
        ("max_output_tokens", wire.max_output),
        ("max_tool_calls", wire.max_tool_calls),
        ("metadata", wire.metadata),
        ("parallel_tool_calls", wire.parallel),
        ("previous_response_id", wire.previous),
        ("prompt_cache_key", wire.cache_key),
        ("reasoning", wire.reasoning),
        ("temperature", wire.temperature),
        ("text", wire.text),
        ("tool_choice", wire.tool_choice),
        ("tools", wire.tools),
        ("top_p", wire.top_p),
        ("truncation", wire.truncation),
    ];
    members
        .into_iter()
        .filter_map(|(name, raw)| {
            let raw = raw?.get();
            let completed = if name == "tools" {
                decode_tools::completed(raw)
            } else {
                None
            };
            Some((
                name,
                completed.map_or_else(|| json::compact(raw), Cow::Owned),
            ))
        })
        .collect()
}

fn residue<'a>(wire: &Create<'a>) -> Vec<Residue<'a>> {
    let mut residue = Vec::new();
    let mut keep = |field: &Cow<'a, str>, raw: Raw<'a>, policy| {
        residue.push(Residue {
            field: field.clone(),
            raw: raw.get(),
            policy,
        });
    };
    let known = [
        (
            "truncation",
            wire.truncation,
            (r#""disabled""#, Policy::Report),
        ),
        ("background", wire.background, ("false", Policy::Refuse)),
        ("max_tool_calls", wire.max_tool_calls, ("", Policy::Report)),
        (
            "prompt_cache_options",
            wire.cache_options,
            ("", Policy::Silent),
        ),
        ("include", wire.include, ("[]", Policy::Silent)),
    ];
    for (name, raw, (harmless, policy)) in known {
        if let Some(raw) = raw.filter(|raw| raw.get() != harmless) {
            keep(&Cow::Borrowed(name), raw, policy);
        }
    }
    for (name, raw) in wire.extra.iter().filter(|(_, raw)| raw.get() != "null") {
        let policy = match name.as_ref() {
            "conversation" | "prompt" => Policy::Refuse,
            "context_management" | "moderation" => Policy::Report,
            _ => Policy::Silent,
        };
        keep(name, *raw, policy);
    }
    residue
}
