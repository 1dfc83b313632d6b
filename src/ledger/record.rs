//! One request, from acceptance to its end.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use translator::ir::Usage;
use translator::wording::Wording;

use super::capture::Capture;
use super::change::Change;
use super::span::SpanContext;
use crate::routing::TraceStep;
use crate::snapshot::ClientKey;

/// A shared name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub Arc<str>);

impl Label {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Arc<str>> for Label {
    fn from(name: &Arc<str>) -> Self {
        Self(Arc::clone(name))
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The client has the whole answer.
    Ok,
    /// The client has an error.
    Error,
    /// The client left first.
    #[default]
    Cancelled,
    /// The answer broke after it had begun.
    Cut,
}

impl Outcome {
    /// The name in metrics and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Cut => "cut",
        }
    }
}

/// One try at one target.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Who was asked.
    pub provider: Label,
    /// For which model.
    pub model: Label,
    /// With which key, masked; absent when no key was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Label>,
    /// The upstream's status; 0 when there was none.
    pub status: u16,
    /// Until the verdict.
    #[serde(serialize_with = "milliseconds", rename = "ms")]
    pub took: Duration,
    /// Why it was not the last one; absent for the one that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began, after the request was accepted.
    #[serde(serialize_with = "milliseconds", rename = "since_ms")]
    pub since: Duration,
    /// Its span, where an upstream was told of one.
    #[serde(skip)]
    pub span: Option<u64>,
}

/// Who counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The upstream.
    #[default]
    Vendor,
    /// The hub, wholly or in part: the flags say which.
    Estimated,
}

impl Source {
    /// The name in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Estimated => "estimated",
        }
    }
}

/// What is odd about counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The upstream gave a count that cannot be (negative, absurd, a part larger than its whole); it was bounded.
    Clamped,
    /// The input is the hub's estimate.
    InputEstimated,
    /// The output is the hub's estimate.
    OutputEstimated,
}

impl Flag {
    /// The name in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clamped => "clamped",
            Self::InputEstimated => "input_estimated",
            Self::OutputEstimated => "output_estimated",
        }
    }
}

/// Token counts. All input is `uncached + cache_read + cache_write_5m + cache_write_1h + cache_write + tool_input`,
/// buckets that do not overlap; what a price list charges apart is noted as a part of a total.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// All input.
    pub input: u64,
    /// Of it: read afresh.
    pub uncached: u64,
    /// Of it: from a prompt cache.
    pub cache_read: u64,
    /// Of it: written to a cache for five minutes.
    pub cache_write_5m: u64,
    /// Of it: written to a cache for an hour.
    pub cache_write_1h: u64,
    /// Of it: written to a cache for a time that the upstream did not say.
    pub cache_write: u64,
    /// Of it: brought in by the vendor's tools.
    pub tool_input: u64,
    /// Of the input, in whichever bucket: audio.
    pub audio_input: u64,
    /// All output.
    pub output: u64,
    /// Of it: reasoning.
    pub reasoning: u64,
    /// Of it: audio.
    pub audio_output: u64,
    /// Of it: images.
    pub image_output: u64,
    /// Who counted.
    pub source: Source,
    /// What is odd about the counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

impl Tokens {
    /// All cache writes.
    #[must_use]
    pub const fn cache_write_total(&self) -> u64 {
        self.cache_write_5m
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.cache_write)
    }
}

impl Tokens {
    /// The hub has counted, wholly or in part.
    #[must_use]
    pub const fn is_estimated(&self) -> bool {
        matches!(self.source, Source::Estimated)
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_total(),
            uncached: usage.fresh,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            cache_write: usage.cache_write,
            tool_input: usage.tool_input,
            audio_input: usage.audio_input.min(usage.input_total()),
            output: usage.output_total(),
            reasoning: usage.reasoning,
            audio_output: usage.audio_output.min(usage.output),
            image_output: usage.image_output.min(usage.output),
            source: Source::Vendor,
            flags: usage.clamped.then_some(Flag::Clamped).into_iter().collect(),
        }
    }
}

/// The record of one request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    /// `x-request-id`.
    pub id: String,
    /// When it was accepted, milliseconds since 1970.
    pub at_ms: u64,
    /// `generate`, `count`, `embed`.
    pub call: &'static str,
    /// The client's dialect.
    pub ingress: &'static str,
    /// The provider's dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<&'static str>,
    /// Who answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Label>,
    /// The model as the client wrote it.
    pub model_asked: String,
    /// The model that was asked for upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_served: Option<Label>,
    /// Why it went there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Label>,
    /// The steps that led there.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "sentences")]
    pub trace: Vec<TraceStep>,
    /// The client key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<Label>,
    /// Everything that is known of the caller.
    #[serde(skip)]
    pub caller: Option<Arc<ClientKey>>,
    /// The client asked for a stream.
    pub stream: bool,
    /// Everything that was tried, in order.
    pub attempts: Vec<Attempt>,
    /// The status that the client saw.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// What the client was told, when it was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Which kind of error that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Token counts; absent when nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Tokens>,
    /// The counts in the words of both sides, where those are not the same.
    #[serde(skip)]
    pub wording: Option<Box<Wording>>,
    /// What it cost; absent when the price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_nano_usd: Option<i64>,
    /// The price list of the cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<Label>,
    /// What the translation changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fidelity: Vec<Change>,
    /// Why the answer ended, in the vendor's or the hub's word; noted only where the request is traced.
    #[serde(skip)]
    pub finish: Option<Cow<'static, str>>,
    /// Its place in a trace, where requests are traced.
    #[serde(skip)]
    pub span: Option<SpanContext>,
    /// The bodies, where they are wanted.
    #[serde(skip)]
    pub capture: Option<Box<Capture>>,
    /// Until the first bytes of the answer.
    #[serde(
        serialize_with = "optional_milliseconds",
        rename = "first_byte_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_byte: Option<Duration>,
    /// Until the end.
    #[serde(serialize_with = "milliseconds", rename = "total_ms")]
    pub total: Duration,
}

fn sentences<S: Serializer>(steps: &[TraceStep], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(ToString::to_string))
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Microseconds are as fine as anyone reads.
    serializer.serialize_f64(time.as_micros() as f64 / 1e3)
}

fn optional_milliseconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    milliseconds(&time.unwrap_or_default(), serializer)
}
