//! Traces, as a collector sees them that speaks OTLP over HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use tokio::net::TcpListener;

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, GEMINI, MESSAGES, RESPONSES};
use crate::upstream::{Reply, Step, Upstream};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A message as it came.
struct Message {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A collector that answers with one status after the other; the last is repeated.
struct Collector {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Collector {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let seen = Arc::clone(&messages);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let service = service_fn(move |request: Request<Incoming>| {
                    let seen = Arc::clone(&seen);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.expect("a whole message").to_bytes();
                        let mut seen = seen.lock().expect("no panic inside");
                        let status = statuses[seen.len().min(statuses.len() - 1)];
                        seen.push(Message {
                            path: head.uri.path().to_owned(),
                            headers: head.headers,
                            body,
                        });
                        let answer = Response::builder()
                            .status(status)
                            .header("content-type", "application/x-protobuf")
                            .body(Full::new(Bytes::new()));
                        Ok::<_, Infallible>(answer.expect("a legal answer"))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, messages }
    }

    /// A hub that sends its traces here.
    async fn hub(&self, providers: &[String]) -> TestHub {
        TestHub::start(&format!(
            "AUTH: open\nENABLE_TELEMETRY: true\nOTLP_ENDPOINT: http://{}\nOTLP_HEADERS: x-collector-key=canary-collector\nPROVIDERS:\n{}",
            self.address,
            providers.concat()
        ))
        .await
    }

    /// The spans of the first message that has at least `want`, once it is there.
    async fn spans(&self, want: usize) -> Vec<Span> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(15) {
            let spans = self.all_spans();
            if spans.len() >= want {
                assert_eq!(spans.len(), want, "{spans:#?}");
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("{} spans of {want}", self.all_spans().len());
    }

    fn all_spans(&self) -> Vec<Span> {
        let messages = self.messages.lock().expect("no panic inside");
        messages
            .iter()
            .flat_map(|message| {
                let message = ExportTraceServiceRequest::decode(message.body.clone());
                message.expect("a message of OTLP").resource_spans
            })
            .flat_map(|of_resource| of_resource.scope_spans)
            .flat_map(|of_scope| of_scope.spans)
            .collect()
    }

    fn count(&self) -> usize {
        self.messages.lock().expect("no panic inside").len()
    }
}

fn find<'s>(attributes: &'s [KeyValue], key: &str) -> Option<&'s Value> {
    let mut found = attributes.iter().filter(|attribute| attribute.key == key);
    let value = found.next()?.value.as_ref()?.value.as_ref();
    assert!(found.next().is_none(), "{key} twice");
    value
}

fn text<'s>(span: &'s Span, key: &str) -> &'s str {
    match find(&span.attributes, key) {
        Some(Value::StringValue(text)) => text,
        other => unreachable!("{key}: {other:?}"),
    }
}

fn int(span: &Span, key: &str) -> i64 {
    match find(&span.attributes, key) {
        Some(Value::IntValue(number)) => *number,
        other => unreachable!("{key}: {other:?}"),
    }
}

