//! What stands beside the conversation: output limit, sampling, stop sequences, form of the answer, user.

use std::borrow::Cow;

use super::reasoning::{Mode, Thinking};
use crate::capability::{Capability, Sampling as SamplingRule};
use crate::error::Refusal;
use crate::fidelity::Report;
use crate::ident::hash_hex;
use crate::ir::{Output, Request, Tier};
use crate::json::Writer;
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::translate::Target;
use crate::undo::Undo;

/// Longest end-user id that the service takes.
const USER_MAX: usize = 256;

/// Output limit: the client's, clamped; or the hub's, with room for a thinking budget.
pub(super) fn max_tokens(
    request: &Request<'_>,
    capability: &Capability,
    thinking: &Thinking,
    report: &mut Report,
) -> u64 {
    let most = capability.max_output.unwrap_or(u64::MAX);
    match request.max_output {
        Some(given) if given > most => {
            report.clamped(
                Member::MaxOutput.of(request.dialect),
                format!("the model writes at most {most} tokens"),
            );
            most
        }
        Some(given) => given,
        None => match thinking.mode {
            Mode::Enabled(budget) => most.min(capability.default_output.saturating_add(budget)),
            _ => most.min(capability.default_output),
        },
    }
}

/// Sampling as far as the model takes it.
pub(super) fn sampling(
    w: &mut Writer<'_>,
    request: &Request<'_>,
    capability: &Capability,
    thinking: &Thinking,
    report: &mut Report,
) {
    let given = &request.sampling;
    let on = thinking.is_on(capability);
    let refused = capability.sampling == SamplingRule::No
        || (on && capability.sampling == SamplingRule::WithoutReasoning);
    let field = |member: Member| member.of(request.dialect);
    let mut drop = |member: Member, neutral: bool| {
        if !neutral {
            report.dropped(field(member), "the model does not take it");
        }
    };
    let temperature = given.temperature.filter(|&value| {
        let keep = !refused && (!on || value == 1.0);
        if !keep {
            drop(Member::Temperature, value == 1.0);
        }
        keep
    });
    let top_p = given.top_p.filter(|&value| {
        let excluded = temperature.is_some() && capability.exclusive_sampling;
        let keep = !refused && !excluded && (!on || value >= 0.95);
        if !keep {
            drop(Member::TopP, value == 1.0);
        }
        keep
    });
    let top_k = given.top_k.filter(|&value| {
        let keep = !refused && !on && capability.top_k && value >= 0.0;
        if !keep {
            drop(Member::TopK, false);
        }
        keep
    });
    let others = [
        (
            Member::FrequencyPenalty,
            given.frequency_penalty.is_some_and(|value| value != 0.0),
        ),
        (
            Member::PresencePenalty,
            given.presence_penalty.is_some_and(|value| value != 0.0),
        ),
        (Member::Seed, given.seed.is_some()),
        (Member::Logprobs, request.logprobs.is_some()),
    ];
    for (member, present) in others {
        drop(member, !present);
    }
    if let Some(value) = temperature {
        number(
            w,
            "temperature",
            value,
            capability.temperature_max,
            field(Member::Temperature),
            report,
        );
    }
    if let Some(value) = top_p {
        number(w, "top_p", value, 1.0, field(Member::TopP), report);
    }
    if let Some(value) = top_k {
        w.uint("top_k", value.round() as u64);
    }
}

fn number(
    w: &mut Writer<'_>,
    key: &'static str,
    value: f64,
    max: f64,
    field: &'static str,
    report: &mut Report,
) {
    let clamped = value.clamp(0.0, max);
    if clamped != value {
        report.clamped(field, format!("the model takes 0 to {max}"));
    }
    w.float(key, clamped);
}

/// Stop sequences; the hub watches for those that the service does not take.
pub(super) fn stop(
    w: &mut Writer<'_>,
    request: &Request<'_>,
    capability: &Capability,
    undo: &mut Undo,
    report: &mut Report,
) {
    let mut sent: Vec<Cow<'_, str>> = Vec::new();
    for text in &request.stop {
        let word = text.as_str();
        if word.is_empty() || sent.contains(&word) || undo.stop.iter().any(|other| *other == word) {
            continue;
        }
        if word.trim().is_empty() || sent.len() >= capability.stop_max {
            undo.stop.push(word.into_owned());
        } else {
            sent.push(word);
        }
    }
    if !undo.stop.is_empty() {
        report.emulated(
            Member::Stop.of(request.dialect),
            "some stop sequences are watched for on the way back",
        );
    }
    if !sent.is_empty() {
        w.array_in("stop_sequences", |w| {
            sent.iter().for_each(|word| w.item_str(word));
        });
    }
}

/// How the form of the answer is brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain text.
    Text,
    /// The service binds the answer to this schema.
    Schema(String),
    /// The model is told.
    Told(String),
}

/// Decides on the form of the answer.
pub(super) fn form(
    request: &Request<'_>,
    target: &Target<'_>,
    undo: &mut Undo,
    report: &mut Report,
) -> Form {
    let field = Member::Output.of(request.dialect);
    match &request.output {
        Output::Text => Form::Text,
        Output::Json => {
            undo.strip_fence = true;
            report.emulated(field, "the model is told to answer with JSON");
            Form::Told("Respond with one JSON object and nothing else, no code fence.".to_owned())
        }
        Output::Schema { schema, .. } => {
            let cleaned = schema::clean(schema, Flavour::AnthropicStrict);
            if target.capability.json_schema && cleaned.fits {
                if !cleaned.dropped.is_empty() {
                    report.emulated(
                        field,
                        format!(
                            "described instead of enforced: {}",
                            cleaned.dropped.join(", ")
                        ),
                    );
                }
                return Form::Schema(cleaned.schema);
            }
            undo.strip_fence = true;
            report.degraded(
                field,
                "the model is told the schema, which nothing enforces",
            );
            let schema = crate::json::compact(schema);
            Form::Told(format!(
                "Respond with one JSON value that matches this JSON Schema and nothing else, no code fence: {schema}"
            ))
        }
    }
}

/// End user and tier.
pub(super) fn account(w: &mut Writer<'_>, request: &Request<'_>, report: &mut Report) {
    if let Some(user) = &request.user {
        w.object_in("metadata", |w| {
            if user.len_hint() <= USER_MAX {
                w.text("user_id", user);
            } else {
                report.clamped(
                    Member::User.of(request.dialect),
                    "too long; its hash stands for it",
                );
                w.str("user_id", &format!("u_{}", hash_hex(&user.as_str(), 40)));
            }
        });
    }
    let field = Member::Tier.of(request.dialect);
    match request.tier {
        None => {}
        Some(Tier::Auto) => w.str("service_tier", "auto"),
        Some(Tier::Default) => w.str("service_tier", "standard_only"),
        Some(Tier::Flex) => report.dropped(field, "there is no flexible tier"),
        Some(Tier::Priority) => {
            report.clamped(field, "priority depends on the account");
            w.str("service_tier", "auto");
        }
    }
}

/// One answer is all there is.
pub(super) fn alternatives(request: &Request<'_>, capability: &Capability) -> Result<(), Refusal> {
    match request.n {
        Some(n) if n > capability.n_max => {
            let field = Member::N.of(request.dialect);
            Err(Refusal::new(
                field,
                format!(
                    "{field}: the model gives {} answer at a time, {n} were asked for",
                    capability.n_max
                ),
            ))
        }
        _ => Ok(()),
    }
}
