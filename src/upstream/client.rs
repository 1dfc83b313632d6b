//! HTTP clients that share connections: one for guarded and one for private providers, plain and TLS.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::{ConnectError, Connector};
use super::pieces::Pieces;
use super::tunnel::Tunnel;
use crate::snapshot::ProxyAddress;

/// Idle connections are closed after this; most vendors close theirs after 60 to 120 s.
const IDLE: Duration = Duration::from_secs(55);

type Plain = legacy::Client<Connector, Pieces>;
type Tls = legacy::Client<HttpsConnector<Connector>, Pieces>;
type Proxied = legacy::Client<HttpsConnector<Tunnel>, Pieces>;

/// Clients for more proxies are not kept.
const MOST_PROXIES: usize = 64;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection was made, so nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// The dial guard refused the address.
    #[error("{0}")]
    Forbidden(String),
    /// This machine has no descriptor, port or memory left for a connection: no fault of the provider's.
    #[error("this machine has no more connections to give: {0}")]
    Exhausted(String),
    /// The connection broke before the head of an answer came.
    #[error("the connection broke before an answer came: {0}")]
    Broken(String),
    /// The trust store of this machine cannot be read.
    #[error("no trusted certificates: {0}")]
    Trust(#[from] io::Error),
}

/// Sends requests to providers.
#[derive(Debug)]
pub struct Client {
    plain: [Plain; 2],
    /// Built with the first https provider: reading the trust store costs tens of milliseconds.
    tls: [OnceLock<Tls>; 2],
    /// One for each proxy, by whether private addresses may be dialled.
    proxied: Mutex<HashMap<(ProxyAddress, bool), Proxied>>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            plain: [false, true].map(plain),
            tls: [OnceLock::new(), OnceLock::new()],
            proxied: Mutex::default(),
        }
    }
}

impl Client {
    /// Sends a request, through a proxy where there is one, and waits for the head of the answer. Redirects are
    /// answers like any other.
    ///
    /// # Errors
    /// When no head of an answer arrives.
    pub async fn send(
        &self,
        request: Request<Pieces>,
        allow_private: bool,
        proxy: Option<&ProxyAddress>,
    ) -> Result<Response<Incoming>, SendError> {
        let index = usize::from(allow_private);
        let sent = if let Some(proxy) = proxy {
            self.proxied(proxy, allow_private)?.request(request).await
        } else if request.uri().scheme_str() == Some("https") {
            self.tls(index)?.request(request).await
        } else {
            self.plain[index].request(request).await
        };
        sent.map_err(|error| classify(&error))
    }

    fn proxied(&self, proxy: &ProxyAddress, allow_private: bool) -> Result<Proxied, SendError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proxied.get(&(proxy.clone(), allow_private)) {
            return Ok(client.clone());
        }
        // Those of an earlier configuration are made again if they should be needed.
        if proxied.len() >= MOST_PROXIES {
            proxied.clear();
        }
        let hop = https()?
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(allow_private));
        let through = https()?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Tunnel::new(proxy.clone(), hop));
        let client: Proxied = builder().build(through);
        proxied.insert((proxy.clone(), allow_private), client.clone());
        Ok(client)
    }

    fn tls(&self, index: usize) -> Result<&Tls, SendError> {
        if let Some(client) = self.tls[index].get() {
            return Ok(client);
        }
        let client = tls(index == 1)?;
        Ok(self.tls[index].get_or_init(|| client))
    }
}

fn builder() -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        // A connection found dead before the request was written is replaced without the caller's knowledge.
        .retry_canceled_requests(true)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .http2_keep_alive_timeout(Duration::from_secs(20));
    builder
}

fn plain(allow_private: bool) -> Plain {
    builder().build(Connector::new(allow_private))
}

fn https() -> io::Result<HttpsConnectorBuilder<WantsSchemes>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)
}

fn tls(allow_private: bool) -> io::Result<Tls> {
    let connector = https()?
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(Connector::new(allow_private));
    Ok(builder().build(connector))
}

fn classify(error: &legacy::Error) -> SendError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(ConnectError::Forbidden { .. }) = inner.downcast_ref::<ConnectError>() {
            return SendError::Forbidden(inner.to_string());
        }
        if inner.downcast_ref::<io::Error>().is_some_and(is_exhaustion) {
            return SendError::Exhausted(inner.to_string());
        }
        text = inner.to_string();
        source = inner.source();
    }
    if error.is_connect() {
        SendError::Connect(describe(error))
    } else {
        SendError::Broken(text)
    }
}

/// The machine's own limits, among them the numbers that every Unix has for spent descriptors.
fn is_exhaustion(error: &io::Error) -> bool {
    const NFILE: i32 = 23;
    const MFILE: i32 = 24;
    let unix = cfg!(unix) && matches!(error.raw_os_error(), Some(NFILE | MFILE));
    unix || matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory
    )
}

/// The chain of causes without repetitions: `127.0.0.1:1 cannot be reached: Connection refused`.
fn describe(error: &legacy::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        source = inner.source();
    }
    if text.is_empty() {
        error.to_string()
    } else {
        text
    }
}