fn finish(span: &Span) -> Vec<String> {
    match find(&span.attributes, "gen_ai.response.finish_reasons") {
        Some(Value::ArrayValue(list)) => list
            .values
            .iter()
            .filter_map(|value| match &value.value {
                Some(Value::StringValue(text)) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn code(span: &Span) -> i32 {
    span.status.as_ref().map_or(-1, |status| status.code)
}

#[tokio::test]
async fn a_request_is_a_span_and_each_attempt_one_below_it() {
    let collector = Collector::start(&[200]).await;
    let ill = Upstream::start([Reply::json(
        503,
        r#"{"error":{"message":"canary-upstream-words","type":"server_error"}}"#,
    )])
    .await;
    let answer = CHAT.answer.replace("hello", "canary-answer");
    let well = Upstream::start([Reply::json(200, &answer)]).await;
    let hub = collector
        .hub(&[
            provider("ill", "openai", &ill, "priority: 1, max_retries: 0"),
            provider("well", "openai", &well, "priority: 2, max_retries: 0"),
        ])
        .await;
    let place = format!("00-{TRACE}-{PARENT}-01");
    let answer = hub
        .ask(
            "POST",
            "/v1/messages",
            &[
                ("content-type", "application/json"),
                ("traceparent", &place),
                ("tracestate", "canary-state=1"),
                ("baggage", "canary=baggage"),
            ],
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"canary-prompt"}]}"#,
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let spans = collector.spans(3).await;
    let request = spans
        .iter()
        .find(|span| span.kind == i32::from(SpanKind::Server))
        .expect("the request's span");
    assert_eq!(request.name, "chat m");
    assert_eq!(hex(&request.trace_id), TRACE);
    assert_eq!(hex(&request.parent_span_id), PARENT);
    // Sampled, and the parent is another process's.
    assert_eq!(request.flags, 0x301);
    assert_eq!(code(request), i32::from(StatusCode::Unset));
    for (key, wanted) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "well"),
        ("gen_ai.request.model", "m"),
        ("gen_ai.response.model", "m"),
        ("server.address", "127.0.0.1"),
        ("llm_bridge.provider", "well"),
        ("llm_bridge.ingress", "anthropic"),
        ("llm_bridge.upstream", "openai-chat"),
        ("llm_bridge.outcome", "ok"),
        ("llm_bridge.usage.source", "vendor"),
        (
            "llm_bridge.request.id",
            answer.header("x-request-id").expect("an id"),
        ),
    ] {
        assert_eq!(text(request, key), wanted, "{key}");
    }
    for (key, wanted) in [
        ("gen_ai.usage.input_tokens", 3),
        ("gen_ai.usage.output_tokens", 2),
        ("http.response.status_code", 200),
        ("server.port", i64::from(well.address.port())),
        ("llm_bridge.attempts", 2),
    ] {
        assert_eq!(int(request, key), wanted, "{key}");
    }
    assert_eq!(finish(request), ["stop"]);
    assert!(find(&request.attributes, "error.type").is_none());

    let attempts: Vec<&Span> = spans
        .iter()
        .filter(|span| span.kind == i32::from(SpanKind::Client))
        .collect();
    for (attempt, upstream, name, status) in [
        (attempts[0], &ill, "ill", 503),
        (attempts[1], &well, "well", 200),
    ] {
        assert_eq!(attempt.trace_id, request.trace_id);
        assert_eq!(attempt.parent_span_id, request.span_id);
        assert_eq!(text(attempt, "gen_ai.provider.name"), name);
        assert_eq!(int(attempt, "http.response.status_code"), status);
        assert!(find(&attempt.attributes, "gen_ai.usage.input_tokens").is_none());
        assert!(
            request.start_time_unix_nano <= attempt.start_time_unix_nano
                && attempt.start_time_unix_nano < attempt.end_time_unix_nano
                && attempt.end_time_unix_nano <= request.end_time_unix_nano,
            "{attempt:#?} in {request:#?}"
        );
        // The upstream is told of the attempt's own span, and of nothing else that the client said.
        let headers = &upstream.asked()[0].headers;
        let told = format!("00-{TRACE}-{}-01", hex(&attempt.span_id));
        assert_eq!(headers["traceparent"], *told);
        assert!(!headers.contains_key("tracestate") && !headers.contains_key("baggage"));
    }
    assert_eq!(text(attempts[0], "error.type"), "503");
    assert_eq!(code(attempts[0]), i32::from(StatusCode::Error));
    assert!(attempts[0].end_time_unix_nano <= attempts[1].start_time_unix_nano);
    assert_ne!(attempts[0].span_id, attempts[1].span_id);

    let messages = collector.messages.lock().expect("no panic inside");
    let message = &messages[0];
    assert_eq!(message.path, "/v1/traces");
    assert_eq!(message.headers["content-type"], "application/x-protobuf");
    assert_eq!(message.headers["x-collector-key"], "canary-collector");
    let raw = String::from_utf8_lossy(&message.body);
    for secret in ["key-one", "key-two", "canary"] {
        assert!(!raw.contains(secret), "{secret} in {raw}");
    }
    let decoded = ExportTraceServiceRequest::decode(message.body.clone()).expect("decoded above");
    let resource = decoded.resource_spans[0]
        .resource
        .as_ref()
        .expect("a resource");
    let service = find(&resource.attributes, "service.name");
    assert_eq!(service, Some(&Value::StringValue("llm-bridge".to_owned())));
}

#[tokio::test]
async fn streams_of_every_dialect_say_why_they_ended() {
    let collector = Collector::start(&[200]).await;
    let mut providers = Vec::new();
    for sample in [&CHAT, &RESPONSES, &MESSAGES, &GEMINI] {
        let frames = sample
            .frames
            .iter()
            .map(|frame| Step::Send((*frame).to_owned()));
        let upstream = Upstream::start([Reply::stream(frames.collect())]).await;
        let name = format!("p-{}", sample.format);
        providers.push(provider(&name, sample.format, &upstream, ""));
    }
    let hub = collector.hub(&providers).await;
    // Each dialect's own bytes, then one translated.
    let mut asked = 0;
    for (client, upstream) in [
        (&CHAT, &CHAT),
        (&RESPONSES, &RESPONSES),
        (&MESSAGES, &MESSAGES),
        (&GEMINI, &GEMINI),
        (&CHAT, &MESSAGES),
    ] {
        let pin = format!("p-{}", upstream.format);
        let headers = [
            ("content-type", "application/json"),
            ("x-bridge-provider", &*pin),
        ];
        let answer = hub
            .ask("POST", client.stream_path, &headers, client.stream_request)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        asked += 1;
    }
    let spans = collector.spans(2 * asked).await;
    let requests: Vec<&Span> = spans
        .iter()
        .filter(|span| span.kind == i32::from(SpanKind::Server))
        .collect();
    assert_eq!(requests.len(), asked);
    for request in requests {
        assert!(request.parent_span_id.is_empty(), "{request:#?}");
        assert_eq!(finish(request), ["stop"], "{request:#?}");
        assert_eq!(
            int(request, "gen_ai.usage.output_tokens"),
            2,
            "{request:#?}"
        );
        let first = find(&request.attributes, "gen_ai.response.time_to_first_chunk");
        assert!(matches!(first, Some(Value::DoubleValue(time)) if *time > 0.0));
        let operation = match text(request, "llm_bridge.ingress") {
            "gemini" => "generate_content",
            _ => "chat",
        };
        assert_eq!(text(request, "gen_ai.operation.name"), operation);
        let attempt = spans
            .iter()
            .find(|span| span.parent_span_id == request.span_id);
        let attempt = attempt.expect("an attempt");
        assert_eq!(attempt.end_time_unix_nano, request.end_time_unix_nano);
    }
}

