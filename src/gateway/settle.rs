//! The account of one request, closed exactly once whatever happens.
//!
//! Whoever holds the [`Account`] is responsible for the request. Dropping it without closing means that
//! the client has left.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use translator::Dialect;
use translator::fidelity::Report;
use translator::ir::Usage;

use super::hub::Hub;
use crate::ledger::{Attempt, Label, Outcome, Record};
use crate::pool::KeyLease;
use crate::pool::limits::{Reservation, Spend};
use crate::routing::PlannedTarget;

/// The account of one request.
pub(super) struct Account {
    hub: Arc<Hub>,
    record: Option<Box<Record>>,
    started: Instant,
    /// What is held for it in the limits of its client key.
    reservation: Option<Reservation>,
}

impl Account {
    /// Opens an account.
    pub(super) fn open(hub: &Arc<Hub>, id: &str, call: &'static str, ingress: Dialect) -> Self {
        hub.metrics.gauges.in_flight.inc();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let record = Record {
            id: id.to_owned(),
            at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            call,
            ingress: ingress.as_str(),
            ..Record::default()
        };
        Self {
            hub: Arc::clone(hub),
            record: Some(Box::new(record)),
            started: Instant::now(),
            reservation: None,
        }
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

    /// Notes a try that led nowhere, or the one that answered (`reason` absent).
    pub(super) fn attempt(
        &mut self,
        target: &PlannedTarget,
        lease: Option<&KeyLease>,
        status: u16,
        took: Duration,
        reason: Option<String>,
    ) {
        self.note(|record| {
            record.attempts.push(Attempt {
                provider: Label::from(&target.provider.name),
                model: Label::from(&target.model),
                key: lease
                    .filter(|lease| lease.header().is_some())
                    .map(|lease| Label::from(lease.key_id())),
                status,
                took,
                reason,
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
        record.usage = usage.map(Into::into);
        record.error = error;
        record.total = self.started.elapsed();
        self.settle(&record);
        self.hub.metrics.gauges.in_flight.dec();
        tracing::debug!(id = %record.id, status, outcome = outcome.as_str(), "request finished");
        self.hub.ledger.put(record);
    }
}

impl Account {
    /// What the request has used takes the place of what was reserved for it.
    fn settle(&mut self, record: &Record) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let spend = match (&record.usage, &record.provider, &record.model_served) {
            (Some(tokens), Some(provider), Some(model)) => Spend {
                tokens: tokens.input.saturating_add(tokens.output),
                nano_usd: self
                    .hub
                    .pricer
                    .cost_nano_usd(provider.as_str(), model.as_str(), tokens),
            },
            _ => Spend::default(),
        };
        reservation.settle(spend, Instant::now());
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // 499 is what the trade calls a client that went away.
        self.close(Outcome::Cancelled, 499, None, None);
    }
}
