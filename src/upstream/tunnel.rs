//! Opens connections through a proxy: dials the proxy, then asks it for the way to the provider.
//!
//! The dial guard sees what is dialled, which is the proxy. Where a provider's name leads is the proxy's business.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel as Connect};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::connector::{ConnectError, Connector};
use crate::snapshot::{ProxyAddress, ProxyScheme};

/// Time to establish one connection, both ways together.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a proxy, or through one.
pub(super) type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Opens connections through a proxy.
#[derive(Clone, Debug)]
pub(super) struct Tunnel {
    proxy: ProxyAddress,
    dialler: HttpsConnector<Connector>,
}

impl Tunnel {
    pub(super) const fn new(proxy: ProxyAddress, dialler: HttpsConnector<Connector>) -> Self {
        Self { proxy, dialler }
    }

    async fn open(mut self, target: Uri) -> Result<Hop, ConnectError> {
        let target = with_port(&target)?;
        let place = self.place()?;
        // The dialler is always ready.
        let hop = self.dialler.call(place.clone()).await.map_err(|error| {
            match error.downcast::<ConnectError>() {
                Ok(error) => *error,
                Err(error) => self.refusal(&*error),
            }
        })?;
        let hop = Dialled(Some(hop));
        match self.proxy.scheme {
            ProxyScheme::Http | ProxyScheme::Https => {
                let mut connect = Connect::new(place, hop);
                if let Some(value) = self.proxy.authorization() {
                    connect = connect.with_auth(value);
                }
                connect
                    .call(target)
                    .await
                    .map_err(|error| self.refusal(&error))
            }
            ProxyScheme::Socks5 => {
                let mut socks = SocksV5::new(place, hop);
                if let Some((name, password)) = self.proxy.credentials() {
                    socks = socks.with_auth(name.to_owned(), password.to_owned());
                }
                socks
                    .call(target)
                    .await
                    .map_err(|error| self.refusal(&error))
            }
        }
    }

    fn place(&self) -> Result<Uri, ConnectError> {
        let scheme = match self.proxy.scheme {
            ProxyScheme::Https => "https",
            ProxyScheme::Http | ProxyScheme::Socks5 => "http",
        };
        Uri::builder()
            .scheme(scheme)
            .authority(&*self.proxy.authority)
            .path_and_query("/")
            .build()
            .map_err(|_| ConnectError::NoHost)
    }

    fn refusal(&self, error: &dyn std::error::Error) -> ConnectError {
        let mut words = error.to_string();
        if let Some(source) = error.source() {
            words = format!("{words}: {source}");
        }
        ConnectError::Proxy {
            proxy: self.proxy.authority.to_string(),
            words,
        }
    }
}

/// The provider with its port, which a proxy must be told.
fn with_port(target: &Uri) -> Result<Uri, ConnectError> {
    let authority = target.authority().ok_or(ConnectError::NoHost)?;
    if authority.port().is_some() {
        return Ok(target.clone());
    }
    let port = if target.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let mut parts = target.clone().into_parts();
    parts.authority = format!("{authority}:{port}").parse().ok();
    Uri::from_parts(parts).map_err(|_| ConnectError::NoHost)
}

impl Service<Uri> for Tunnel {
    type Response = Hop;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Hop, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let tunnel = self.clone();
        let proxy = self.proxy.authority.to_string();
        Box::pin(async move {
            tokio::time::timeout(PATIENCE, tunnel.open(target))
                .await
                .unwrap_or_else(|_| {
                    let words = "it took too long".to_owned();
                    Err(ConnectError::Proxy { proxy, words })
                })
        })
    }
}

/// Hands out the connection that was dialled, once.
struct Dialled(Option<Hop>);

impl Service<Uri> for Dialled {
    type Response = Hop;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Hop, std::io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::NotConnected, "already handed out")
        }))
    }
}