#[tokio::test]
async fn a_failure_has_a_type_and_no_words() {
    let collector = Collector::start(&[200]).await;
    let words = r#"{"error":{"message":"canary: your prompt said so","type":"invalid_request_error","param":"messages","code":"bad_one"}}"#;
    let upstream = Upstream::start([Reply::json(400, words)]).await;
    let hub = collector
        .hub(&[provider("p", "openai", &upstream, "")])
        .await;
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert_eq!(answer.status, 400);
    let spans = collector.spans(2).await;
    assert_eq!(text(&spans[0], "error.type"), "bad_one");
    assert_eq!(text(&spans[0], "llm_bridge.outcome"), "error");
    assert_eq!(code(&spans[0]), i32::from(StatusCode::Error));
    let messages = collector.messages.lock().expect("no panic inside");
    assert!(!String::from_utf8_lossy(&messages[0].body).contains("canary"));
}

#[tokio::test]
async fn what_a_client_does_not_want_to_see_is_not_sent() {
    let collector = Collector::start(&[200]).await;
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = collector
        .hub(&[provider("p", "openai", &upstream, "")])
        .await;
    for flags in ["00", "01"] {
        let place = format!("00-{TRACE}-{PARENT}-{flags}");
        let headers = [
            ("content-type", "application/json"),
            ("traceparent", &*place),
        ];
        hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
    }
    // One request of the two; the other's place went on all the same.
    collector.spans(2).await;
    let told = upstream.asked()[0].headers["traceparent"].clone();
    let told = told.to_str().expect("text");
    assert!(
        told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"),
        "{told}"
    );
}

#[tokio::test]
async fn without_telemetry_nothing_of_the_trace_goes_on() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("p", "openai", &upstream, "")]).await;
    let place = format!("00-{TRACE}-{PARENT}-01");
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", &*place),
        ("tracestate", "a=1"),
    ];
    hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
    let asked = &upstream.asked()[0].headers;
    assert!(!asked.contains_key("traceparent") && !asked.contains_key("tracestate"));
}

#[tokio::test]
async fn a_collector_in_trouble_gets_the_spans_later_and_once() {
    let collector = Collector::start(&[503, 200]).await;
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = collector
        .hub(&[provider("p", "openai", &upstream, "")])
        .await;
    hub.post(CHAT.path, CHAT.request).await;
    counted(&hub, "bridge_spans_exported_total 2").await;
    assert_eq!(collector.count(), 2);
    let messages = collector.messages.lock().expect("no panic inside");
    assert_eq!(messages[0].body, messages[1].body);
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_away_costs_spans_and_nothing_else() {
    let collector = Collector::start(&[400]).await;
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = collector
        .hub(&[provider("p", "openai", &upstream, "")])
        .await;
    hub.post(CHAT.path, CHAT.request).await;
    counted(&hub, "bridge_spans_dropped_total 2").await;
    assert_eq!(
        collector.count(),
        1,
        "a refusal for good is not tried again"
    );

    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let away = nobody.local_addr().expect("bound");
    drop(nobody);
    let hub = TestHub::start(&format!(
        "AUTH: open\nENABLE_TELEMETRY: true\nOTLP_ENDPOINT: http://{away}\nPROVIDERS:\n{}",
        provider("p", "openai", &upstream, "")
    ))
    .await;
    for _ in 0..20 {
        let answer = hub.post(CHAT.path, CHAT.request).await;
        assert_eq!(answer.status, 200);
    }
    hub.records(20).await;
    counted(&hub, "bridge_spans_dropped_total 40").await;
    assert_eq!(hub.post(CHAT.path, CHAT.request).await.status, 200);
}

/// Waits until the metrics say so.
async fn counted(hub: &TestHub, line: &str) {
    let mut text = String::new();
    for _ in 0..750 {
        text = hub.ask("GET", "/metrics", &[], "").await.text;
        if text.lines().any(|found| found == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("{line} is not in\n{text}");
}
