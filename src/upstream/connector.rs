//! Dials providers: resolve, check every address, connect to exactly the checked one.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::guard::is_global_unicast;
use super::resolver::Resolver;

/// Time to establish one TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a provider could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address of the provider names no host.
    #[error("the address has no host")]
    NoHost,
    /// The name does not resolve.
    #[error("{host} does not resolve")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The name leads to an address that may not be dialled.
    #[error(
        "{host} leads to {address}, which is not a public address; set allow_private_network on the provider to allow it"
    )]
    Forbidden {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// The proxy does not open the way.
    #[error("the proxy {proxy} opens no connection: {words}")]
    Proxy {
        /// The proxy, without credentials.
        proxy: String,
        /// What went wrong.
        words: String,
    },
    /// Nobody answers there.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Opens TCP connections for the HTTP client.
#[derive(Clone, Debug)]
pub struct Connector {
    resolver: Arc<Resolver>,
    allow_private: bool,
}

impl Connector {
    /// A connector that dials public addresses, or any address when `allow_private`.
    #[must_use]
    pub fn new(allow_private: bool) -> Self {
        Self {
            resolver: Arc::default(),
            allow_private,
        }
    }

    async fn dial(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?;
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            });
        let found =
            self.resolver
                .resolve(host, port)
                .await
                .map_err(|source| ConnectError::Resolve {
                    host: host.to_owned(),
                    source,
                })?;
        // One forbidden address spoils the name: a mixture is how rebinding begins.
        if !self.allow_private
            && let Some(&address) = found.iter().find(|address| !is_global_unicast(**address))
        {
            return Err(ConnectError::Forbidden {
                host: host.to_owned(),
                address,
            });
        }
        let mut last = ConnectError::Resolve {
            host: host.to_owned(),
            source: io::Error::new(io::ErrorKind::NotFound, "no address"),
        };
        for &ip in found.iter() {
            let address = SocketAddr::new(ip, port);
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it small writes wait for the peer's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(source)) => last = ConnectError::Unreachable { address, source },
                Err(_) => {
                    let source = io::Error::new(io::ErrorKind::TimedOut, "connect timed out");
                    last = ConnectError::Unreachable { address, source };
                }
            }
        }
        Err(last)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}
