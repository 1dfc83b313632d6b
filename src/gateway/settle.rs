//! The account of one request, closed exactly once whatever happens.
//!
//! Whoever holds the [`Account`] is responsible for the request. Dropping it without closing means that
//! the client has left. What the upstream did not come to count is estimated here, when the account is closed.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate::{self, Spoken};
use translator::fidelity::Report;
use translator::ir::Usage;
use translator::wording::Wording;

use super::hub::Hub;
use super::talk::Talk;
use crate::ledger::{
    Attempt, Capture, Flag, Label, Outcome, Record, Side, Source, SpanContext, Tokens,
    cost_nano_usd, fresh_span,
};
use crate::pool::KeyLease;
use crate::pool::limits::{Reservation, Spend};
use crate::routing::PlannedTarget;
use crate::upstream::Pieces;

/// The account of one request.
pub(super) struct Account {
    hub: Arc<Hub>,
    record: Option<Box<Record>>,
    started: Instant,
    /// What is held for it in the limits of its client key.
    reservation: Option<Reservation>,
    prompt: Prompt,
    spoken: Spoken,
    underway: Option<Underway>,
    /// An upstream was asked.
    asked: bool,
    /// What is said, where it is kept.
    talk: Option<Box<Talk>>,
    /// The span of the try that an upstream was told of last.
    told: Option<u64>,
}

/// What is known of the input, for when the upstream does not count it.
enum Prompt {
    /// Nothing yet.
    Unknown,
    /// The body, which others hold too as long as targets are tried.
    Body(Bytes),
    /// Its estimate: a stream must not keep its request in memory.
    Tokens(u64),
}

/// A try that is not over.
struct Underway {
    provider: Label,
    model: Label,
    key: Option<Label>,
    since: Instant,
}

impl Account {
    /// Opens an account. `headers` are the client's.
    pub(super) fn open(
        hub: &Arc<Hub>,
        id: &str,
        call: &'static str,
        ingress: Dialect,
        headers: &HeaderMap,
    ) -> Self {
        hub.metrics.gauges.in_flight.inc();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let record = Record {
            id: id.to_owned(),
            at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            call,
            ingress: ingress.as_str(),
            capture: hub.ledger.capture(),
            span: hub.ledger.traces().then(|| SpanContext::of(headers)),
            ..Record::default()
        };
        Self {
            hub: Arc::clone(hub),
            record: Some(Box::new(record)),
            started: Instant::now(),
            reservation: None,
            prompt: Prompt::Unknown,
            spoken: Spoken::default(),
            underway: None,
            asked: false,
            talk: None,
            told: None,
        }
    }

    /// Notes the body that upstreams are asked with.
    pub(super) fn prompt(&mut self, body: &Bytes) {
        self.prompt = Prompt::Body(body.clone());
    }

    /// The body is not needed any more: its measure is.
    pub(super) fn weigh(&mut self) {
        if let Prompt::Body(body) = &self.prompt {
            self.prompt = Prompt::Tokens(estimate::body(body));
        }
    }

    /// Notes the output so far.
    pub(super) const fn spoken(&mut self, spoken: Spoken) {
        self.spoken = spoken;
    }

    /// Notes a try that begins: a client that leaves now leaves behind a call that was made.
    pub(super) fn underway(&mut self, target: &PlannedTarget, lease: Option<&KeyLease>) {
        self.asked = true;
        self.underway = Some(Underway {
            provider: Label::from(&target.provider.name),
            model: Label::from(&target.model),
            key: key_of(lease),
            since: Instant::now(),
        });
    }

    /// What the upstream of the next try is told of the trace; nothing where requests are not traced.
    pub(super) fn traceparent(&mut self) -> Option<HeaderValue> {
        let context = self.record.as_ref()?.span?;
        let span = fresh_span();
        self.told = Some(span);
        Some(context.traceparent(span))
    }

    /// Whether anybody will see the request's spans.
    pub(super) fn is_traced(&self) -> bool {
        let span = self.record.as_ref().and_then(|record| record.span);
        span.is_some_and(|context| context.sampled)
    }

