//! Prometheus metrics, counted from finished records.
//!
//! Labels are bounded: dialects, configured providers, status classes, outcomes. Model names, which
//! clients choose freely, are no label.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::ledger::Record;

/// Seconds; answers of models take from milliseconds (errors) to minutes.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    call: &'static str,
    ingress: &'static str,
    provider: String,
    status: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    provider: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TimeLabels {
    ingress: &'static str,
    provider: String,
}

/// What goes up and down, kept by those who know.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Requests being served.
    pub in_flight: Gauge<i64, AtomicI64>,
    /// Open client connections.
    pub connections: Gauge<i64, AtomicI64>,
    /// Records that the ledger's writer has not taken yet.
    pub ledger_queued: Gauge<i64, AtomicI64>,
    /// Records that wait in memory for the database.
    pub ledger_waiting: Gauge<i64, AtomicI64>,
    /// Bytes that wait in a file for the database.
    pub ledger_spill_bytes: Gauge<i64, AtomicI64>,
    /// 1 while limits are this hub's own because the server that shares them does not answer.
    pub sharing_away: Gauge<i64, AtomicI64>,
}

/// All metrics of the hub.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    unpriced: Family<ProviderLabels, Counter>,
    refused: Family<RefusalLabels, Counter>,
    total: Family<TimeLabels, Histogram>,
    first_byte: Family<TimeLabels, Histogram>,
    /// What goes up and down.
    pub gauges: Gauges,
    /// Events that clients told of themselves.
    pub client_events: AtomicU64,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bridge");
        let metrics = Self {
            requests: Family::default(),
            attempts: Family::default(),
            tokens: Family::default(),
            unpriced: Family::default(),
            refused: Family::default(),
            total: Family::new_with_constructor(histogram),
            first_byte: Family::new_with_constructor(histogram),
            gauges: Gauges::default(),
            client_events: AtomicU64::new(0),
            registry: Registry::default(),
        };
        registry.register("requests", "Finished requests", metrics.requests.clone());
        registry.register("attempts", "Tries at upstreams", metrics.attempts.clone());
        registry.register("tokens", "Tokens by kind", metrics.tokens.clone());
        registry.register(
            "unpriced_requests",
            "Requests that used tokens whose price is not known",
            metrics.unpriced.clone(),
        );
        registry.register(
            "refused_callers",
            "Requests without a client key that is let in; they are in no request log",
            metrics.refused.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time to the end of the answer",
            Unit::Seconds,
            metrics.total.clone(),
        );
        registry.register_with_unit(
            "first_byte",
            "Time to the first byte of the answer",
            Unit::Seconds,
            metrics.first_byte.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests being served",
            metrics.gauges.in_flight.clone(),
        );
        registry.register(
            "connections",
            "Open client connections",
            metrics.gauges.connections.clone(),
        );
        for (name, help, gauge) in [
            (
                "ledger_queued",
                "Request records that the writer has not taken yet",
                &metrics.gauges.ledger_queued,
            ),
            (
                "ledger_waiting",
                "Request records that wait in memory for the database",
                &metrics.gauges.ledger_waiting,
            ),
            (
                "ledger_spill_bytes",
                "Bytes of request records that wait in a file for the database",
                &metrics.gauges.ledger_spill_bytes,
            ),
            (
                "sharing_away",
                "1 while the server of REDIS_URL does not answer and each hub counts for itself",
                &metrics.gauges.sharing_away,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts a finished request.
    pub fn observe(&self, record: &Record) {
        let provider = record
            .provider
            .as_ref()
            .map_or_else(String::new, |name| name.as_str().to_owned());
        self.requests
            .get_or_create(&RequestLabels {
                call: record.call,
                ingress: record.ingress,
                provider: provider.clone(),
                status: class(record.status),
                outcome: record.outcome.as_str(),
            })
            .inc();
        for attempt in &record.attempts {
            let labels = AttemptLabels {
                provider: attempt.provider.as_str().to_owned(),
                status: class(attempt.status),
            };
            self.attempts.get_or_create(&labels).inc();
        }
        if let Some(usage) = &record.usage {
            if record.cost_nano_usd.is_none() && usage.input.saturating_add(usage.output) > 0 {
                let labels = ProviderLabels {
                    provider: provider.clone(),
                };
                self.unpriced.get_or_create(&labels).inc();
            }
            for (kind, count) in [
                ("input", usage.uncached + usage.tool_input),
                ("cache_read", usage.cache_read),
                ("cache_write", usage.cache_write_total()),
                ("output", usage.output.saturating_sub(usage.reasoning)),
                ("reasoning", usage.reasoning),
            ] {
                if count > 0 {
                    // An absurd count of a broken upstream must not swamp the sum.
                    let labels = TokenLabels {
                        provider: provider.clone(),
                        kind,
                    };
                    self.tokens
                        .get_or_create(&labels)
                        .inc_by(count.min(1 << 32));
                }
            }
        }
        let labels = TimeLabels {
            ingress: record.ingress,
            provider,
        };
        self.total
            .get_or_create(&labels)
            .observe(record.total.as_secs_f64());
        if let Some(first) = record.first_byte {
            self.first_byte
                .get_or_create(&labels)
                .observe(first.as_secs_f64());
        }
    }

    /// Counts a request whose caller is not let in.
    pub fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// The text that Prometheus reads. `extra` are counters kept elsewhere: name, help, value.
    #[must_use]
    pub fn render(&self, extra: &[(&str, &str, &AtomicU64)]) -> String {
        let mut text = String::with_capacity(8 << 10);
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        let end = text.strip_suffix("# EOF\n").map_or(text.len(), str::len);
        text.truncate(end);
        for (name, help, value) in extra {
            let value = value.load(std::sync::atomic::Ordering::Relaxed);
            let _ = write!(
                text,
                "# HELP bridge_{name} {help}.\n# TYPE bridge_{name} counter\nbridge_{name}_total {value}\n"
            );
        }
        text.push_str("# EOF\n");
        text
    }
}

const fn class(status: u16) -> &'static str {
    match status {
        0 => "none",
        200..=299 => "2xx",
        300..=399 => "3xx",
        401 | 403 => "auth",
        429 => "429",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
