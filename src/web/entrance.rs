//! Where a request goes: to the data plane, or to the administration when its path is one of theirs.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use poem::endpoint::BoxEndpoint;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint as _};

use super::interface;
use crate::admin;
use crate::config::TrustedProxies;
use crate::gateway::{AnswerBody, Hub, handle};

/// The body of any answer.
type Body = Either<AnswerBody, BoxBody<Bytes, std::io::Error>>;

/// Everything that answers.
pub struct Entrance {
    hub: Arc<Hub>,
    proxies: TrustedProxies,
    /// Comes when the database is there.
    admin: OnceLock<BoxEndpoint<'static, poem::Response>>,
}

impl std::fmt::Debug for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entrance")
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

impl Entrance {
    /// The data plane alone, behind these proxies.
    #[must_use]
    pub const fn new(hub: Arc<Hub>, proxies: TrustedProxies) -> Self {
        Self {
            hub,
            proxies,
            admin: OnceLock::new(),
        }
    }

    /// Opens the administration; the first one stays.
    pub fn open_admin(&self, admin: BoxEndpoint<'static, poem::Response>) {
        let _ = self.admin.set(admin);
    }

    /// The data plane.
    pub(super) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Answers one request.
    pub(super) async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let path = request.uri().path();
        if interface::owns(path) {
            return whole(interface::answer(request.method(), path, request.headers()));
        }
        if interface::is_visitor(request.method(), path, request.headers()) {
            return whole(interface::welcome());
        }
        if admin::takes(path, request.headers()) {
            return Box::pin(self.administer(peer, request))
                .await
                .map(Either::Right);
        }
        handle(Arc::clone(&self.hub), request)
            .await
            .map(Either::Left)
    }

    async fn administer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<BoxBody<Bytes, std::io::Error>> {
        let Some(admin) = self.admin.get() else {
            return away();
        };
        let caller = self.proxies.caller(peer, request.headers());
        let remote = RemoteAddr(Addr::SocketAddr(caller));
        let request = poem::Request::from((
            request,
            LocalAddr::default(),
            remote,
            http::uri::Scheme::HTTP,
        ));
        admin.get_response(request).await.into()
    }
}

/// An answer that is there already.
fn whole(response: Response<Bytes>) -> Response<Body> {
    response.map(|body| Either::Right(Full::new(body).map_err(|never| match never {}).boxed()))
}

/// The administration is not there yet.
fn away() -> Response<BoxBody<Bytes, std::io::Error>> {
    const WORDS: &str = r#"{"status":503,"code":"database_away","title":"Database away","detail":"the hub has no database yet; the data plane goes on, administration has to wait"}"#;
    let body = Full::new(Bytes::from_static(WORDS.as_bytes()))
        .map_err(|never| match never {})
        .boxed();
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    let json = http::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}
