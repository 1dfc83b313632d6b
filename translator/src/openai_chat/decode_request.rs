//! A client's body becomes a request.
//!
//! Lenient: `null` is absent, unknown members are kept as residue, old history never fails the request. Knows
//! nothing of upstreams.

use std::borrow::Cow;

use super::output_format;
use super::wire_request::{WireRequest, WireSwitch};
use super::{decode_tools, decode_turns};
use crate::error::Refusal;
use crate::ir::{
    Cache, Effort, Policy, Reasoning, ReasoningMode, Request, Residue, Sampling, Show, Summary,
    Tier,
};
use crate::member::Member;
use crate::wire::{self, Extra, Number, Raw, parse_raw};
use crate::{Dialect, Text};

/// Reads a request body.
///
/// # Errors
/// When the body is not JSON, or lacks its model or messages.
pub(crate) fn decode_request(body: &[u8]) -> Result<Request<'_>, Refusal> {
    let mut wire: WireRequest<'_> = wire::parse(body)?;
    let model = wire
        .model
        .take()
        .ok_or_else(|| Refusal::new("model", "model is missing: name the model to ask"))?;
    let messages = wire.messages.take().ok_or_else(|| {
        Refusal::new(
            "messages",
            "messages is missing: send a list with at least one message",
        )
    })?;
    let mut request = Request::new(Dialect::OpenAiChat, model.0);
    request.include_usage = wire
        .stream_options
        .as_ref()
        .and_then(|options| options.include_usage)
        .unwrap_or(false);
    request.stream = wire.stream.unwrap_or(false);
    request.reasoning = reasoning(&wire);
    request.spelling = spelling(&wire);
    request.overruled = overruled(&wire);
    residue(std::mem::take(&mut wire.extra), &mut request);
    request.function_calls = wire.tools.is_none() && wire.functions.is_some();
    decode_tools::tools(&mut wire, &mut request);
    decode_turns::turns(messages, &mut request)?;
    request.sampling = sampling(&wire);
    request.max_output = wire
        .max_completion_tokens
        .or(wire.max_tokens)
        .and_then(Number::as_u64);
    request.n = wire.n.and_then(Number::as_u64);
    request.logprobs = wire
        .logprobs
        .unwrap_or(false)
        .then(|| wire.top_logprobs.and_then(Number::as_u64).unwrap_or(0));
    request.stop = wire.stop.map(stop).transpose()?.unwrap_or_default();
    output_format::decode(wire.response_format, &mut request);
    request.verbosity = wire.verbosity.map(|word| word.0);
    request.cache = Cache {
        key: wire.prompt_cache_key,
        auto: None,
        explicit: request.cache.explicit,
    };
    request.user = wire.safety_identifier.or(wire.user);
    request.metadata = wire.metadata.map(|raw| Cow::Borrowed(raw.get()));
    tier(wire.service_tier, &mut request);
    request.store = wire.store;
    Ok(request)
}

fn sampling(wire: &WireRequest<'_>) -> Sampling {
    let float = |number: Option<Number>| number.map(|number| number.0);
    Sampling {
        temperature: float(wire.temperature),
        top_p: float(wire.top_p),
        top_k: float(wire.top_k),
        frequency_penalty: float(wire.frequency_penalty),
        presence_penalty: float(wire.presence_penalty),
        seed: wire.seed.and_then(Number::as_i64),
    }
}

/// A string or a list of strings; empty ones are dropped, repeated ones too.
fn stop<'a>(raw: Raw<'a>) -> Result<Vec<Text<'a>>, Refusal> {
    let one = raw.get().starts_with('"');
    let all: Vec<Text<'a>> = if one {
        parse_raw(raw).map(|text| vec![text])
    } else {
        parse_raw(raw)
    }
    .map_err(|error| {
        Refusal::new(
            "stop",
            format!("stop must be a string or a list of strings: {error}"),
        )
    })?;
    let mut kept: Vec<Text<'a>> = Vec::with_capacity(all.len());
    for text in all {
        if !text.is_empty() && !kept.contains(&text) {
            kept.push(text);
        }
    }
    Ok(kept)
}

fn tier<'a>(raw: Option<Raw<'a>>, request: &mut Request<'a>) {
    let Some(raw) = raw else { return };
    request.tier = match raw.get().trim_matches('"') {
        "auto" => Some(Tier::Auto),
        "default" | "standard" => Some(Tier::Default),
        "flex" => Some(Tier::Flex),
        "priority" | "fast" => Some(Tier::Priority),
        _ => {
            request.residue.push(Residue {
                field: Cow::Borrowed("service_tier"),
                raw: raw.get(),
                policy: Policy::Report,
            });
            None
        }
    };
}

