//! Opens the port, and says what to do when that is not possible.

use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

/// Opens a port.
///
/// # Errors
/// With words that say what to do.
pub async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = tokio::net::lookup_host((bare, port))
        .await
        .with_context(|| {
            format!("the address {host} cannot be resolved; set HOST to an address of this machine")
        })?;
    let address = addresses.next().with_context(|| {
        format!("{host} has no address; set HOST to an address of this machine")
    })?;
    TcpListener::bind(address)
        .await
        .map_err(|error| explain(&error, address))
}

fn explain(error: &io::Error, address: SocketAddr) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is in use by another process; stop that one, or choose another port with --port or PORT (to find it: ss -ltnp 'sport = :{}')",
            address.port(),
            address.port()
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "port {} needs privileges that this process does not have; choose one above 1023 with --port or PORT",
                address.port()
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!(
                "{} is no address of this machine; set HOST to 127.0.0.1, or to 0.0.0.0 for all of them",
                address.ip()
            )
        }
        _ => anyhow::anyhow!("{address} cannot be opened: {error}"),
    }
}
