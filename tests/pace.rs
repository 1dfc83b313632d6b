//! What the hub adds to each piece of many translated streams at once.
//!
//! A program of its own, so that no other test runs beside it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[expect(
    dead_code,
    reason = "shared with the gateway tests, which use more of it"
)]
#[path = "gateway/hub.rs"]
mod hub;
#[expect(
    dead_code,
    reason = "shared with the gateway tests, which use more of it"
)]
#[path = "gateway/upstream.rs"]
mod upstream;

const STREAMS: u64 = 100;
const PIECES: u32 = 15;
const BETWEEN: Duration = Duration::from_millis(100);
/// What 99 of 100 pieces may take longer than without the hub.
const ADDED: Duration = Duration::from_millis(5);
/// Other programs take their time from this machine, too; what the hub itself takes is there in every round.
const ROUNDS: usize = 6;

/// An upstream that speaks Chat, and says in each piece when it was sent.
async fn clock(since: Instant) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = tell(stream, since).await;
            });
        }
    });
    address
}

async fn tell(mut stream: TcpStream, since: Instant) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut asked = Vec::new();
    while !asked.ends_with(b"}") {
        if stream.read_buf(&mut asked).await? == 0 {
            return Ok(());
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for _ in 0..PIECES {
        tokio::time::sleep(BETWEEN).await;
        let piece = format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"at {} us\"}},\"finish_reason\":null}}]}}\n\n",
            since.elapsed().as_micros()
        );
        stream.write_all(piece.as_bytes()).await?;
    }
    let end = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    stream.write_all(end.as_bytes()).await
}

type Caller = Client<HttpConnector, Full<Bytes>>;

/// One stream: how old each piece was when it came.
async fn listen(client: Caller, address: SocketAddr, path: &str, since: Instant) -> Vec<Duration> {
    let body = r#"{"model":"one/m","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let request = Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .expect("a legal request");
    let mut response = client.request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut ages = Vec::new();
    while let Some(frame) = response.frame().await {
        let now = since.elapsed();
        let data = frame.expect("a whole answer").into_data();
        let data = data.unwrap_or_default();
        let text = String::from_utf8_lossy(&data).into_owned();
        for told in text.split("\"at ").skip(1) {
            let micros = told.split(' ').next().and_then(|told| told.parse().ok());
            let sent = Duration::from_micros(micros.expect("a time"));
            ages.push(now.saturating_sub(sent));
        }
    }
    assert_eq!(ages.len(), PIECES as usize, "every piece comes");
    ages
}

/// Of 100 pieces of all streams, the age of the second oldest.
async fn usual_most(address: SocketAddr, path: &'static str, since: Instant) -> Duration {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Caller = Client::builder(TokioExecutor::new()).build(connector);
    let mut streams = Vec::new();
    for place in 0..STREAMS {
        let client = client.clone();
        streams.push(tokio::spawn(async move {
            // Their pieces do not come all in the same moment.
            tokio::time::sleep(Duration::from_millis(place * 37 % 100)).await;
            listen(client, address, path, since).await
        }));
    }
    let mut ages = Vec::new();
    for stream in streams {
        ages.extend(stream.await.expect("no panic"));
    }
    ages.sort_unstable();
    ages[ages.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_translated_streams_are_hardly_slower_than_without_the_hub() {
    let since = Instant::now();
    let upstream = clock(since).await;
    let hub = hub::TestHub::start(&format!(
        "AUTH: open\nPROVIDERS:\n  - {{name: one, api_format: openai, base_url: 'http://{upstream}', api_key: sk-0123456789, allow_private_network: true}}\n"
    ))
    .await;
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let direct = usual_most(upstream, "/v1/chat/completions", since).await;
        let through = usual_most(hub.address, "/v1/messages", since).await;
        least = least.min(through.saturating_sub(direct));
        if least < ADDED {
            return;
        }
    }
    assert!(least < ADDED, "99 of 100 pieces take {least:?} longer");
}
