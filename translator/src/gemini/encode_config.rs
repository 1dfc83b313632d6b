//! `generationConfig`: sampling, limits, the form of the answer, each as far as the model takes it.

use std::borrow::Cow;

use super::encode_tools::Tools;
use super::reasoning;
use crate::Dialect;
use crate::capability::{Capability, Sampling};
use crate::error::Refusal;
use crate::ir::{Output, Request, Residue};
use crate::json::{self, Writer};
use crate::member::Member;
use crate::schema::{self, Flavour};
use crate::translate::{Outbound, Target};

/// What goes into `generationConfig`, decided before anything is written.
#[derive(Default)]
pub(super) struct Settings<'r> {
    floats: Vec<(&'static str, f64)>,
    integers: Vec<(&'static str, i64)>,
    stop: Vec<Cow<'r, str>>,
    thinking: reasoning::Config,
    json: bool,
    schema: Option<(&'static str, String)>,
    logprobs: Option<u64>,
    /// Members of this dialect that go back as they came.
    raw: Vec<(&'r str, &'r str)>,
    /// A line for the instructions, where the form of the answer cannot be set.
    pub(super) instruction: Option<String>,
}

pub(super) fn plan<'r>(
    request: &'r Request<'_>,
    target: &Target<'_>,
    tools: &Tools<'_>,
    outbound: &mut Outbound,
) -> Result<Settings<'r>, Refusal> {
    let capability = target.capability;
    let mut settings = Settings::default();
    sampling(request, capability, outbound, &mut settings);
    limits(request, capability, outbound, &mut settings)?;
    stop(request, capability, outbound, &mut settings);
    settings.thinking = reasoning::config(request, capability, &mut outbound.report);
    output(request, capability, tools, outbound, &mut settings);
    if request.dialect == Dialect::Gemini {
        settings.raw = request
            .residue
            .iter()
            .filter_map(|Residue { field, raw, .. }| {
                Some((field.strip_prefix("generationConfig.")?, *raw))
            })
            .collect();
    } else if request.picture_output {
        settings
            .raw
            .push(("responseModalities", "[\"TEXT\",\"IMAGE\"]"));
    }
    Ok(settings)
}

fn sampling(
    request: &Request<'_>,
    capability: &Capability,
    outbound: &mut Outbound,
    settings: &mut Settings<'_>,
) {
    let report = &mut outbound.report;
    let given = &request.sampling;
    let taken = capability.sampling == Sampling::Yes;
    for (member, wire, value, max, neutral) in [
        (
            Member::Temperature,
            "temperature",
            given.temperature,
            capability.temperature_max,
            1.0,
        ),
        (Member::TopP, "topP", given.top_p, 1.0, 1.0),
    ] {
        let Some(value) = value else { continue };
        let member = member.of(request.dialect);
        if !taken {
            if (value - neutral).abs() > f64::EPSILON {
                report.dropped(member, "the model does not take it");
            }
            continue;
        }
        let clamped = value.clamp(0.0, max);
        if (clamped - value).abs() > f64::EPSILON {
            report.clamped(member, format!("{value} became {clamped}"));
        }
        settings.floats.push((wire, clamped));
    }
    if let Some(value) = given.top_k {
        if capability.top_k && value >= 1.0 {
            settings.integers.push(("topK", value.round() as i64));
        } else {
            report.dropped(
                Member::TopK.of(request.dialect),
                "the model does not take it",
            );
        }
    }
    for (member, wire, value) in [
        (
            Member::PresencePenalty,
            "presencePenalty",
            given.presence_penalty,
        ),
        (
            Member::FrequencyPenalty,
            "frequencyPenalty",
            given.frequency_penalty,
        ),
    ] {
        let Some(value) = value else { continue };
        let member = member.of(request.dialect);
        if capability.penalties {
            // The upper end is exclusive at this vendor.
            let clamped = value.clamp(-2.0, 1.99);
            if (clamped - value).abs() > 0.02 {
                report.clamped(member, format!("{value} became {clamped}"));
            }
            settings.floats.push((wire, clamped));
        } else if value != 0.0 {
            report.dropped(member, "the model does not take it");
        }
    }
    if let Some(seed) = given.seed {
        let member = Member::Seed.of(request.dialect);
        if capability.seed {
            let wrapped = seed & 0x7fff_ffff;
            if wrapped != seed {
                report.clamped(member, format!("{seed} became {wrapped}"));
            }
            settings.integers.push(("seed", wrapped));
        } else {
            report.dropped(member, "the model does not take it");
        }
    }
}

