//! What several hubs know together, and the server that they share it through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bridge::sharing::Sharing;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::hub::{TestHub, provider};
use crate::samples::CHAT;
use crate::upstream::{Reply, Upstream};

const KEY: &str = "client-secret-0001";
/// A round with the server is given up after a second; a request that waited for one would take as long.
const AT_ONCE: Duration = Duration::from_millis(800);

/// A server that takes connections and never says a word: what a frozen process looks like.
async fn frozen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    format!("redis://{address}")
}

async fn is_away(hub: &TestHub) -> bool {
    let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
    metrics.lines().any(|line| line == "bridge_sharing_away 1")
}

#[tokio::test]
async fn a_frozen_shared_server_holds_nobody_up_and_lifts_no_limit() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: {KEY}, rpm: 3}}\nPROVIDERS:\n{}",
        provider("one", CHAT.format, &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    assert!(!is_away(&hub).await, "nobody is waited for");
    let sharing = Sharing::start(&frozen().await, Arc::clone(&hub.hub)).expect("an address");
    let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
    let ask = async || {
        let begun = Instant::now();
        let answer = hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        answer.status
    };
    assert_eq!(ask().await, 200, "before anybody knows that it is away");
    let told = async {
        while !is_away(&hub).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), told)
        .await
        .expect("whoever looks is told");
    let statuses = [ask().await, ask().await, ask().await, ask().await];
    assert_eq!(statuses, [200, 200, 429, 429], "its own limit holds");
    timeout(Duration::from_secs(10), sharing.stop())
        .await
        .expect("nor does it hold up the end");
}