/// `reasoning_effort`, or one of the switches that compatible servers invented. The switches stay in the
/// residue too, for an upstream that knows them.
fn reasoning(wire: &WireRequest<'_>) -> Reasoning {
    let mut out = Reasoning::default();
    for (name, raw) in &wire.extra {
        match name.as_ref() {
            "reasoning" | "thinking" => {
                if let Ok(switch) = parse_raw::<WireSwitch<'_>>(*raw) {
                    apply(&switch, &mut out);
                }
            }
            "enable_thinking" => {
                out.mode = if raw.get() == "true" {
                    ReasoningMode::On
                } else {
                    ReasoningMode::Off
                }
            }
            "thinking_budget" => out.budget = raw.get().parse().ok(),
            "include_reasoning" if raw.get() == "false" => out.show = Show::Hidden,
            _ => {}
        }
    }
    if let Some(word) = &wire.reasoning_effort {
        if word.as_str().eq_ignore_ascii_case("none") {
            out.mode = ReasoningMode::Off;
            out.effort = None;
        } else if let Some(effort) = Effort::parse(word.as_str()) {
            out.effort = Some(effort);
        }
    }
    if out.budget == Some(0) {
        out.mode = ReasoningMode::Off;
    }
    out
}

fn apply(switch: &WireSwitch<'_>, out: &mut Reasoning) {
    match switch.kind.as_ref().map(wire::Str::as_str) {
        Some("disabled") => out.mode = ReasoningMode::Off,
        Some("enabled") => out.mode = ReasoningMode::On,
        Some("adaptive" | "auto") => out.mode = ReasoningMode::Adaptive,
        _ => {}
    }
    match (switch.enabled, &switch.effort) {
        (Some(false), _) => out.mode = ReasoningMode::Off,
        (_, Some(word)) if word.as_str() == "none" => out.mode = ReasoningMode::Off,
        (enabled, effort) => {
            if enabled == Some(true) {
                out.mode = ReasoningMode::On;
            }
            if let Some(word) = effort {
                out.effort = Effort::parse(word.as_str());
            }
        }
    }
    out.budget = switch.budget.and_then(Number::as_i64).or(out.budget);
    out.show = match switch.exclude {
        Some(true) => Show::Hidden,
        Some(false) => Show::Summary(Summary::Auto),
        None => out.show,
    };
}

/// Which of several names for one thing the client has used.
fn spelling(wire: &WireRequest<'_>) -> Vec<(Member, &'static str)> {
    let mut spelling = Vec::new();
    if wire.max_completion_tokens.is_none() && wire.max_tokens.is_some() {
        spelling.push((Member::MaxOutput, "max_tokens"));
    }
    if wire.safety_identifier.is_none() && wire.user.is_some() {
        spelling.push((Member::User, "user"));
    }

    let switch = [
        "reasoning",
        "thinking",
        "enable_thinking",
        "thinking_budget",
    ]
    .into_iter()
    .find(|switch| wire.extra.iter().any(|(name, _)| name == switch));
    if let (None, Some(switch)) = (&wire.reasoning_effort, switch) {
        spelling.push((Member::Reasoning, switch));
    }
    spelling
}

/// The newer name of the limit counts. Clients that send both send the same number, as a rule.
fn overruled(wire: &WireRequest<'_>) -> Vec<&'static str> {
    let limits = (
        wire.max_completion_tokens.and_then(Number::as_u64),
        wire.max_tokens.and_then(Number::as_u64),
    );
    match limits {
        (Some(new), Some(old)) if new != old => vec!["max_tokens"],
        _ => Vec::new(),
    }
}

/// Members without a home, with what becomes of them in another dialect.
fn residue<'a>(extra: Extra<'a>, request: &mut Request<'a>) {
    let other_modalities = extra
        .iter()
        .any(|(name, raw)| name == "modalities" && raw.get() != "null" && !is_text_only(raw.get()));
    for (name, raw) in extra {
        let raw = raw.get();
        if raw == "null" {
            continue;
        }
        if name == "modalities" {
            let wanted: Vec<&str> = crate::json::elements(raw).collect();
            let known = wanted
                .iter()
                .all(|word| matches!(*word, "\"text\"" | "\"image\""));
            request.picture_output = known && wanted.contains(&"\"image\"");
        }
        if name == "prompt_cache_options" {
            let mode = crate::json::member(raw, "mode");
            request.cache.explicit = mode == Some("\"explicit\"");
        }
        let policy = match name.as_ref() {
            "logit_bias" | "moderation" => Policy::Report,
            "modalities" | "audio" if other_modalities => Policy::Refuse,
            _ => Policy::Silent,
        };
        request.residue.push(Residue {
            field: name,
            raw,
            policy,
        });
    }
}

fn is_text_only(raw: &str) -> bool {
    crate::json::elements(raw).all(|element| element == "\"text\"")
}
