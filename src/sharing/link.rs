//! The way to Redis or Valkey, and the rounds: write what this hub sees, read what the others see.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{ClientLike as _, HashesInterface as _};
use fred::types::Builder;
use fred::types::config::{Config, ReconnectPolicy, TcpConfig};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::peers::{Heard, Peers, Report};
use crate::gateway::Hub;
use crate::pool::news::{News, Subject};

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(200);
/// A round that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(1);
/// The hash that holds one field per hub.
const HUBS: &str = "llm-bridge:hubs";
/// Between tries to connect, in milliseconds.
const RECONNECT_MS: (u32, u32) = (100, 5_000);

/// The server cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SharingError {
    /// The address says nothing that can be called.
    #[error(
        "REDIS_URL cannot be used: {0}; write redis://[:PASSWORD@]HOST:PORT[/DATABASE], or rediss:// for TLS"
    )]
    Address(fred::error::Error),
}

/// Sharing in progress. Dropping it ends the work; [`Sharing::stop`] also strikes this hub off.
#[derive(Debug)]
pub struct Sharing {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Sharing {
    /// Begins to share. A server that is away is waited for behind the requests.
    ///
    /// # Errors
    /// When `url` is no address of a server.
    pub fn start(url: &str, hub: Arc<Hub>) -> Result<Self, SharingError> {
        let client = client(url).map_err(SharingError::Address)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(share(client, hub, stopped));
        Ok(Self { stop, task })
    }

    /// Tells the others that this hub is gone, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

fn client(url: &str) -> Result<Client, fred::error::Error> {
    let mut config = Config::from_url(url)?;
    config.fail_fast = false;
    let (least, most) = RECONNECT_MS;
    Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = PATIENCE;
            connection.internal_command_timeout = PATIENCE;
            // What was said a second ago is worth nothing: nothing waits for a server that is away.
            connection.max_command_attempts = 1;
            connection.tcp = TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            };
        })
        .with_performance_config(|performance| performance.default_command_timeout = PATIENCE)
        .set_policy(ReconnectPolicy::new_exponential(0, least, most, 2))
        .build()
}

async fn share(client: Client, hub: Arc<Hub>, mut stopped: oneshot::Receiver<()>) {
    let connection = client.connect();
    // It differs with each start: what a killed process has said is not taken for this one's.
    let me = format!("{:032x}", fastrand::u128(..));
    let mut peers = Peers::default();
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0;
    let mut is_away = None;
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            _ = &mut stopped => break,
        }
        count += 1;
        let report = Report {
            count,
            news: tell(&hub, Instant::now()),
        };
        let heard = match timeout(PATIENCE, round(&client, &me, &report)).await {
            Ok(Ok(reports)) => Some(take(&mut peers, &me, &reports)),
            Ok(Err(_)) | Err(_) => None,
        };
        if is_away != Some(heard.is_none()) {
            is_away = Some(heard.is_none());
            let away = i64::from(heard.is_none());
            hub.metrics.gauges.sharing_away.set(away);
            announce(heard.is_some());
        }
        let heard = heard.unwrap_or_default();
        hear(&hub, &heard, Instant::now());
        if !heard.gone.is_empty() {
            // Somebody else has done it when this fails.
            let _ = client.hdel::<(), _, _>(HUBS, heard.gone).await;
        }
    }
    let _ = timeout(PATIENCE, client.hdel::<(), _, _>(HUBS, &me)).await;
    let _ = timeout(PATIENCE, client.quit()).await;
    connection.abort();
}

fn announce(is_there: bool) {
    if is_there {
        tracing::info!("limits and rests are shared with other hubs");
    } else {
        tracing::warn!(
            "the server of REDIS_URL does not answer; limits and rests are this hub's own meanwhile"
        );
    }
}

async fn round(
    client: &Client,
    me: &str,
    report: &Report,
) -> Result<HashMap<String, Bytes>, fred::error::Error> {
    let text = serde_json::to_vec(report).unwrap_or_default();
    let line = client.pipeline();
    let _: () = line.hset(HUBS, (me, Bytes::from(text))).await?;
    let _: () = line.hgetall(HUBS).await?;
    let (_, reports): (i64, HashMap<String, Bytes>) = line.all().await?;
    Ok(reports)
}

fn take(peers: &mut Peers, me: &str, reports: &HashMap<String, Bytes>) -> Heard {
    let others = reports.iter().filter(|(id, _)| *id != me);
    peers.take(
        others.map(|(id, bytes)| (id.as_str(), bytes.as_ref())),
        Instant::now(),
    )
}

fn tell(hub: &Hub, now: Instant) -> News {
    let (rests, refused) = hub.pools.tell(now);
    News {
        uses: hub.meters.tell(now),
        rests,
        refused,
        open: hub.breakers.tell(now),
        resets: hub.resets.tell(now),
    }
}

fn hear(hub: &Hub, heard: &Heard, now: Instant) {
    for reset in &heard.resets {
        match reset {
            Subject::Keys { pool, key } => hub.pools.reset(pool, key.as_deref()),
            Subject::Breakers { provider, model } => hub.breakers.reset(provider, model.as_deref()),
        };
    }
    let all = &heard.news;
    hub.meters.hear(all.iter().flat_map(|news| &news.uses), now);
    let rests = all.iter().flat_map(|news| &news.rests);
    let refused = all.iter().flat_map(|news| &news.refused);
    hub.pools.hear(rests, refused, now);
    hub.breakers
        .hear(all.iter().flat_map(|news| &news.open), now);
}
