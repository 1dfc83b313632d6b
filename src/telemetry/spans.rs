//! A settled record as the spans of a trace: one for the request, one below it for each attempt.
//!
//! Nothing that client or model said gets in here, nor a key, nor the words of an error, which may repeat either.

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::semconv;
use crate::catalogue::Identity;
use crate::ledger::{Attempt, Outcome, Record, SpanContext, fresh_span};
use crate::snapshot::Snapshot;

/// Longer names are cut: clients choose the model's freely.
const LONGEST: usize = 255;
/// Bits of a span's flags: whether its parent is another process's is known, and whether it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The spans of a request; none when nobody wants them.
pub(super) fn spans(record: &Record, snapshot: &Snapshot) -> Vec<Span> {
    let Some(context) = record.span.filter(|context| context.sampled) else {
        return Vec::new();
    };
    let start = Duration::from_millis(record.at_ms);
    let operation = semconv::operation(record.call, record.ingress);
    let mut spans = Vec::with_capacity(1 + record.attempts.len());
    spans.push(request(record, &context, start, operation, snapshot));
    let tries = record
        .attempts
        .iter()
        .map(|attempt| self::attempt(record, attempt, &context, start, operation, snapshot));
    spans.extend(tries);
    spans
}

fn request(
    record: &Record,
    context: &SpanContext,
    start: Duration,
    operation: &'static str,
    snapshot: &Snapshot,
) -> Span {
    let mut said = Attributes::default();
    said.text(semconv::OPERATION, operation);
    if let Some(provider) = &record.provider {
        said.server(provider.as_str(), snapshot);
    }
    said.text(semconv::REQUEST_MODEL, cut(&record.model_asked));
    if let Some(model) = &record.model_served {
        said.text(semconv::RESPONSE_MODEL, cut(model.as_str()));
    }
    said.flag(semconv::REQUEST_STREAM, record.stream);
    if let Some(finish) = &record.finish {
        said.texts(semconv::FINISH_REASONS, &[semconv::finish(finish)]);
    }
    if let Some(first) = record.first_byte.filter(|_| record.stream) {
        said.real(semconv::FIRST_CHUNK, first.as_secs_f64());
    }
    said.usage(record);
    said.int(semconv::HTTP_STATUS, u64::from(record.status));
    said.text(semconv::REQUEST_ID, &*record.id);
    said.text(semconv::INGRESS, record.ingress);
    if let Some(upstream) = record.upstream {
        said.text(semconv::UPSTREAM, upstream);
    }
    if let Some(route) = &record.route {
        said.text(semconv::ROUTE, cut(route.as_str()));
    }
    if let Some(caller) = &record.caller {
        said.text(semconv::CLIENT_KEY, cut(&caller.name));
    }
    said.text(semconv::OUTCOME, record.outcome.as_str());
    said.int(semconv::ATTEMPTS, record.attempts.len() as u64);
    let failed = matches!(record.outcome, Outcome::Error | Outcome::Cut);
    if failed {
        let kind = record.error_code.as_deref();
        said.text(semconv::ERROR_TYPE, kind.unwrap_or(record.outcome.as_str()));
    }
    Span {
        trace_id: context.trace.to_be_bytes().to_vec(),
        span_id: context.span.to_be_bytes().to_vec(),
        parent_span_id: context
            .parent
            .map(|parent| parent.to_be_bytes().to_vec())
            .unwrap_or_default(),
        flags: flags(context.parent.is_some()),
        name: format!("{operation} {}", cut(&record.model_asked)),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(start + record.total),
        attributes: said.0,
        status: Some(status(failed)),
        ..Span::default()
    }
}

