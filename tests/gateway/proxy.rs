//! Providers that are reached through a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::hub::{TestHub, provider};
use crate::samples::CHAT;
use crate::upstream::{Reply, Upstream};

/// A proxy, and what it was asked: the head of `CONNECT`, or name, password and place of SOCKS.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that leads everywhere to `upstream`, so that a name need not resolve.
    async fn start(upstream: SocketAddr, socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    let words = if socks {
                        greet_socks(&mut client).await
                    } else {
                        read_head(&mut client).await
                    };
                    let refused = words.contains("refuse.example");
                    noted.lock().expect("no panic inside").push(words);
                    if refused {
                        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
                        return;
                    }
                    let mut server = TcpStream::connect(upstream).await.expect("the upstream");
                    let yes: &[u8] = if socks {
                        &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
                    } else {
                        b"HTTP/1.1 200 Connection established\r\n\r\n"
                    };
                    client.write_all(yes).await.expect("the client waits");
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic inside").clone()
    }
}

async fn read_head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("ASCII")
}

async fn read_text(client: &mut TcpStream) -> String {
    let length = client.read_u8().await.expect("a length");
    let mut text = vec![0; usize::from(length)];
    client.read_exact(&mut text).await.expect("a text");
    String::from_utf8(text).expect("UTF-8")
}

async fn greet_socks(client: &mut TcpStream) -> String {
    assert_eq!(client.read_u8().await.expect("a version"), 5);
    read_text(client).await;
    client.write_all(&[5, 2]).await.expect("the client waits");
    assert_eq!(client.read_u8().await.expect("a version"), 1);
    let (name, password) = (read_text(client).await, read_text(client).await);
    client.write_all(&[1, 0]).await.expect("the client waits");
    let mut head = [0; 4];
    client.read_exact(&mut head).await.expect("a request");
    assert_eq!(head, [5, 1, 0, 3], "a connection to a name");
    let host = read_text(client).await;
    let port = client.read_u16().await.expect("a port");
    format!("{name} {password} {host}:{port}")
}

fn through(proxy: &str, host: &str, private: bool) -> String {
    format!(
        "AUTH: open\nPROVIDERS:\n  - {{name: far, api_format: openai, base_url: \"http://{host}\", keys: [k], max_retries: 0, proxy: \"{proxy}\", allow_private_network: {private}, models: {{big: [m]}}}}\n"
    )
}

#[tokio::test]
async fn a_provider_is_reached_through_its_proxy() {
    for socks in [false, true] {
        let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
        let proxy = Proxy::start(upstream.address, socks).await;
        let scheme = if socks { "socks5" } else { "http" };
        let url = format!("{scheme}://me:s%40crt@{}", proxy.address);
        let hub = TestHub::start(&through(&url, "far.example", true)).await;
        for _ in 0..2 {
            let answer = hub.post(CHAT.path, CHAT.request).await;
            assert_eq!(answer.status, 200, "{scheme}: {}", answer.text);
        }
        // The connection is kept, so the proxy is asked once.
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "{scheme}: {asked:?}");
        if socks {
            assert_eq!(asked[0], "me s@crt far.example:80");
        } else {
            assert!(
                asked[0].starts_with("CONNECT far.example:80 HTTP/1.1\r\n"),
                "{}",
                asked[0]
            );
            let basic = "Proxy-Authorization: Basic bWU6c0BjcnQ=\r\n";
            assert!(asked[0].contains(basic), "{}", asked[0]);
        }
        let seen = &upstream.asked()[0];
        assert!(seen.headers.get("proxy-authorization").is_none());
        assert_eq!(seen.headers["host"], "far.example");
    }
}

#[tokio::test]
async fn the_guard_looks_at_what_is_dialled() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let proxy = Proxy::start(upstream.address, false).await;
    let url = format!("http://{}", proxy.address);
    let hub = TestHub::start(&through(&url, "far.example", false)).await;
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(
        answer.text.contains("allow_private_network"),
        "{}",
        answer.text
    );
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let proxy = Proxy::start(upstream.address, false).await;
    let url = format!("http://me:canary@{}", proxy.address);
    let hub = TestHub::start(&through(&url, "refuse.example", true)).await;
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(
        answer.text.contains(&proxy.address.to_string()),
        "{}",
        answer.text
    );
    assert!(!answer.text.contains("canary"), "{}", answer.text);
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn other_providers_go_straight() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let proxy = Proxy::start(upstream.address, false).await;
    let hub = TestHub::before(&[provider("near", "openai", &upstream, "")]).await;
    assert_eq!(hub.post(CHAT.path, CHAT.request).await.status, 200);
    assert!(proxy.asked().is_empty());
}
