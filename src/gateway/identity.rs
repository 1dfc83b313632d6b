//! Who calls: found once, from the credential, before anything else runs.
//!
//! Precedence when a request carries several credentials: `x-api-key`, `x-goog-api-key`,
//! `Authorization: Bearer`, then `key` and `api_key` of the query. The first one that is present counts and
//! the others are not looked at. One header twice with different values is refused: two views of one
//! thing are how keys get confused. Credentials are neither logged nor sent on.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use translator::error::{Failure, FailureKind};

use super::allowance::wall_ms;
use super::query;
use crate::snapshot::{Auth, ClientKey, Snapshot};

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
pub(super) const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Longer credentials cannot be ours.
const LONGEST: usize = 512;

/// Why somebody is not let in, in the few words that metrics have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No key came.
    Missing,
    /// A key that is not known, is disabled or has expired.
    Unknown,
    /// What came cannot be a key.
    Malformed,
}

impl Refusal {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
        }
    }
}

/// The caller; `None` for an anonymous one where that is allowed.
pub(super) fn identify(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    uri_query: Option<&str>,
) -> Result<Option<Arc<ClientKey>>, (Refusal, Failure)> {
    let presented =
        presented(headers, uri_query).map_err(|failure| (Refusal::Malformed, failure))?;
    let known = presented
        .as_deref()
        .and_then(|secret| snapshot.client_keys.find(secret, wall_ms()));
    match (known, snapshot.auth) {
        (Some(key), _) => Ok(Some(Arc::clone(key))),
        (None, Auth::Open) => Ok(None),
        (None, Auth::Required) if presented.is_some() => {
            // The same words for a key that never was, is disabled, or has expired: which one is nobody's
            // business who does not have the key.
            let words = "the API key is not known to this hub, is disabled or has expired; check the key and the base URL";
            Err((Refusal::Unknown, refused(words)))
        }
        (None, Auth::Required) => {
            let words =
                "no API key was sent; send a client key of this hub, for example as a bearer token";
            Err((Refusal::Missing, refused(words)))
        }
    }
}

fn presented<'r>(
    headers: &'r HeaderMap,
    uri_query: Option<&'r str>,
) -> Result<Option<Cow<'r, str>>, Failure> {
    for name in [&X_API_KEY, &X_GOOG_API_KEY] {
        if let Some(value) = single(headers, name)? {
            return Ok(Some(Cow::Borrowed(value)));
        }
    }
    if let Some(value) = single(headers, &AUTHORIZATION)? {
        let bearer = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        return match bearer {
            Some(token) => Ok(Some(Cow::Borrowed(token))),
            None => Err(refused("the authorization header must be a bearer token")),
        };
    }
    let Some(uri_query) = uri_query else {
        return Ok(None);
    };
    let mut found = query::pairs(uri_query).filter(|(name, _)| query::is_credential(name));
    let Some((_, first)) = found.next() else {
        return Ok(None);
    };
    if found.any(|(_, other)| other != first) {
        return Err(refused("the query carries two different keys"));
    }
    Ok(Some(first))
}

/// The one value of a header.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != first) {
        return Err(refused(&format!(
            "the header {name} was sent twice with different values"
        )));
    }
    if first.len() > LONGEST {
        return Err(refused("the API key is too long"));
    }
    first
        .to_str()
        .map(|value| Some(value.trim()))
        .map_err(|_| refused("the API key holds characters that no key has"))
}

fn refused(message: &str) -> Failure {
    Failure::new(FailureKind::ClientAuth, message).with_code("invalid_api_key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                *name,
                HeaderValue::from_bytes(value).expect("a legal value"),
            );
        }
        map
    }

    #[test]
    fn one_precedence() {
        let all = headers(&[
            ("authorization", b"Bearer c"),
            ("x-goog-api-key", b"b"),
            ("x-api-key", b"a"),
        ]);
        let found =
            |map: &HeaderMap, query| presented(map, query).expect("legal").map(Cow::into_owned);
        assert_eq!(found(&all, Some("key=d")).as_deref(), Some("a"));
        assert_eq!(
            found(&headers(&[("authorization", b"bearer  c ")]), Some("key=d")).as_deref(),
            Some("c")
        );
        assert_eq!(
            found(&HeaderMap::new(), Some("alt=sse&key=d%2D1")).as_deref(),
            Some("d-1")
        );
        assert_eq!(
            found(&HeaderMap::new(), Some("api_key=e")).as_deref(),
            Some("e")
        );
        assert_eq!(found(&HeaderMap::new(), Some("keys=e")), None);
    }

    #[test]
    fn conflicts_and_oddities_are_refused() {
        let long = vec![b'k'; 1 << 20];
        for (what, map, query) in [
            (
                "twice",
                headers(&[("x-api-key", b"a"), ("x-api-key", b"b")]),
                None,
            ),
            ("basic", headers(&[("authorization", b"Basic dTpw")]), None),
            ("long", headers(&[("x-api-key", &long)]), None),
            ("latin-1", headers(&[("x-api-key", b"k\xe9y")]), None),
            ("query", HeaderMap::new(), Some("key=a&key=b")),
            ("query mixed", HeaderMap::new(), Some("key=a&api_key=b")),
        ] {
            assert!(presented(&map, query).is_err(), "{what}");
        }
        let same = headers(&[("x-api-key", b"a"), ("x-api-key", b"a")]);
        assert_eq!(presented(&same, None).expect("legal").as_deref(), Some("a"));
    }
}
