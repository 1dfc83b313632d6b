//! The accept loop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::Entrance;
use super::version::{Version, version};

/// Bounds on what clients may do to the process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; more wait in the backlog.
    pub connections: usize,
    /// Time for the first bytes of a connection, and for the head of a request.
    pub header_timeout: Duration,
    /// Time for answers in flight when the process is asked to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            header_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop` resolves; then answers in flight get their grace.
pub async fn serve(
    entrance: Arc<Entrance>,
    listener: TcpListener,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let (http1, http2) = (Arc::new(http1(&limits)), Arc::new(http2()));
    // Closed when it is time to stop: whoever has said nothing yet is not waited for.
    let (stopping, told) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: a busy loop would make it worse.
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let hub = Arc::clone(entrance.hub());
        hub.metrics.gauges.connections.inc();
        let served = Arc::clone(&entrance);
        let service = service_fn(move |request| {
            let entrance = Arc::clone(&served);
            // On the heap, where it is gone once the head of the answer is there: a connection that streams for minutes
            // holds no room for it.
            async move { Ok::<_, Infallible>(Box::pin(entrance.answer(peer, request)).await) }
        });
        let (http1, http2) = (Arc::clone(&http1), Arc::clone(&http2));
        let (watcher, mut told) = (graceful.watcher(), told.clone());
        // Owned by the graceful shutdown, which waits for it, and by the runtime, which drops it in the end.
        tokio::spawn(async move {
            let version = tokio::select! {
                biased;
                _ = told.changed() => None,
                version = timeout(limits.header_timeout, version(&stream)) => {
                    version.ok().and_then(Result::ok).flatten()
                }
            };
            let stream = TokioIo::new(stream);
            let ended = match version {
                None => Ok(()),
                Some(Version::Http1) => {
                    watcher.watch(http1.serve_connection(stream, service)).await
                }
                // Few clients speak it and its state is large: others hold no room for it.
                Some(Version::Http2) => {
                    Box::pin(watcher.watch(http2.serve_connection(stream, service))).await
                }
            };
            if let Err(error) = ended {
                tracing::trace!(%error, "a connection ended badly");
            }
            hub.metrics.gauges.connections.dec();
            drop(place);
        });
    }
    drop((listener, stopping));
    entrance.hub().begin_stop(limits.grace);
    tracing::info!(
        connections = graceful.count(),
        "stopping; answers in flight are finished"
    );
    if timeout(limits.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            "some answers were not finished within {} s",
            limits.grace.as_secs()
        );
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .keep_alive(true);
    server
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(64 << 10)
        .max_pending_accept_reset_streams(Some(32))
        .keep_alive_interval(Some(Duration::from_secs(60)))
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}
