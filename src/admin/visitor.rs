//! Who knocks before anybody is known: the address, the browser, and the refresh token it keeps as a cookie.
//!
//! A browser sends cookies on behalf of any page, so the cookie counts only for requests that the hub's own pages
//! made. The token itself is not looked at here.

use std::net::IpAddr;

use poem::http::header::{HOST, ORIGIN, USER_AGENT};
use poem::{FromRequest, Request, RequestBody, Result};

use super::problem::Problem;
use super::sessions::{LIFETIME, Origin};
use crate::config::Secret;

const COOKIE: &str = "bridge_refresh";
/// The only calls that need it.
const SCOPE: &str = "/api/auth";

/// Who knocks.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// Where from.
    pub address: Option<IpAddr>,
    /// The cookie's refresh token.
    cookie: Option<Secret>,
    client: String,
    is_own_page: bool,
    is_secure: bool,
}

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::of(request))
    }
}

impl Visitor {
    fn of(request: &Request) -> Self {
        let remote = request.remote_addr().as_socket_addr();
        Self {
            address: remote.map(std::net::SocketAddr::ip),
            cookie: cookie(request).map(Secret::new),
            client: request.header(USER_AGENT).unwrap_or_default().to_owned(),
            is_own_page: is_own_page(request),
            is_secure: request.header("x-forwarded-proto") == Some("https")
                || request
                    .header(ORIGIN)
                    .is_some_and(|origin| origin.starts_with("https://")),
        }
    }

    /// As a session remembers it.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            client: self.client.clone(),
            address: self.address_text().unwrap_or_default(),
        }
    }

    /// The address as text.
    pub(super) fn address_text(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }

    /// The refresh token of the body, else of the cookie.
    pub(super) fn refresh_token(&self, body: Option<String>) -> Result<Secret, Problem> {
        if let Some(token) = body.filter(|token| !token.is_empty()) {
            return Ok(Secret::new(token));
        }
        match &self.cookie {
            Some(_) if !self.is_own_page => Err(Problem::forbidden(
                "the cookie counts only for requests of the hub's own pages",
            )),
            Some(token) => Ok(token.clone()),
            None => Err(Problem::unauthorized("no refresh token was sent")),
        }
    }

    /// The header that makes a browser keep a refresh token.
    pub(super) fn keep(&self, token: &Secret) -> String {
        self.set_cookie(token.expose(), LIFETIME / 1000)
    }

    /// The header that makes it forget.
    pub(super) fn forget(&self) -> String {
        self.set_cookie("", 0)
    }

    fn set_cookie(&self, value: &str, seconds: i64) -> String {
        // The hub itself speaks plain HTTP on its own machine, where a browser would not keep a secure one.
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!(
            "{COOKIE}={value}; Path={SCOPE}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        )
    }
}

fn cookie(request: &Request) -> Option<&str> {
    request
        .headers()
        .get_all("cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value)
}

/// Whether one of the hub's own pages sent it: browsers say so in headers that no page can change.
fn is_own_page(request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = request.header(ORIGIN) else {
        // An older browser that says nothing at all cannot be told from another page.
        return false;
    };
    let host = request.header(HOST).unwrap_or_default();
    let of_origin = origin.split_once("://").map(|(_, host)| host);
    !host.is_empty() && of_origin == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(headers: &[(&str, &str)]) -> Visitor {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Visitor::of(&request.finish())
    }

    #[test]
    fn the_cookie_counts_for_own_pages_alone() {
        let kept = ("cookie", "a=b; bridge_refresh=t1; c=d");
        for own in [
            &[kept, ("sec-fetch-site", "same-origin")][..],
            &[kept, ("origin", "http://hub:8080"), ("host", "hub:8080")],
        ] {
            let token = visitor(own).refresh_token(None).expect("own page");
            assert_eq!(token.expose(), "t1");
        }
        for foreign in [
            &[kept][..],
            &[kept, ("sec-fetch-site", "cross-site")],
            &[kept, ("sec-fetch-site", "same-site")],
            &[
                kept,
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://hub"),
                ("host", "hub"),
            ],
            &[kept, ("origin", "http://evil"), ("host", "hub")],
            &[kept, ("origin", "null"), ("host", "hub")],
            &[kept, ("origin", "http://hub.evil"), ("host", "hub")],
        ] {
            let refused = visitor(foreign).refresh_token(None);
            assert!(matches!(refused, Err(Problem::Forbidden(_))), "{foreign:?}");
        }
        let given = visitor(&[kept])
            .refresh_token(Some("t2".to_owned()))
            .expect("of the body");
        assert_eq!(given.expose(), "t2");
        assert!(visitor(&[]).refresh_token(None).is_err());
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts() {
        let plain = visitor(&[]).keep(&Secret::new("t"));
        assert!(plain.starts_with("bridge_refresh=t; Path=/api/auth; "));
        assert!(plain.contains("; HttpOnly; SameSite=Strict") && !plain.contains("Secure"));
        assert!(
            visitor(&[("x-forwarded-proto", "https")])
                .keep(&Secret::new("t"))
                .ends_with("; Secure")
        );
        assert!(
            visitor(&[])
                .forget()
                .contains("=; Path=/api/auth; Max-Age=0")
        );
    }
}
