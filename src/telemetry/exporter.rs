//! The way of spans to a collector: a bounded queue, one message on its way at a time.
//!
//! A collector that is away or slow costs spans, which are counted, and nothing else: whoever puts spans here never
//! waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::otlp_endpoint::OtlpEndpoint;
use super::{semconv, spans};
use crate::ledger::Record;
use crate::snapshot::SnapshotStore;
use crate::upstream::{Client, Pieces, retry_after};

/// Requests whose spans may wait.
const QUEUE: usize = 2_048;
/// Requests whose spans go in one message.
const BATCH: usize = 512;
/// How long a span waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// A collector that takes longer has not taken it.
const DEADLINE: Duration = Duration::from_secs(10);
/// Tries at one message, and the pause after the first; it doubles.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Answers of collectors are a few bytes.
const ANSWER: usize = 64 << 10;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// What became of spans.
#[derive(Debug, Default)]
pub struct SpanCounts {
    /// Taken by the collector.
    pub exported: AtomicU64,
    /// Lost: the queue was full, or the collector did not take them.
    pub dropped: AtomicU64,
}

/// Puts the spans of records into the queue.
pub struct SpanOutlet {
    queue: mpsc::Sender<Vec<Span>>,
    snapshots: Arc<SnapshotStore>,
    counts: Arc<SpanCounts>,
}

impl SpanOutlet {
    /// Takes the spans of a request; never waits.
    pub fn take(&self, record: &Record) {
        let spans = spans::spans(record, &self.snapshots.load());
        let count = spans.len() as u64;
        if count > 0 && self.queue.try_send(spans).is_err() {
            self.counts.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// What became of spans.
    #[must_use]
    pub fn counts(&self) -> Arc<SpanCounts> {
        Arc::clone(&self.counts)
    }
}

/// Sends what is in the queue; must run for spans to arrive.
pub struct Exporter {
    inbox: mpsc::Receiver<Vec<Span>>,
    endpoint: OtlpEndpoint,
    resource: Resource,
    client: Client,
    counts: Arc<SpanCounts>,
    is_away: bool,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// The way of spans to a collector: what takes records, and what sends them. It ends when the outlet is dropped.
/// Addresses of providers are looked up in `snapshots`.
#[must_use]
pub fn to_collector(
    endpoint: OtlpEndpoint,
    snapshots: Arc<SnapshotStore>,
) -> (SpanOutlet, Exporter) {
    let (queue, inbox) = mpsc::channel(QUEUE);
    let counts: Arc<SpanCounts> = Arc::default();
    let exporter = Exporter {
        inbox,
        endpoint,
        resource: resource(),
        client: Client::default(),
        counts: Arc::clone(&counts),
        is_away: false,
    };
    let outlet = SpanOutlet {
        queue,
        snapshots,
        counts,
    };
    (outlet, exporter)
}

/// Who sends.
fn resource() -> Resource {
    let attribute = |key: &str, value: String| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value)),
        }),
        ..KeyValue::default()
    };
    Resource {
        attributes: vec![
            attribute(semconv::SERVICE_NAME, "llm-bridge".to_owned()),
            attribute(
                semconv::SERVICE_VERSION,
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
            attribute(semconv::SERVICE_INSTANCE, uuid::Uuid::now_v7().to_string()),
        ],
        ..Resource::default()
    }
}

/// Why a message was not taken.
enum Refused {
    /// It may be another time, after so long when the collector says.
    ForNow(String, Option<Duration>),
    /// It never will be.
    ForGood(String),
}

impl Exporter {
    /// Sends until nobody puts spans into the queue any more.
    pub async fn run(mut self) {
        let mut requests = Vec::with_capacity(BATCH);
        while self.inbox.recv_many(&mut requests, BATCH).await > 0 {
            self.gather(&mut requests).await;
            let spans: Vec<Span> = requests.drain(..).flatten().collect();
            let count = spans.len() as u64;
            let lost = self.export(spans).await.min(count);
            let counts = &self.counts;
            counts.dropped.fetch_add(lost, Ordering::Relaxed);
            counts.exported.fetch_add(count - lost, Ordering::Relaxed);
        }
    }

    /// Waits a moment for more.
    async fn gather(&mut self, requests: &mut Vec<Vec<Span>>) {
        let fill = async {
            while requests.len() < BATCH {
                let room = BATCH - requests.len();
                if self.inbox.recv_many(requests, room).await == 0 {
                    return;
                }
            }
        };
        let _ = timeout(LINGER, fill).await;
    }

    /// Sends a message, with patience. Says how many spans are lost.
    async fn export(&mut self, spans: Vec<Span>) -> u64 {
        let count = spans.len() as u64;
        let message = Bytes::from(self.message(spans).encode_to_vec());
        for pause in 0..TRIES {
            let why = match self.send(message.clone()).await {
                Ok(refused) => {
                    if std::mem::take(&mut self.is_away) {
                        tracing::info!("the trace collector takes spans again");
                    }
                    return refused;
                }
                Err(Refused::ForGood(why)) => {
                    self.away(&why);
                    return count;
                }
                Err(Refused::ForNow(why, asked)) => {
                    // When it has not answered the last message either, only the newest are worth a try.
                    let last = pause + 1 == TRIES || self.is_away || self.inbox.is_closed();
                    if !last {
                        let wait = asked.unwrap_or(PAUSE * (1 << pause)).min(LONGEST_PAUSE);
                        sleep(wait).await;
                        continue;
                    }
                    why
                }
            };
            self.away(&why);
            return count;
        }
        count
    }

    /// Says it once.
    fn away(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_away, true) {
            let uri = self.endpoint.uri();
            tracing::warn!(
                "the trace collector {uri} does not take spans ({why}); they are dropped"
            );
        }
    }

    fn message(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let scope = InstrumentationScope {
            name: "llm-bridge".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans,
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        }
    }

    /// One try. Says how many spans the collector refused.
    async fn send(&self, message: Bytes) -> Result<u64, Refused> {
        let mut request = Request::new(Pieces::from(message));
        *request.method_mut() = Method::POST;
        request.uri_mut().clone_from(self.endpoint.uri());
        *request.headers_mut() = self.endpoint.headers().clone();
        request.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
        // The operator says where the collector is, and it is usually next door.
        let exchange = async {
            let response = self
                .client
                .send(request, true, None)
                .await
                .map_err(|error| Refused::ForNow(error.to_string(), None))?;
            let status = response.status();
            let wait = retry_after(response.headers(), SystemTime::now());
            let body = http_body_util::Limited::new(response.into_body(), ANSWER);
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes);
            match status.as_u16() {
                200..=299 => Ok(refused(&body.unwrap_or_default())),
                429 | 502 | 503 | 504 => {
                    Err(Refused::ForNow(format!("status {}", status.as_u16()), wait))
                }
                other => Err(Refused::ForGood(format!("status {other}"))),
            }
        };
        match timeout(DEADLINE, exchange).await {
            Ok(sent) => sent,
            Err(_) => {
                let words = format!("no answer within {} s", DEADLINE.as_secs());
                Err(Refused::ForNow(words, None))
            }
        }
    }
}

/// How many spans an answer says were not taken.
fn refused(body: &[u8]) -> u64 {
    ExportTraceServiceResponse::decode(body)
        .ok()
        .and_then(|answer| answer.partial_success)
        .map_or(0, |partial| {
            u64::try_from(partial.rejected_spans).unwrap_or(0)
        })
}