    /// How long its stream may still go on; nothing when the hub is not about to stop.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.hub.time_left()
    }

    /// Notes why the answer ended.
    pub(super) fn finished(&mut self, why: Option<Cow<'static, str>>) {
        self.note(|record| record.finish = why);
    }

    /// The record so far; nothing happens once it is closed.
    pub(super) fn note(&mut self, write: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            write(record);
        }
    }

    /// Keeps what is reserved until the account is closed.
    pub(super) fn hold(&mut self, reservation: Reservation) {
        self.reservation = Some(reservation);
    }

    /// Keeps what is said from here on.
    pub(super) fn talk(&mut self, talk: Talk) {
        self.talk = Some(Box::new(talk));
    }

    /// Notes a part of a body, where bodies are wanted.
    pub(super) fn capture(&mut self, side: Side, part: &Bytes) {
        if let Some(talk) = self.talk.as_mut().filter(|_| side == Side::ClientAnswer) {
            talk.add(part);
        }
        if let Some(capture) = self.bodies() {
            capture.add(side, part);
        }
    }

    /// Notes what an upstream is asked; what an earlier one was asked is forgotten.
    pub(super) fn capture_call(&mut self, body: &Pieces) {
        if let Some(capture) = self.bodies() {
            capture.restart(Side::UpstreamRequest);
            capture.restart(Side::UpstreamAnswer);
            for piece in body.iter() {
                capture.add(Side::UpstreamRequest, piece);
            }
        }
    }

    fn bodies(&mut self) -> Option<&mut Capture> {
        self.record.as_mut()?.capture.as_deref_mut()
    }

    /// Notes which kind of error the client is told.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.note(|record| {
            let code = failure.code.as_deref();
            record.error_code = Some(code.unwrap_or_else(|| kind(failure.kind)).to_owned());
        });
    }

    /// Notes a try that led nowhere, or the one that answered (`reason` absent).
    pub(super) fn attempt(
        &mut self,
        target: &PlannedTarget,
        lease: Option<&KeyLease>,
        status: u16,
        took: Duration,
        reason: Option<String>,
    ) {
        self.underway = None;
        let span = self.told.take();
        let since = self.started.elapsed().saturating_sub(took);
        self.note(|record| {
            // Most requests need one, and a stream holds the room for as long as it lasts.
            record.attempts.reserve_exact(1);
            record.attempts.push(Attempt {
                provider: Label::from(&target.provider.name),
                model: Label::from(&target.model),
                key: key_of(lease),
                status,
                took,
                reason,
                since,
                span,
            });
        });
    }

    /// Notes who serves the request now.
    pub(super) fn target(&mut self, target: &PlannedTarget) {
        self.note(|record| {
            record.upstream = Some(target.provider.dialect.as_str());
            record.provider = Some(Label::from(&target.provider.name));
            record.model_served = Some(Label::from(&target.model));
        });
    }

    /// Notes what the translation changed.
    pub(super) fn fidelity(&mut self, report: &Report) {
        self.note(|record| {
            record.fidelity = report.entries().iter().map(Into::into).collect();
        });
    }

    /// Notes the counts in the words of both sides.
    pub(super) fn wording(&mut self, wording: Option<Wording>) {
        self.note(|record| record.wording = wording.map(Box::new));
    }

    /// Notes that the first bytes of the answer are there.
    pub(super) fn first_byte(&mut self) {
        let passed = self.started.elapsed();
        self.note(|record| {
            record.first_byte.get_or_insert(passed);
        });
    }

    /// How many tries there were so far.
    pub(super) fn attempts(&self) -> usize {
        self.record
            .as_ref()
            .map_or(0, |record| record.attempts.len())
    }

    /// Closes the account.
    pub(super) fn close(
        &mut self,
        outcome: Outcome,
        status: u16,
        usage: Option<Usage>,
        error: Option<String>,
    ) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        record.outcome = outcome;
        record.status = status;
        if let Some(underway) = self.underway.take() {
            record.attempts.push(Attempt {
                provider: underway.provider,
                model: underway.model,
                key: underway.key,
                status: 0,
                took: underway.since.elapsed(),
                reason: Some("the client left before it answered".to_owned()),
                since: underway.since.duration_since(self.started),
                span: self.told.take(),
            });
        }
        record.usage = match outcome {
            // Nothing was delivered, and an upstream that fails charges nothing.
            Outcome::Error => usage.map(Into::into),
            Outcome::Ok | Outcome::Cut | Outcome::Cancelled => self.counted(usage),
        };
        if record.usage.as_ref().is_some_and(Tokens::is_estimated) {
            // Nobody told these counts; so it must not look as if both sides had said the same.
            record.wording.get_or_insert_default();
        }
        self.price(&mut record);
        record.error = error;
        record.total = self.started.elapsed();
        self.settle(&record);
        // What was broken off is no answer to go on from.
        if let Some(talk) = self.talk.take().filter(|_| outcome == Outcome::Ok) {
            talk.finish(&record, &self.hub.history);
        }
        self.hub.metrics.gauges.in_flight.dec();
        tracing::debug!(id = %record.id, status, outcome = outcome.as_str(), "request finished");
        self.hub.ledger.put(record);
    }
}

