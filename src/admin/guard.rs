//! The one gate in front of the admin API: closed unless a call is listed as open.
//!
//! The session and its user are looked up for every call, so that a log-out, a disabled user or another role
//! holds at once. Any doubt, a database that does not answer included, is a refusal.

use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, Method};
use poem::{Endpoint, IntoResponse as _, Middleware, Request, Response, Result};
use sea_orm::EntityTrait as _;

use super::docs;
use super::person::{Identity, Role};
use super::problem::Problem;
use super::token::Tokens;
use crate::store::entities::{session, user};
use crate::store::{Store, now_ms};

/// Calls without a session. Everything else needs one.
const OPEN: [(Method, &str); 3] = [
    (Method::POST, "/api/auth/login"),
    (Method::POST, "/api/auth/refresh"),
    (Method::GET, "/api/setup"),
];

/// Calls of somebody who must choose another password first.
const BEFORE_PASSWORD: [(Method, &str); 3] = [
    (Method::GET, "/api/auth/me"),
    (Method::POST, "/api/auth/password"),
    (Method::POST, "/api/auth/logout"),
];

/// What every answer says to browsers: it is data, for nobody else and for now.
const SHIELD: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Longer bodies are refused.
const LARGEST_BODY: usize = 4 << 20;
/// Conversations have pictures in them, and archives have many conversations.
const CONVERSATIONS: &str = "/api/conversations/";
const LARGEST_ARCHIVE: usize = 64 << 20;

/// The gate.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// Where sessions are.
    pub store: Store,
    /// Reads their tokens.
    pub tokens: Arc<Tokens>,
    /// Whether anybody may read the document.
    pub is_demo: bool,
}

impl<E: Endpoint> Middleware<E> for Guard {
    type Output = Guarded<E>;

    fn transform(&self, inner: E) -> Guarded<E> {
        Guarded {
            guard: self.clone(),
            inner,
        }
    }
}

/// What stands behind the gate.
pub(super) struct Guarded<E> {
    guard: Guard,
    inner: E,
}

impl<E: Endpoint> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut response = self.answer(request).await;
        let headers = response.headers_mut();
        for (name, value) in SHIELD {
            // Pages of documentation say more exactly what they need.
            headers
                .entry(HeaderName::from_static(name))
                .or_insert(HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

impl<E: Endpoint> Guarded<E> {
    async fn answer(&self, mut request: Request) -> Response {
        if !self.guard.is_open(&request) {
            match self.guard.identify(&request).await {
                Ok(identity) => request.extensions_mut().insert(identity),
                Err(problem) => return problem.into_response(),
            };
        }
        // No database keeps a NUL for sure, and an answer that has begun cannot say so any more.
        let address = request.uri().path_and_query();
        if address.is_some_and(|address| address.as_str().contains("%00")) {
            let words = "the address holds a NUL (`%00`); leave it out";
            return Problem::unreadable(words).into_response();
        }
        // Extractors of bodies have no bound of their own.
        let largest = if request.uri().path().starts_with(CONVERSATIONS) {
            LARGEST_ARCHIVE
        } else {
            LARGEST_BODY
        };
        match request.take_body().into_bytes_limit(largest).await {
            Ok(body) => request.set_body(body),
            Err(error) => return Problem::of_framework(&error.into()).into_response(),
        }
        match self.inner.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) if error.has_source() || !error.is_from_response() => {
                Problem::of_framework(&error).into_response()
            }
            Err(error) => error.into_response(),
        }
    }
}

fn listed(calls: &[(Method, &str)], request: &Request) -> bool {
    let path = request.uri().path();
    calls
        .iter()
        .any(|(method, listed)| request.method() == method && path == *listed)
}

impl Guard {
    fn is_open(&self, request: &Request) -> bool {
        let is_document = request.method() == Method::GET && request.uri().path() == docs::DOCUMENT;
        listed(&OPEN, request) || listed(&docs::OPEN, request) || (self.is_demo && is_document)
    }

    async fn identify(&self, request: &Request) -> Result<Identity, Problem> {
        let token =
            bearer(request).ok_or_else(|| Problem::unauthorized("no session token was sent"))?;
        let ended = || Problem::unauthorized("the session has ended; log in again");
        let claims = self.tokens.read(token).ok_or_else(ended)?;
        let read = self.store.read();
        let session = session::Entity::find_by_id(&claims.sid)
            .one(read)
            .await?
            .ok_or_else(ended)?;
        let is_over = session.revoked_at.is_some() || session.expires_at <= now_ms();
        if is_over || session.user_id != claims.sub {
            return Err(ended());
        }
        let user = user::Entity::find_by_id(&session.user_id)
            .one(read)
            .await?
            .ok_or_else(ended)?;
        let role = Role::parse(&user.role)
            .filter(|_| user.enabled)
            .ok_or_else(ended)?;
        if user.must_change_password && !listed(&BEFORE_PASSWORD, request) {
            return Err(Problem::forbidden("choose another password first"));
        }
        Ok(Identity {
            user_id: user.id,
            email: user.email,
            role,
            session_id: session.id,
            must_change_password: user.must_change_password,
            address: request
                .remote_addr()
                .as_socket_addr()
                .map(|address| address.ip().to_string()),
        })
    }
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.header("authorization")?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
