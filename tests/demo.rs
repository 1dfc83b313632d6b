//! The demo upstream over a real socket: framing, headers, and the ways in which it breaks on purpose.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running demo upstream; it ends when this is dropped.
struct Demo {
    address: std::net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Demo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(bridge::demo::serve(listener, async move {
            stopped.await.ok();
        }));
        Self {
            address,
            _stop: stop,
        }
    }

    /// Everything that comes back on the wire until the connection ends.
    async fn exchange(&self, path: &str, headers: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.expect("it listens");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        socket
            .write_all(head.as_bytes())
            .await
            .expect("the head is sent");
        socket
            .write_all(body.as_bytes())
            .await
            .expect("the body is sent");
        let mut wire = Vec::new();
        let read =
            tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut wire)).await;
        // A cut connection may be a reset: what came before it counts.
        drop(read.expect("it ends in time"));
        String::from_utf8(wire).expect("answers are text")
    }

    async fn chat(&self, user: &str, stream: bool) -> String {
        let body = format!(
            r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"{user}"}}]}}"#
        );
        self.exchange("/v1/chat/completions", "", &body).await
    }

    async fn gemini(&self, verb: &str, user: &str) -> String {
        let body = format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{user}"}}]}}]}}"#);
        self.exchange(&format!("/v1beta/models/m:{verb}"), "", &body)
            .await
    }
}

#[tokio::test]
async fn frames_each_dialect_as_its_vendor_does() {
    let demo = Demo::start().await;
    let chat = demo.chat("Hi", true).await;
    assert!(chat.contains("content-type: text/event-stream"), "{chat}");
    assert!(chat.contains("data: [DONE]\n\n"), "{chat}");
    let sse = demo.gemini("streamGenerateContent?alt=sse", "Hi").await;
    assert!(
        sse.contains("}\r\n\r\n") && sse.contains("data: {") && !sse.contains("[DONE]"),
        "{sse}"
    );
    let array = demo.gemini("streamGenerateContent", "Hi").await;
    assert!(
        array.contains("[{\"candidates\"") && array.contains(",\r\n{"),
        "{array}"
    );
    let body =
        r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let messages = demo
        .exchange("/v1/messages", "anthropic-version: 2023-06-01\r\n", body)
        .await;
    assert!(
        messages.contains("event: message_stop\ndata: {"),
        "{messages}"
    );
}

#[tokio::test]
async fn breaks_as_the_prompt_asks() {
    let demo = Demo::start().await;
    let cut = demo.chat("demo:cut", true).await;
    assert!(
        cut.contains("Hello from")
            && !cut.contains("finish_reason\":\"stop")
            && !cut.contains("[DONE]"),
        "{cut}"
    );
    assert!(
        !cut.ends_with("0\r\n\r\n"),
        "the chunked body must not be finished: {cut}"
    );
    let failed = demo
        .gemini("streamGenerateContent?alt=sse", "demo:stream-error")
        .await;
    assert!(
        failed.contains("\"error\":{\"code\":500") && !failed.contains("finishReason"),
        "{failed}"
    );
    let whole = demo.chat("demo:stream-error", false).await;
    assert!(whole.starts_with("HTTP/1.1 500"), "{whole}");
    let short = demo.chat("demo:cut", false).await;
    assert!(
        short.starts_with("HTTP/1.1 200") && !short.ends_with('}'),
        "{short}"
    );
}

#[tokio::test]
async fn says_when_to_come_back() {
    let demo = Demo::start().await;
    let openai = demo.chat("demo:error-429", true).await;
    assert!(
        openai.starts_with("HTTP/1.1 429") && openai.contains("retry-after: 1\r\n"),
        "{openai}"
    );
    let google = demo.gemini("generateContent", "demo:error-429").await;
    assert!(
        google.contains("google.rpc.RetryInfo") && !google.contains("retry-after"),
        "{google}"
    );
}

#[tokio::test]
async fn refuses_what_it_does_not_know() {
    let demo = Demo::start().await;
    let path = demo.exchange("/v1/unknown", "", "{}").await;
    assert!(path.starts_with("HTTP/1.1 404"), "{path}");
    let body = r#"{"model":"missing-model","input":"Hi"}"#;
    let model = demo.exchange("/v1/responses", "", body).await;
    assert!(
        model.starts_with("HTTP/1.1 404") && model.contains("model_not_found"),
        "{model}"
    );
    let key = demo
        .exchange("/v1/responses", "authorization: Bearer bad-key\r\n", body)
        .await;
    assert!(
        key.starts_with("HTTP/1.1 401") && key.contains("invalid_api_key"),
        "{key}"
    );
    let json = demo.exchange("/v1/responses", "", "{").await;
    assert!(json.starts_with("HTTP/1.1 400"), "{json}");
    let version = demo
        .exchange(
            "/v1/messages",
            "",
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
        )
        .await;
    assert!(version.contains("anthropic-version"), "{version}");
}