impl Account {
    /// The counts, with what the upstream did not come to say put in.
    fn counted(&self, told: Option<Usage>) -> Option<Tokens> {
        if told.is_none() && !self.asked {
            return None;
        }
        let mut usage = told.unwrap_or_default();
        let no_input = told.is_none() || (usage.estimated && usage.input_total() == 0);
        if no_input {
            usage.fresh = match &self.prompt {
                Prompt::Unknown => 0,
                Prompt::Body(body) => estimate::body(body),
                Prompt::Tokens(tokens) => *tokens,
            };
        }
        let spoken = self.spoken.tokens();
        let no_output = told.is_none() || usage.early && spoken > usage.output_total();
        if no_output {
            usage.output = spoken.saturating_sub(usage.reasoning);
        }
        let mut tokens = Tokens::from(usage);
        if no_input || usage.estimated {
            tokens.flags.push(Flag::InputEstimated);
        }
        if no_output || (usage.estimated && usage.output_total() > 0) {
            tokens.flags.push(Flag::OutputEstimated);
        }
        if usage.estimated || no_input || no_output {
            tokens.source = Source::Estimated;
        }
        Some(tokens)
    }
}

impl Account {
    /// What it cost, where the price is known.
    fn price(&self, record: &mut Record) {
        let (Some(tokens), Some(provider), Some(model)) =
            (&record.usage, &record.provider, &record.model_served)
        else {
            return;
        };
        let snapshot = self.hub.snapshots.load();
        let Some(price) = snapshot.prices.price(provider.as_str(), model.as_str()) else {
            return;
        };
        record.cost_nano_usd = Some(cost_nano_usd(price.rates, tokens));
        record.price_version = Some(Label::from(price.version));
    }

    /// What the request has used takes the place of what was reserved for it.
    fn settle(&mut self, record: &Record) {
        if let Some(reservation) = self.reservation.take() {
            let tokens = record.usage.as_ref();
            let spend = Spend {
                tokens: tokens.map_or(0, |tokens| tokens.input.saturating_add(tokens.output)),
                nano_usd: record.cost_nano_usd,
            };
            reservation.settle(spend, Instant::now());
        }
    }
}

/// The name of a kind of error that has no code of its own.
const fn kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidRequest => "invalid_request",
        FailureKind::ContextTooLong => "context_too_long",
        FailureKind::TooLarge => "too_large",
        FailureKind::ClientAuth => "client_auth",
        FailureKind::UpstreamAuth => "upstream_auth",
        FailureKind::Billing => "billing",
        FailureKind::Permission => "permission",
        FailureKind::NotFound => "not_found",
        FailureKind::Conflict => "conflict",
        FailureKind::RateLimit => "rate_limit",
        FailureKind::Policy => "policy",
        FailureKind::Overloaded => "overloaded",
        FailureKind::Upstream => "upstream",
        FailureKind::Timeout => "timeout",
        FailureKind::Cancelled => "cancelled",
        FailureKind::Unsupported => "unsupported",
        FailureKind::NoProvider => "no_provider",
        FailureKind::Internal => "internal",
    }
}

fn key_of(lease: Option<&KeyLease>) -> Option<Label> {
    lease
        .filter(|lease| lease.header().is_some())
        .map(|lease| Label::from(lease.key_id()))
}

impl Drop for Account {
    fn drop(&mut self) {
        // 499 is what the trade calls a client that went away.
        self.close(Outcome::Cancelled, 499, None, None);
    }
}
