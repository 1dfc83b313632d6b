//! Bytes on a socket, for requests and answers that no HTTP library would write.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A client that writes what it likes.
pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a listener");
        stream.set_nodelay(true).expect("a socket");
        Self { stream }
    }

    /// Writes; false when the other side has hung up.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Everything until the other side hangs up or has been silent for a while, and whether it hung up.
    pub(crate) async fn rest(&mut self, silence: Duration) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        let mut part = vec![0; 64 << 10];
        loop {
            match timeout(silence, self.stream.read(&mut part)).await {
                Ok(Ok(0) | Err(_)) => return (all, true),
                Ok(Ok(count)) => all.extend_from_slice(&part[..count]),
                Err(_) => return (all, false),
            }
        }
    }
}

/// Sends bytes and gives the answer's text and whether the connection was closed.
pub(crate) async fn say(address: SocketAddr, bytes: &[u8]) -> (String, bool) {
    let mut wire = Wire::open(address).await;
    wire.write(bytes).await;
    let (answer, closed) = wire.rest(Duration::from_millis(400)).await;
    (String::from_utf8_lossy(&answer).into_owned(), closed)
}

/// The statuses of all answers in what came over a connection.
pub(crate) fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|rest| rest.get(..3)?.parse().ok())
        .collect()
}

/// An upstream that answers every connection's first request with fixed bytes.
pub(crate) struct RawUpstream {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl RawUpstream {
    /// `parts` are written with a pause before each; then the connection closes.
    pub(crate) async fn start(parts: Vec<(u64, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let parts = Arc::new(parts);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let parts = Arc::clone(&parts);
                tokio::spawn(async move {
                    let mut part = vec![0; 64 << 10];
                    let mut head = Vec::new();
                    while !memchr::memmem::find(&head, b"\r\n\r\n")
                        .is_some_and(|at| is_whole(&head, at))
                    {
                        match stream.read(&mut part).await {
                            Ok(count) if count > 0 => head.extend_from_slice(&part[..count]),
                            _ => return,
                        }
                    }
                    for (wait, bytes) in parts.iter() {
                        tokio::time::sleep(Duration::from_millis(*wait)).await;
                        if stream.write_all(bytes).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A provider's line in the configuration.
    pub(crate) fn provider(&self, format: &str, extra: &str) -> String {
        format!(
            "  - {{name: one, api_format: {format}, base_url: \"http://{}\", keys: [key-one-one], allow_private_network: true, max_retries: 0, models: {{big: [m]}}, {extra}}}\n",
            self.address
        )
    }
}

/// The body that the head announces is there.
fn is_whole(request: &[u8], head: usize) -> bool {
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.trim().parse().ok())
        .unwrap_or(0);
    request.len() >= head + 4 + length
}

/// The head and the body of a Chat request as bytes.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}
