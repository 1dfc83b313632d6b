//! HTTP and JSON as an attacker writes them.

use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::Arc;

use crate::hub::{TestHub, provider, quick};
use crate::samples::{ALL, CHAT};
use crate::upstream::{Reply, Step, Upstream};
use crate::wire::{Wire, post, say, statuses};

async fn hub() -> (TestHub, Upstream) {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    (hub, upstream)
}

#[tokio::test]
async fn attack_28_a_request_has_one_reading_or_none() {
    let (hub, upstream) = hub().await;
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n";
    let body = CHAT.request;
    let (length, hex) = (body.len(), format!("{:x}", body.len()));
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    for (what, request) in [
        (
            "length and chunks",
            format!(
                "{head}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{hex}\r\n{body}\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        (
            "two lengths",
            format!("{head}content-length: {length}\r\ncontent-length: 5\r\n\r\n{body}{smuggled}"),
        ),
        (
            "two lengths in one",
            format!("{head}content-length: {length}, 5\r\n\r\n{body}{smuggled}"),
        ),
        (
            "a plus",
            format!("{head}content-length: +{length}\r\n\r\n{body}{smuggled}"),
        ),
        (
            "a minus",
            format!("{head}content-length: -1\r\n\r\n{body}{smuggled}"),
        ),
        (
            "a huge length",
            format!("{head}content-length: 99999999999999999999999\r\n\r\n{body}"),
        ),
        (
            "a bad chunk",
            format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n{smuggled}"),
        ),
        (
            "a huge chunk",
            format!("{head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{body}"),
        ),
        (
            "another coding",
            format!(
                "{head}transfer-encoding: chunked, gzip\r\n\r\n{hex}\r\n{body}\r\n0\r\n\r\n{smuggled}"
            ),
        ),
        (
            "identity",
            format!(
                "{head}transfer-encoding: identity\r\ncontent-length: {length}\r\n\r\n{body}{smuggled}"
            ),
        ),
        (
            "a fold",
            format!("{head}x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n"),
        ),
        (
            "a NUL",
            format!("{head}x-a: b\0c\r\ncontent-length: 0\r\n\r\n"),
        ),
        (
            "a blank before the colon",
            format!("{head}content-length : {length}\r\n\r\n{body}{smuggled}"),
        ),
        ("no host in a name", format!("{head}x\ty: 1\r\n\r\n")),
        (
            "a bare CR",
            format!("{head}x-a: b\rcontent-length: 3\r\n\r\n"),
        ),
        (
            "version 2.0",
            format!(
                "POST /v1/chat/completions HTTP/2.0\r\nhost: h\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        ),
        ("no version", "GET /v1/models\r\n\r\n".to_owned()),
    ] {
        let (text, closed) = say(hub.address, request.as_bytes()).await;
        let got = statuses(&text);
        assert!(
            !text.contains("/smuggled") || got == [200, 404],
            "{what}: {text}"
        );
        assert!(
            got.len() <= 1 && (closed || got == [200]),
            "{what}: closed {closed}: {text}"
        );
        assert!(
            got.is_empty() || matches!(got[0], 200 | 400 | 401 | 413 | 415 | 501 | 505),
            "{what}: {text}"
        );
    }
    // Chunk extensions and an old version have one reading: they are answered, or refused and closed.
    for request in [
        format!(
            "{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{hex};a=b\r\n{body}\r\n0\r\n\r\n"
        ),
        format!(
            "POST /v1/chat/completions HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
        format!(
            "{head}connection: upgrade, close\r\nupgrade: websocket\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    ] {
        let (text, _) = say(hub.address, request.as_bytes()).await;
        assert!(text.contains(" 200 ") || text.contains(" 400 "), "{text}");
    }
    assert!(
        upstream
            .asked()
            .iter()
            .all(|asked| asked.body == upstream.asked()[0].body)
    );
}

#[tokio::test]
async fn attack_29_an_early_answer_does_not_poison_the_connection() {
    let (hub, upstream) = hub().await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: client-secret-0001}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let closed = TestHub::start(&yaml).await;
    for (address, path) in [
        (closed.address, "/v1/chat/completions"),
        (hub.address, "/nothing"),
        (hub.address, "/v1/models"),
    ] {
        let mut wire = Wire::open(address).await;
        let body = "x".repeat(300_000);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        wire.write(head.as_bytes()).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        wire.write(body.as_bytes()).await;
        wire.write(b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let (text, _) = wire.rest(Duration::from_millis(400)).await;
        let text = String::from_utf8_lossy(&text);
        let got = statuses(&text);
        // The body is drained and the next request answered, or the connection is closed: never the body as a request.
        assert!(
            matches!(got[..], [401 | 404 | 405] | [401 | 404 | 405, 200] | []),
            "{path}: {got:?} {text}"
        );
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a small frame")
        .to_be_bytes();
    let mut out = vec![length[1], length[2], length[3], kind, flags];
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A request for `/health` in the static table's words.
const HEALTH: &[u8] = &[
    0x82, 0x86, 0x04, 0x07, b'/', b'h', b'e', b'a', b'l', b't', b'h', 0x41, 0x01, b'h',
];

async fn h2(hub: &TestHub) -> Wire {
    let mut wire = Wire::open(hub.address).await;
    wire.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    wire.write(&frame(4, 0, 0, &[])).await;
    wire
}

/// The bytes of one frame of a flood.
type Flood = Box<dyn Fn(u32) -> Vec<u8> + Send>;

#[tokio::test]
async fn attack_30_floods_of_http2_end_the_connection() {
    let (hub, _upstream) = hub().await;
    let floods: Vec<(&str, Flood)> = vec![
        (
            "rapid reset",
            Box::new(|n| {
                [
                    frame(1, 5, n * 2 + 1, HEALTH),
                    frame(3, 0, n * 2 + 1, &[0, 0, 0, 8]),
                ]
                .concat()
            }),
        ),
        (
            "continuation",
            Box::new(|n| {
                if n == 0 {
                    frame(1, 1, 1, HEALTH)
                } else {
                    frame(9, 0, 1, &[0x40, 0x01, b'a', 0x7f, 0xff])
                }
            }),
        ),
        (
            "header bomb",
            Box::new(|n| {
                let mut block = HEALTH.to_vec();
                block.extend([0x40, 0x01, b'x', 0x7f, 0x81, 0x1e]);
                block.extend(vec![b'y'; 4000]);
                block.extend(vec![0xbe; 8000]);
                frame(1, 5, n * 2 + 1, &block)
            }),
        ),
        (
            "settings",
            Box::new(|_| frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ),
        (
            "ping",
            Box::new(|n| frame(6, 0, 0, &u64::from(n).to_be_bytes())),
        ),
        (
            "empty data",
            Box::new(|n| {
                if n == 0 {
                    frame(1, 4, 1, HEALTH)
                } else {
                    frame(0, 0, 1, &[])
                }
            }),
        ),
        (
            "window",
            Box::new(|_| frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ),
        ("many streams", Box::new(|n| frame(1, 4, n * 2 + 1, HEALTH))),
    ];
    for (what, flood) in floods {
        let began = Instant::now();
        let mut wire = h2(&hub).await;
        for round in 0..200_u32 {
            let part: Vec<u8> = (round * 20..round * 20 + 20).flat_map(&flood).collect();
            if !tokio::time::timeout(Duration::from_secs(2), wire.write(&part))
                .await
                .unwrap_or(false)
            {
                break;
            }
        }
        drop(wire);
        // Programs that are not optimised take seconds for the bomb's headers on a busy machine, and none of it is endless.
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{what} took {:?}",
            began.elapsed()
        );
        let answer = hub.ask("GET", "/health", &[], "").await;
        assert_eq!(answer.status, 200, "after {what}");
    }
    // A connection in order works: the answer begins with a HEADERS frame of stream 1.
    let mut wire = h2(&hub).await;
    wire.write(&frame(1, 5, 1, HEALTH)).await;
    let (bytes, _) = wire.rest(Duration::from_millis(300)).await;
    assert!(
        memchr::memmem::find(&bytes, b"healthy").is_some(),
        "{bytes:?}"
    );
}

#[tokio::test]
async fn attack_31_json_is_read_one_way() {
    let (hub, upstream) = hub().await;
    let user = r#""messages":[{"role":"user","content":"q"}]"#;
    for (what, body, status) in [
        (
            "doubled",
            format!(r#"{{"model":"m","model":"other",{user}}}"#),
            400,
        ),
        (
            "doubled with an escape",
            format!(r#"{{"model":"m","\u006dodel":"other",{user}}}"#),
            400,
        ),
        (
            "by case",
            format!(r#"{{"model":"m","MODEL":"other",{user}}}"#),
            400,
        ),
        ("BOM", format!("\u{feff}{{\"model\":\"m\",{user}}}"), 400),
        (
            "trailing",
            format!(r#"{{"model":"m",{user}}} {{"model":"other"}}"#),
            400,
        ),
        ("trailing word", format!(r#"{{"model":"m",{user}}}x"#), 400),
        (
            "NaN",
            format!(r#"{{"model":"m","temperature":NaN,{user}}}"#),
            400,
        ),
        (
            "infinity",
            format!(r#"{{"model":"m","temperature":Infinity,{user}}}"#),
            400,
        ),
        ("single quotes", "{'model':'m'}".to_owned(), 400),
        ("a list", format!(r#"[{{"model":"m",{user}}}]"#), 400),
        ("comments", format!(r#"{{"model":"m",/**/{user}}}"#), 400),
    ] {
        let answer = hub.post(CHAT.path, &body).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
    assert!(upstream.asked().is_empty(), "{:?}", upstream.asked());
    let deep = format!(
        r#"{{"model":"m",{user},"x":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let long = format!(r#"{{"model":"m",{user},"x":{}}}"#, "9".repeat(1_000_000));
    let wide = format!(
        r#"{{"model":"m",{user},"x":[{}0]}}"#,
        "0,".repeat(1_000_000)
    );
    let surrogate =
        r#"{"model":"m","messages":[{"role":"user","content":"\ud800 x \udc00"}]}"#.to_owned();
    for (what, body) in [
        ("deep", deep),
        ("long", long),
        ("wide", wide),
        ("surrogate", surrogate),
    ] {
        for client in ALL {
            let began = Instant::now();
            let answer = hub.post(client.path, &body).await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{what}: {} {:.300}",
                answer.status,
                answer.text
            );
            assert!(
                began.elapsed() < Duration::from_secs(4),
                "{what}: {:?}",
                began.elapsed()
            );
        }
    }
    // What was authorised is what is sent.
    let body = r#"{ "model" : "m", "messages":[{"role":"user","content":"\u00e9\/"}], "own":{"b":1,"a":2.50e0} }"#;
    hub.post(CHAT.path, body).await;
    assert_eq!(upstream.asked().last().expect("asked").body, body);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

#[tokio::test]
async fn attack_32_compressed_bodies_are_bounded_by_what_they_become() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "AUTH: open\nMAX_BODY_SIZE: 1000000\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let send = async |coding: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let (text, _) = say(hub.address, &[head.as_bytes(), body].concat()).await;
        statuses(&text)
    };
    assert_eq!(send("gzip", &gzip(CHAT.request.as_bytes())).await, [200]);
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(send("gzip", &bomb).await, [413]);
    assert_eq!(
        send("gzip", &gzip(&gzip(CHAT.request.as_bytes()))).await,
        [400]
    );
    for coding in ["gzip, gzip", "br", "zstd", "x-unknown", "deflate"] {
        let got = send(coding, &bomb).await;
        assert!(matches!(got[..], [400 | 413 | 415]), "{coding}: {got:?}");
    }
    assert_eq!(send("gzip", b"no gzip at all").await, [400]);
    let cut = gzip(CHAT.request.as_bytes());
    assert_eq!(send("gzip", &cut[..cut.len() / 2]).await, [400]);
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn attack_33_multipart_is_no_way_in() {
    let (hub, upstream) = hub().await;
    let parts = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n".repeat(20_000);
    let name = format!(
        "--b\r\ncontent-disposition: form-data; name=\"{}\"\r\n\r\nx\r\n--b--",
        "n".repeat(1 << 20)
    );
    for body in [parts, name, "--".repeat(100_000)] {
        for path in [
            "/v1/chat/completions",
            "/v1/files",
            "/v1/audio/transcriptions",
            "/v1/messages",
            "/v1/embeddings",
        ] {
            let answer = hub
                .ask(
                    "POST",
                    path,
                    &[("content-type", "multipart/form-data; boundary=b")],
                    &body,
                )
                .await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{path}: {} {:.200}",
                answer.status,
                answer.text
            );
        }
    }
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn attack_35_a_client_that_leaves_is_settled_once_at_every_phase() {
    let steps = || {
        vec![
            Step::Wait(40),
            Step::Send(CHAT.frames[0].to_owned()),
            Step::Wait(40),
            Step::Send(CHAT.frames[1].to_owned()),
            Step::Hang,
        ]
    };
    let upstream = Upstream::start([Reply::stream(steps()).after(40)]).await;
    let hub = TestHub::tuned(
        &format!(
            "AUTH: open\nPROVIDERS:\n{}",
            provider("one", "openai", &upstream, "max_retries: 0")
        ),
        quick(),
    )
    .await;
    let request = post(CHAT.path, "", CHAT.stream_request);
    let half = request.len() - 10;
    let mut settled = 0;
    for (bytes, wait) in [
        (20, 0),
        (half, 0),
        (half, 30),
        (request.len(), 0),
        (request.len(), 20),
        (request.len(), 60),
        (request.len(), 100),
        (request.len(), 200),
    ] {
        let mut wire = Wire::open(hub.address).await;
        wire.write(&request[..bytes]).await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        drop(wire);
        settled += usize::from(bytes > 100);
    }
    let records = hub.records(settled).await;
    assert!(
        records
            .iter()
            .all(|record| matches!(record["outcome"].as_str(), Some("cancelled" | "error"))),
        "{records:#?}"
    );
    assert!(upstream.abandoned(3).await, "the upstream is hung up on");
    let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("bridge_requests_in_flight 0"), "{metrics}");
}

#[tokio::test]
async fn attack_36_a_slow_client_holds_back_its_upstream_and_slow_heads_end() {
    let (hub, _upstream) = hub().await;
    // Heads and bodies that never end are given up; the times are cut short for the test.
    let idle = Wire::open(hub.address).await;
    let mut half = Wire::open(hub.address).await;
    half.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{")
        .await;
    assert_eq!(
        hub.ask("GET", "/health", &[], "").await.status,
        200,
        "others are served"
    );
    drop((idle, half));
    // Backpressure: what the client does not read, the upstream cannot send.
    let piece = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(60_000)
    );
    let steps: Vec<Step> = (0..1_000).map(|_| Step::Send(piece.clone())).collect();
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let mut wire = Wire::open(hub.address).await;
    wire.write(&post(CHAT.path, "", CHAT.stream_request)).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(hub.ask("GET", "/health", &[], "").await.status, 200);
    drop(wire);
    assert!(
        upstream.abandoned(1).await,
        "60 MB were taken in for a client that does not read"
    );
}

/// Whatever a client begins with and does not go on with, it keeps its place no longer than a head may take.
#[tokio::test]
async fn attack_36_clients_that_say_nothing_are_given_up() {
    let hub = TestHub::before(&[]).await;
    let listener = bridge::web::listen("127.0.0.1", 0).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let limits = bridge::web::Limits {
        header_timeout: Duration::from_millis(300),
        ..bridge::web::Limits::default()
    };
    let entrance = Arc::new(bridge::web::Entrance::new(
        Arc::clone(&hub.hub),
        bridge::config::TrustedProxies::default(),
    ));
    let task = tokio::spawn(bridge::web::serve(
        entrance,
        listener,
        limits,
        std::future::pending(),
    ));
    let beginnings: [&[u8]; 5] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"POST",
        b"GET /health HTTP/1.1\r\nhost: h\r\n",
    ];
    for beginning in beginnings {
        let mut wire = Wire::open(address).await;
        wire.write(beginning).await;
        let (bytes, is_closed) = wire.rest(Duration::from_secs(3)).await;
        let said = String::from_utf8_lossy(beginning);
        assert!(is_closed && bytes.is_empty(), "{said}: {bytes:?}");
    }
    task.abort();
}

#[tokio::test]
async fn attack_36_heads_and_bodies_that_trickle_are_given_up() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let tuning = bridge::gateway::Tuning {
        body_idle: Duration::from_millis(200),
        ..quick()
    };
    let hub = TestHub::tuned(
        &format!(
            "AUTH: open\nPROVIDERS:\n{}",
            provider("one", "openai", &upstream, "")
        ),
        tuning,
    )
    .await;
    let mut wire = Wire::open(hub.address).await;
    wire.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{")
        .await;
    let (bytes, _) = wire.rest(Duration::from_secs(3)).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(matches!(statuses(&text)[..], [408 | 504]), "{text}");
}

#[tokio::test]
async fn attack_37_forged_ids_and_signatures_are_data() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: a, key: client-secret-0001}}\n  - {{name: b, key: client-secret-0002}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let huge = "A".repeat(300_000);
    for signature in [
        "",
        "x",
        "bridge",
        "AAAA",
        "!!!",
        "eyJhbGciOiJub25lIn0.e30.",
        "llmb1.AAAA",
        "../../../etc/passwd",
        "\u{0}",
        &huge,
    ] {
        let body = serde_json::json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": signature}, {"type": "redacted_thinking", "data": signature},
                {"type": "tool_use", "id": signature, "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": signature, "content": "r"}]}],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}]});
        for key in ["client-secret-0001", "client-secret-0002"] {
            let answer = hub
                .ask(
                    "POST",
                    "/v1/messages",
                    &[("x-api-key", key)],
                    &body.to_string(),
                )
                .await;
            assert!(
                matches!(answer.status, 200 | 400),
                "{signature:.40}: {} {:.300}",
                answer.status,
                answer.text
            );
        }
        let responses = serde_json::json!({"model": "m", "input": [{"type": "reasoning", "id": signature, "summary": [], "encrypted_content": signature},
            {"type": "function_call", "call_id": signature, "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": signature, "output": "r"}]});
        let answer = hub
            .ask(
                "POST",
                "/v1/responses",
                &[("x-api-key", "client-secret-0001")],
                &responses.to_string(),
            )
            .await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{signature:.40}: {} {:.300}",
            answer.status,
            answer.text
        );
    }
}