fn limits(
    request: &Request<'_>,
    capability: &Capability,
    outbound: &mut Outbound,
    settings: &mut Settings<'_>,
) -> Result<(), Refusal> {
    let report = &mut outbound.report;
    if let Some(wanted) = request.max_output {
        let most = capability.max_output.unwrap_or(i32::MAX as u64);
        let limit = wanted.clamp(1, most.max(1));
        if limit != wanted {
            report.clamped(
                Member::MaxOutput.of(request.dialect),
                format!("{wanted} became {limit}"),
            );
        }
        settings.integers.push(("maxOutputTokens", limit as i64));
    }
    if let Some(n) = request.n.filter(|&n| n > 1) {
        if n > capability.n_max {
            let member = Member::N.of(request.dialect);
            let most = capability.n_max;
            return Err(Refusal::new(
                member,
                format!("{member} is {n}, but the model gives at most {most}"),
            ));
        }
        settings.integers.push(("candidateCount", n as i64));
    }
    if let Some(wanted) = request.logprobs {
        let member = Member::Logprobs.of(request.dialect);
        if capability.logprobs {
            settings.logprobs = Some(wanted.min(20));
        } else {
            report.dropped(member, "the model does not give them");
        }
    }
    Ok(())
}

fn stop<'r>(
    request: &'r Request<'_>,
    capability: &Capability,
    outbound: &mut Outbound,
    settings: &mut Settings<'r>,
) {
    for sequence in request.stop.iter().filter(|sequence| !sequence.is_empty()) {
        if settings.stop.len() < capability.stop_max {
            settings.stop.push(sequence.as_str());
        } else {
            outbound.undo.stop.push(sequence.as_str().into_owned());
            outbound.report.emulated(
                Member::Stop.of(request.dialect),
                format!(
                    "the model takes {}; the rest is watched for on the way back",
                    capability.stop_max
                ),
            );
        }
    }
}

fn output(
    request: &Request<'_>,
    capability: &Capability,
    tools: &Tools<'_>,
    outbound: &mut Outbound,
    settings: &mut Settings<'_>,
) {
    let member = Member::Output.of(request.dialect);
    let blocked = tools.has_functions() && !capability.json_with_tools;
    match &request.output {
        Output::Text => {}
        Output::Json if !blocked && capability.json_mode => settings.json = true,
        Output::Json => {
            settings.instruction =
                Some("Respond with one JSON object and nothing else, no code fence.".to_owned());
            outbound.undo.strip_fence = true;
            outbound.report.degraded(
                member,
                "asked for in words: the model takes no JSON mode beside tools",
            );
        }
        Output::Schema { schema, .. } if !blocked && capability.json_schema => {
            let (wire, flavour) = if capability.json_schema_members {
                ("responseJsonSchema", Flavour::GeminiJson)
            } else {
                ("responseSchema", Flavour::GeminiProto)
            };
            let cleaned = schema::clean(schema, flavour);
            if !cleaned.fits {
                outbound
                    .report
                    .degraded(member, "parts of the schema cannot be expressed");
            } else if !cleaned.dropped.is_empty() {
                outbound
                    .report
                    .emulated(member, format!("in words: {}", cleaned.dropped.join(", ")));
            }
            settings.json = true;
            settings.schema = Some((wire, cleaned.schema));
        }
        Output::Schema { schema, .. } => {
            let schema = json::compact(schema);
            settings.instruction = Some(format!(
                "Respond with one JSON value and nothing else, no code fence. It must match this JSON schema: {schema}"
            ));
            outbound.undo.strip_fence = true;
            outbound.report.degraded(
                member,
                "asked for in words: the model takes no schema beside tools",
            );
        }
    }
}

impl Settings<'_> {
    fn is_empty(&self) -> bool {
        self.floats.is_empty()
            && self.integers.is_empty()
            && self.stop.is_empty()
            && self.thinking.is_empty()
            && !self.json
            && self.logprobs.is_none()
            && self.raw.is_empty()
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if self.is_empty() {
            return;
        }
        w.object_in("generationConfig", |w| {
            for (key, value) in &self.floats {
                w.float(key, *value);
            }
            for (key, value) in &self.integers {
                w.int(key, *value);
            }
            if !self.stop.is_empty() {
                w.array_in("stopSequences", |w| {
                    self.stop.iter().for_each(|sequence| w.item_str(sequence));
                });
            }
            if self.json {
                w.str("responseMimeType", "application/json");
            }
            if let Some((key, schema)) = &self.schema {
                w.raw(key, schema);
            }
            if let Some(alternatives) = self.logprobs {
                w.bool("responseLogprobs", true);
                if alternatives > 0 {
                    w.uint("logprobs", alternatives);
                }
            }
            if !self.thinking.is_empty() {
                self.thinking.write(w);
            }
            for (key, raw) in &self.raw {
                w.raw(key, raw);
            }
        });
    }
}
