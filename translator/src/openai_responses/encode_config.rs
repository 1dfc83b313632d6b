//! What a request asks for besides its conversation and tools: limits, sampling, reasoning, the form of the answer.

use super::encode_request::{Encoding, Purpose};
use crate::capability::{ReasoningKnob, Sampling};
use crate::ident::{self, Charset};
use crate::ir::{Effort, Output, ReasoningMode, Show, Summary, Tier};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::{Dialect, Text};

/// The service refuses smaller limits.
const MIN_OUTPUT: u64 = 16;
const MAX_LOGPROBS: u64 = 20;

/// Writes the members.
pub(super) fn write(encoding: &mut Encoding<'_>, w: &mut Writer<'_>) {
    let effort = effort(encoding);
    reasoning(encoding, effort, w);
    text(encoding, w);
    if encoding.purpose == Purpose::Count {
        return;
    }
    limit(encoding, w);
    sampling(encoding, effort, w);
    stop(encoding);
    include(encoding, w);
    account(encoding, w);
    residue(encoding, w);
    // The hub keeps conversations itself; what is not built by the hub does not come through here.
    w.bool("store", false);
    w.bool("stream", encoding.target.stream);
}

/// What is asked of the model's reasoning: `None` leaves it to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Unset,
    Off,
    Effort(Effort),
}

fn effort(encoding: &mut Encoding<'_>) -> Wish {
    let (reasoning, capability) = (&encoding.request.reasoning, encoding.target.capability);
    let name = Member::Reasoning.of(encoding.request.dialect);
    if reasoning.mode == ReasoningMode::Off || reasoning.budget == Some(0) {
        if capability.reasoning == ReasoningKnob::None {
            return Wish::Unset;
        }
        if capability.can_disable {
            return Wish::Off;
        }
        let Some(least) = capability.nearest_effort(Effort::Minimal) else {
            return Wish::Unset;
        };
        encoding.report.clamped(
            name,
            format!(
                "this model always reasons; effort {} is asked for",
                least.as_str()
            ),
        );
        return Wish::Effort(least);
    }
    let Some(wish) = reasoning
        .effort
        .or_else(|| reasoning.budget.and_then(Effort::from_budget))
    else {
        return Wish::Unset;
    };
    match capability
        .nearest_effort(wish)
        .filter(|_| capability.reasoning != ReasoningKnob::None)
    {
        Some(effort) => {
            if effort != wish {
                let detail = format!(
                    "this model takes no effort {}; {} is asked for",
                    wish.as_str(),
                    effort.as_str()
                );
                encoding.report.clamped(name, detail);
            }
            Wish::Effort(effort)
        }
        None => {
            encoding.report.dropped(name, "this model does not reason");
            Wish::Unset
        }
    }
}

fn reasoning(encoding: &Encoding<'_>, effort: Wish, w: &mut Writer<'_>) {
    if encoding.target.capability.reasoning == ReasoningKnob::None {
        return;
    }
    let summary = match encoding.request.reasoning.show {
        Show::Summary(Summary::Auto) => Some("auto"),
        Show::Summary(Summary::Concise) => Some("concise"),
        Show::Summary(Summary::Detailed) => Some("detailed"),
        Show::Unset | Show::Hidden => None,
    };
    let native = |name: &str| {
        let all = if encoding.is_native() {
            encoding.request.residue.as_slice()
        } else {
            &[]
        };
        all.iter()
            .find(|residue| residue.field == name)
            .map(|residue| residue.raw)
    };
    let (context, mode) = (native("reasoning.context"), native("reasoning.mode"));
    if effort == Wish::Unset && summary.is_none() && context.is_none() && mode.is_none() {
        return;
    }
    w.object_in("reasoning", |w| {
        match effort {
            Wish::Unset => {}
            Wish::Off => w.str("effort", "none"),
            Wish::Effort(effort) => w.str("effort", effort.as_str()),
        }
        if let Some(summary) = summary {
            w.str("summary", summary);
        }
        for (name, raw) in [("context", context), ("mode", mode)] {
            if let Some(raw) = raw {
                w.raw(name, raw);
            }
        }
    });
}

fn limit(encoding: &mut Encoding<'_>, w: &mut Writer<'_>) {
    let Some(asked) = encoding.request.max_output else {
        return;
    };
    let most = encoding.target.capability.max_output.unwrap_or(u64::MAX);
    let limit = asked.max(MIN_OUTPUT).min(most);
    if limit != asked {
        let name = Member::MaxOutput.of(encoding.request.dialect);
        encoding.report.clamped(
            name,
            format!("{limit} is the nearest limit that this model takes"),
        );
    }
    w.uint("max_output_tokens", limit);
}