fn attempt(
    record: &Record,
    attempt: &Attempt,
    context: &SpanContext,
    start: Duration,
    operation: &'static str,
    snapshot: &Snapshot,
) -> Span {
    let mut said = Attributes::default();
    said.text(semconv::OPERATION, operation);
    said.server(attempt.provider.as_str(), snapshot);
    said.text(semconv::REQUEST_MODEL, cut(attempt.model.as_str()));
    said.flag(semconv::REQUEST_STREAM, record.stream);
    if attempt.status != 0 {
        said.int(semconv::HTTP_STATUS, u64::from(attempt.status));
    }
    let failed = attempt.reason.is_some();
    if failed {
        let kind: Cow<'_, str> = match attempt.status {
            0 => "no_answer".into(),
            200..=299 => "broken_answer".into(),
            status => status.to_string().into(),
        };
        said.text(semconv::ERROR_TYPE, kind);
    }
    // The one that answers a stream goes on until the client has it all.
    let until = if !failed && record.stream {
        record.total
    } else {
        attempt.since + attempt.took
    };
    let begun = start + attempt.since;
    Span {
        trace_id: context.trace.to_be_bytes().to_vec(),
        span_id: attempt
            .span
            .unwrap_or_else(fresh_span)
            .to_be_bytes()
            .to_vec(),
        parent_span_id: context.span.to_be_bytes().to_vec(),
        flags: flags(false),
        name: format!("{operation} {}", cut(attempt.model.as_str())),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: nanos(begun),
        end_time_unix_nano: nanos((start + until).max(begun)),
        attributes: said.0,
        status: Some(status(failed)),
        ..Span::default()
    }
}

const fn flags(remote_parent: bool) -> u32 {
    // The lowest bit is "sampled": nothing else is sent.
    let flags = 1 | HAS_IS_REMOTE;
    if remote_parent {
        flags | IS_REMOTE
    } else {
        flags
    }
}

fn status(failed: bool) -> Status {
    let code = if failed {
        StatusCode::Error
    } else {
        StatusCode::Unset
    };
    Status {
        message: String::new(),
        code: code.into(),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn put(&mut self, key: &'static str, value: Value) {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }

    fn text<'t>(&mut self, key: &'static str, text: impl Into<Cow<'t, str>>) {
        self.put(key, Value::StringValue(text.into().into_owned()));
    }

    fn texts(&mut self, key: &'static str, texts: &[Cow<'_, str>]) {
        let values = texts.iter().map(|text| AnyValue {
            value: Some(Value::StringValue(text.clone().into_owned())),
        });
        let values = values.collect();
        self.put(key, Value::ArrayValue(ArrayValue { values }));
    }

    fn int(&mut self, key: &'static str, number: u64) {
        self.put(
            key,
            Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX)),
        );
    }

    fn real(&mut self, key: &'static str, number: f64) {
        self.put(key, Value::DoubleValue(number));
    }

    fn flag(&mut self, key: &'static str, flag: bool) {
        self.put(key, Value::BoolValue(flag));
    }

    /// Who is asked. One that the configuration does not know any more has a name and no address.
    fn server(&mut self, name: &str, snapshot: &Snapshot) {
        self.text(semconv::CONFIGURED_PROVIDER, cut(name));
        let Some(provider) = snapshot.provider(name) else {
            return self.text(semconv::PROVIDER, cut(name));
        };
        let host = &*provider.base.host;
        let profile = provider.profile.map(|profile| &*profile.name);
        let vendor = match Identity::of(host, profile, name) {
            Identity::Vendor(vendor) => Some(vendor),
            Identity::Prefixed | Identity::Unknown => None,
        };
        self.text(semconv::PROVIDER, semconv::provider(host, vendor, name));
        self.text(semconv::SERVER_ADDRESS, host);
        self.int(semconv::SERVER_PORT, u64::from(provider.base.port));
    }

    /// What the whole request has used: on its own span alone, so that sums over all spans count it once.
    fn usage(&mut self, record: &Record) {
        if let Some(usage) = &record.usage {
            self.int(semconv::INPUT_TOKENS, usage.input);
            self.int(semconv::OUTPUT_TOKENS, usage.output);
            for (key, count) in [
                (semconv::CACHE_READ_TOKENS, usage.cache_read),
                (semconv::CACHE_WRITE_TOKENS, usage.cache_write_total()),
                (semconv::REASONING_TOKENS, usage.reasoning),
            ] {
                if count > 0 {
                    self.int(key, count);
                }
            }
            self.text(semconv::USAGE_SOURCE, usage.source.as_str());
        }
        if let Some(cost) = record.cost_nano_usd {
            self.real(semconv::COST_USD, cost as f64 / 1e9);
        }
    }
}
