//! Where traces go: the address of a collector and what it wants to know of who sends.

use std::fmt;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// What collectors listen to when nobody says otherwise.
const LOCAL: &str = "http://localhost:4318";
/// Where a collector takes traces over HTTP.
const PATH: &str = "/v1/traces";

/// The address of a collector. Its headers may hold a credential and cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpEndpoint {
    uri: Uri,
    headers: HeaderMap,
}

impl OtlpEndpoint {
    /// Reads the address of a collector: its root (`/v1/traces` is put behind it), or the whole of it.
    ///
    /// # Errors
    /// In words that do not repeat the address, which may hold a credential.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let url = url.trim().trim_end_matches('/');
        let whole = if url.ends_with(PATH) {
            url.to_owned()
        } else {
            format!("{url}{PATH}")
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err("must begin with http:// or https://");
        }
        let uri: Uri = whole.parse().map_err(|_| "is no address")?;
        if uri.query().is_some() {
            return Err("must not have a query");
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err("must not hold a credential; put it into OTLP_HEADERS")
            }
            Some(authority) if !authority.host().is_empty() => Ok(Self {
                uri,
                headers: HeaderMap::new(),
            }),
            _ => Err("has no host"),
        }
    }

    /// The same, with the headers of `name=value,name=value`.
    ///
    /// # Errors
    /// In words that do not repeat the headers, which may hold a credential.
    pub fn with_headers(mut self, list: &str) -> Result<Self, &'static str> {
        for pair in list.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.split_once('=').ok_or("must be name=value pairs")?;
            let name: HeaderName = name.trim().parse().map_err(|_| "has an illegal name")?;
            let mut value: HeaderValue =
                value.trim().parse().map_err(|_| "has an illegal value")?;
            if [CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING].contains(&name) {
                return Err("must not frame the message");
            }
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// Where traces are sent.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What every message carries.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl Default for OtlpEndpoint {
    fn default() -> Self {
        Self::parse(LOCAL).expect("a legal address")
    }
}

impl fmt::Debug for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpEndpoint")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::OtlpEndpoint;

    #[test]
    fn a_root_and_a_whole_address_mean_the_same() {
        for url in [
            "http://localhost:4318",
            " http://localhost:4318/ ",
            "http://localhost:4318/v1/traces",
        ] {
            assert_eq!(OtlpEndpoint::parse(url), Ok(OtlpEndpoint::default()));
        }
        let below = OtlpEndpoint::parse("https://collector.example/otlp").expect("legal");
        assert_eq!(below.uri(), "https://collector.example/otlp/v1/traces");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for url in [
            "localhost:4318",
            "ftp://collector",
            "http://",
            "http://name:word@collector:4318",
            "http://collector?key=word",
            "http://two words",
        ] {
            let words = OtlpEndpoint::parse(url).expect_err(url);
            assert!(!words.contains("word:") && !words.contains("key="), "{url}");
        }
        for list in ["authorization", "a b=c", "content-type=text/plain"] {
            assert!(
                OtlpEndpoint::default().with_headers(list).is_err(),
                "{list}"
            );
        }
    }

    #[test]
    fn headers_are_kept_and_not_printed() {
        let endpoint = OtlpEndpoint::default()
            .with_headers(" authorization = Basic c2VjcmV0PQ== , x-team=blue,");
        let endpoint = endpoint.expect("legal");
        assert_eq!(endpoint.headers()["authorization"], "Basic c2VjcmV0PQ==");
        assert_eq!(endpoint.headers()["x-team"], "blue");
        assert!(!format!("{endpoint:?}").contains("c2VjcmV0"));
    }
}