fn sampling(encoding: &mut Encoding<'_>, effort: Wish, w: &mut Writer<'_>) {
    let (request, capability, dialect) = (
        encoding.request,
        encoding.target.capability,
        encoding.request.dialect,
    );
    let report = &mut encoding.report;
    let reasons = match effort {
        Wish::Off => false,
        Wish::Effort(_) => true,
        Wish::Unset => capability.reasons_by_default,
    };
    let taken = match capability.sampling {
        Sampling::Yes => true,
        Sampling::WithoutReasoning => !reasons,
        Sampling::No => false,
    };
    let sampling = &request.sampling;
    for (member, name, value, most) in [
        (
            Member::Temperature,
            "temperature",
            sampling.temperature,
            capability.temperature_max,
        ),
        (Member::TopP, "top_p", sampling.top_p, 1.0),
    ] {
        let Some(value) = value else { continue };
        if !taken {
            // 1 is the default of both.
            if value != 1.0 {
                report.dropped(
                    member.of(dialect),
                    "this model does not take it while it reasons",
                );
            }
            continue;
        }
        let bounded = value.clamp(0.0, most);
        if bounded != value {
            report.clamped(
                member.of(dialect),
                format!("{bounded} is the nearest value that this model takes"),
            );
        }
        w.float(name, bounded);
    }
    let absent = "the Responses dialect has no such member";
    for (member, present) in [
        (Member::TopK, sampling.top_k.is_some()),
        (
            Member::FrequencyPenalty,
            sampling.frequency_penalty.is_some_and(|value| value != 0.0),
        ),
        (
            Member::PresencePenalty,
            sampling.presence_penalty.is_some_and(|value| value != 0.0),
        ),
        (Member::Seed, sampling.seed.is_some()),
    ] {
        if present {
            report.dropped(member.of(dialect), absent);
        }
    }
    let Some(top) = request.logprobs else { return };
    if !capability.logprobs {
        report.dropped(
            Member::Logprobs.of(dialect),
            "this model gives no log probabilities",
        );
        return;
    }
    if top > MAX_LOGPROBS {
        report.clamped(
            Member::Logprobs.of(dialect),
            "at most 20 alternatives are given",
        );
    }
    w.uint("top_logprobs", top.min(MAX_LOGPROBS));
}

/// The dialect has no stop sequences: the hub watches for them in the answer.
fn stop(encoding: &mut Encoding<'_>) {
    for stop in encoding.request.stop.iter().filter(|stop| !stop.is_empty()) {
        let stop = stop.as_str().into_owned();
        if !encoding.undo.stop.contains(&stop) {
            encoding.undo.stop.push(stop);
        }
    }
    if !encoding.undo.stop.is_empty() {
        let name = Member::Stop.of(encoding.request.dialect);
        encoding
            .report
            .emulated(name, "the hub watches for the stop sequences in the answer");
    }
}

fn include(encoding: &Encoding<'_>, w: &mut Writer<'_>) {
    let (request, capability) = (encoding.request, encoding.target.capability);
    let mut names: Vec<&str> = Vec::new();
    if capability.reasoning != ReasoningKnob::None {
        names.push("\"reasoning.encrypted_content\"");
    }
    if request.logprobs.is_some() && capability.logprobs {
        names.push("\"message.output_text.logprobs\"");
    }
    let asked = request
        .residue
        .iter()
        .find(|residue| encoding.is_native() && residue.field == "include");
    for name in asked
        .into_iter()
        .flat_map(|residue| json::elements(residue.raw))
    {
        let handled =
            name.contains("reasoning.encrypted_content") || name.contains("output_text.logprobs");
        if !handled && !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        w.array_in("include", |w| {
            names.iter().for_each(|name| w.item_raw(name));
        });
    }
}

/// Who asks, at what price, and where the prompt may be cached.
fn account(encoding: &mut Encoding<'_>, w: &mut Writer<'_>) {
    let (request, target) = (encoding.request, encoding.target);
    let is_openai = matches!(
        request.dialect,
        Dialect::OpenAiChat | Dialect::OpenAiResponses
    );
    if target.capability.openai_members {
        match (&request.cache.key, target.cache_key) {
            (Some(key), _) => w.text("prompt_cache_key", key),
            (None, Some(key)) => w.str("prompt_cache_key", key),
            (None, None) => {}
        }
        let options = request
            .residue
            .iter()
            .any(|residue| residue.field == "prompt_cache_options");
        if request.cache.explicit && !(options && encoding.is_native()) {
            w.object_in("prompt_cache_options", |w| w.str("mode", "explicit"));
        }
        match &request.user {
            Some(user) if is_openai => w.text("safety_identifier", user),
            // What other vendors' clients put there may identify a device.
            Some(user) => w.str(
                "safety_identifier",
                &format!("u_{}", ident::hash_hex(&user.as_str(), 40)),
            ),
            None => {}
        }
    }
    if let Some(metadata) = &request.metadata
        && json::members(metadata).count() <= 16
    {
        w.raw("metadata", &json::compact(metadata));
    }
    if let Some(tier) = request.tier {
        let word = match tier {
            Tier::Auto => "auto",
            Tier::Default => "default",
            Tier::Flex => "flex",
            Tier::Priority => "priority",
        };
        w.str("service_tier", word);
    }
}

