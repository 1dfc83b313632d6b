//! `bridge ready`: asks the hub on this machine whether it takes requests, for health checks of containers that have
//! no other program.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bridge::config::{self, LoadOptions};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than the head of any answer.
const HEAD: u64 = 4096;

/// Asks; an error when the hub is away or does not take requests.
pub(crate) fn run(config: Option<PathBuf>) -> anyhow::Result<()> {
    let settings = config::load(&LoadOptions::of_process(config))?;
    let host = reachable(&settings.host);
    let status = ask(host, settings.port)
        .with_context(|| format!("no hub answers at {host}:{}", settings.port))?;
    if status != 200 {
        bail!("the hub answers {status}: it is starting, stopping, or has nothing to route to");
    }
    Ok(())
}

/// An address to call: one that stands for all interfaces cannot be called itself.
fn reachable(host: &str) -> &str {
    match host.trim_matches(['[', ']']) {
        "0.0.0.0" | "" => "127.0.0.1",
        "::" => "::1",
        other => other,
    }
}

fn ask(host: &str, port: u16) -> anyhow::Result<u16> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(HEAD).read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).context("not an HTTP answer")?;
    status.parse().context("not an HTTP status")
}