/// Members of this dialect without a field go back as they came. A dot marks one that stood further inside.
fn residue(encoding: &Encoding<'_>, w: &mut Writer<'_>) {
    if !encoding.is_native() {
        return;
    }
    for residue in &encoding.request.residue {
        let elsewhere = residue.field.contains('.') || residue.field == "include";
        let unstreamed = residue.field == "stream_options" && !encoding.target.stream;
        if !elsewhere && !unstreamed {
            w.raw(&residue.field, &json::compact(residue.raw));
        }
    }
}

fn text(encoding: &mut Encoding<'_>, w: &mut Writer<'_>) {
    let request = encoding.request;
    let verbosity = request.verbosity.as_deref().filter(|word| {
        encoding.target.capability.openai_members && matches!(*word, "low" | "medium" | "high")
    });
    let mut format = Vec::new();
    match &request.output {
        Output::Text => {}
        Output::Json => Writer::new(&mut format).object(|w| w.str("type", "json_object")),
        Output::Schema {
            name,
            description,
            schema,
            strict,
        } => {
            let shape = shape(encoding, schema, *strict);
            Writer::new(&mut format).object(|w| {
                w.str("type", "json_schema");
                w.str(
                    "name",
                    &ident::tool_name(name.as_deref().unwrap_or("output"), Charset::Word, 64),
                );
                if let Some(description) = description {
                    w.text("description", description);
                }
                w.raw("schema", &shape.schema);
                w.bool("strict", shape.strict);
            });
        }
    }
    if verbosity.is_none() && format.is_empty() {
        return;
    }
    w.object_in("text", |w| {
        if !format.is_empty() {
            w.key("format");
            w.buffer().extend_from_slice(&format);
        }
        if let Some(verbosity) = verbosity {
            w.str("verbosity", verbosity);
        }
    });
}

struct Shape {
    schema: String,
    strict: bool,
}

/// The schema of the answer: an object at its root, and inside the strict subset when it is to be strict.
fn shape(encoding: &mut Encoding<'_>, schema: &str, strict: Option<bool>) -> Shape {
    let wants = match encoding.request.dialect {
        Dialect::Anthropic => strict.unwrap_or(true),
        Dialect::Gemini => true,
        Dialect::OpenAiChat | Dialect::OpenAiResponses => strict.unwrap_or(false),
    };
    let rooted = if has_object_root(schema) {
        schema::object_root(Some(schema)).into_owned()
    } else {
        encoding.undo.unwrap_value = true;
        encoding.report.emulated(
            Member::Output.of(encoding.request.dialect),
            "the root must be an object, so the schema is wrapped and the answer unwrapped",
        );
        wrap(schema)
    };
    if wants {
        let cleaned = schema::clean(&rooted, Flavour::OpenAiStrict);
        if cleaned.fits {
            return Shape {
                schema: cleaned.schema,
                strict: true,
            };
        }
        if encoding.request.dialect != Dialect::Gemini {
            encoding.report.degraded(
                Member::OutputStrict.of(encoding.request.dialect),
                "the schema is outside the strict subset, so the model is only guided by it",
            );
        }
    }
    Shape {
        schema: json::compact(&rooted).into_owned(),
        strict: false,
    }
}

fn has_object_root(schema: &str) -> bool {
    if json::member(schema, "anyOf").is_some() || json::member(schema, "oneOf").is_some() {
        return false;
    }
    match json::member(schema, "type") {
        Some(kind) => kind == "\"object\"",
        None => {
            json::member(schema, "properties").is_some() || json::members(schema).next().is_none()
        }
    }
}

/// Wraps a schema as the member `value` of an object; definitions move to the new root, where references look.
fn wrap(schema: &str) -> String {
    let mut out = Vec::with_capacity(schema.len() + 96);
    Writer::new(&mut out).object(|w| {
        w.str("type", "object");
        w.object_in("properties", |w| {
            w.object_in("value", |w| {
                for (name, range) in json::members(schema).filter(|(name, _)| !is_definitions(name))
                {
                    w.raw(&name, &json::compact(&schema[range]));
                }
            });
        });
        w.array_in("required", |w| w.item_str("value"));
        w.bool("additionalProperties", false);
        for (name, range) in json::members(schema).filter(|(name, _)| is_definitions(name)) {
            w.raw(&name, &json::compact(&schema[range]));
        }
    });
    crate::ir::into_string(out)
}

fn is_definitions(name: &str) -> bool {
    matches!(name, "$defs" | "definitions")
}

/// True when `json_object` needs a word of its own: the service demands that the prompt speaks of JSON. Only
/// what later turns cannot change is looked at, so that the prompt's beginning stays the same.
pub(super) fn needs_json_word(encoding: &Encoding<'_>) -> bool {
    let speaks = |text: &Text<'_>| text.as_str().to_ascii_lowercase().contains("json");
    let request = encoding.request;
    matches!(request.output, Output::Json)
        && !encoding.is_native()
        && !request
            .instructions
            .iter()
            .any(|instruction| speaks(&instruction.text))
        && !request.turns.first().is_some_and(|turn| {
            turn.parts.iter().any(
                |part| matches!(&part.kind, crate::ir::Kind::Text { text, .. } if speaks(text)),
            )
        })
}
