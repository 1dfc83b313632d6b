//! A provider's address, taken apart once, and the paths made from it.
//!
//! A base URL is what the vendor's SDK calls by that name, with or without the version at its end.
//! Paths are built here and nowhere else, so that no model name can change where a request goes.

use std::fmt;
use std::sync::Arc;

use translator::Dialect;

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A whole answer.
    Generate,
    /// A streamed answer; only Gemini has a path of its own for it.
    Stream,
    /// Counting the tokens of a request.
    CountTokens,
    /// The short form of a conversation; only Responses has it.
    Compact,
    /// One embedding.
    Embed,
    /// Several embeddings; only Gemini has a path of its own for it.
    BatchEmbed,
    /// The list of models.
    Models,
}

/// A parsed base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether to speak TLS.
    pub https: bool,
    /// `host` or `host:port`, as the `Host` header has it.
    pub authority: Arc<str>,
    /// The host alone, without brackets.
    pub host: Arc<str>,
    /// The port to dial.
    pub port: u16,
    /// The path without the version and without a trailing slash.
    pub prefix: Arc<str>,
    /// The version the URL ended in (`v1`, `v1beta`); empty when no version belongs in the path; `None`
    /// when the dialect's default applies.
    pub version: Option<Arc<str>>,
}

/// Why a base URL was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not `http://` or `https://`.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// Nothing between scheme and path, or not a host.
    #[error("has no valid host")]
    Host,
    /// Not a number between 1 and 65535.
    #[error("has an invalid port")]
    Port,
    /// A user name or password.
    #[error("must not carry credentials; use api_key")]
    Credentials,
    /// A query or fragment.
    #[error("must not have a query or fragment")]
    Query,
    /// Characters that no path may have.
    #[error("has characters that a path must not have")]
    Path,
}

/// Endings that people paste with the address; they are cut off and added again as needed.
const ENDPOINT_TAILS: [&str; 5] = [
    "/chat/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/models",
];

impl BaseUrl {
    /// Takes a base URL apart.
    ///
    /// # Errors
    /// When it is not a plain `http(s)` address.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let (https, rest) = split_scheme(url.trim()).ok_or(BadUrl::Scheme)?;
        if rest.contains(['?', '#']) {
            return Err(BadUrl::Query);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err(BadUrl::Credentials);
        }
        let (host, port) = split_port(authority, https)?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&b);
        if !path.bytes().all(legal) || path.split('/').any(|part| part == "." || part == "..") {
            return Err(BadUrl::Path);
        }
        let (prefix, version) = split_version(path.trim_end_matches('/'));
        Ok(Self {
            https,
            authority: authority.to_ascii_lowercase().into(),
            host: host.to_ascii_lowercase().into(),
            port,
            prefix: prefix.into(),
            version: version.map(Into::into),
        })
    }

    /// The path and query for a call: `/compatible-mode/v1/chat/completions`.
    ///
    /// A version the URL already ends in is never doubled, and the model of a Gemini path is
    /// percent-encoded whole, so that it stays one segment.
    #[must_use]
    pub fn path(&self, dialect: Dialect, endpoint: Endpoint, model: &str) -> String {
        let version = self.version.as_deref().unwrap_or(match dialect {
            Dialect::Gemini => "v1beta",
            _ => "v1",
        });
        let mut path = String::with_capacity(self.prefix.len() + model.len() + 64);
        path.push_str(&self.prefix);
        if !version.is_empty() {
            path.push('/');
            path.push_str(version);
        }
        match dialect {
            Dialect::Gemini => push_gemini(&mut path, endpoint, model),
            Dialect::Anthropic => path.push_str(match endpoint {
                Endpoint::Generate | Endpoint::Stream | Endpoint::Compact => "/messages",
                Endpoint::CountTokens => "/messages/count_tokens",
                Endpoint::Embed | Endpoint::BatchEmbed => "/embeddings",
                Endpoint::Models => "/models",
            }),
            Dialect::OpenAiChat | Dialect::OpenAiResponses => path.push_str(match endpoint {
                Endpoint::Generate | Endpoint::Stream | Endpoint::Compact
                    if dialect == Dialect::OpenAiChat =>
                {
                    "/chat/completions"
                }
                Endpoint::Compact => "/responses/compact",
                Endpoint::Generate | Endpoint::Stream => "/responses",
                Endpoint::CountTokens => "/responses/input_tokens",
                Endpoint::Embed | Endpoint::BatchEmbed => "/embeddings",
                Endpoint::Models => "/models",
            }),
        }
        path
    }

    /// The path and query for a call to a server that has the model in the path, below `deployments`; `None`
    /// when the URL ends in a version, under which such servers have the usual paths.
    #[must_use]
    pub fn deployment_path(
        &self,
        deployments: &str,
        api_version: Option<&str>,
        dialect: Dialect,
        endpoint: Endpoint,
        model: &str,
    ) -> Option<String> {
        let is_chat = dialect == Dialect::OpenAiChat && endpoint != Endpoint::Models;
        if self
            .version
            .as_deref()
            .is_some_and(|version| !version.is_empty())
            || !is_chat
        {
            return None;
        }
        let unversioned = Self {
            version: Some("".into()),
            prefix: "".into(),
            ..self.clone()
        };
        let mut path = self.prefix.to_string();
        if !path.contains(deployments) {
            let stem = path.strip_suffix("/openai").unwrap_or(&path).len();
            path.truncate(stem);
            path.push_str(deployments);
            push_encoded(&mut path, model);
        }
        path.push_str(&unversioned.path(dialect, endpoint, model));
        if let Some(version) = api_version {
            path.push_str("?api-version=");
            path.push_str(version);
        }
        Some(path)
    }

    /// Whether the host is this machine by name or by number.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        &*self.host == "localhost"
            || self
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)?;
        match self.version.as_deref() {
            Some(version) if !version.is_empty() => write!(f, "/{version}"),
            _ => Ok(()),
        }
    }
}

fn split_scheme(url: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Some((true, rest)),
        "http" => Some((false, rest)),
        _ => None,
    }
}

/// Host without brackets, and port.
fn split_port(authority: &str, https: bool) -> Result<(&str, u16), BadUrl> {
    let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or(BadUrl::Host)?;
        host.parse::<std::net::Ipv6Addr>()
            .map_err(|_| BadUrl::Host)?;
        (
            host,
            (!rest.is_empty()).then(|| rest.strip_prefix(':').unwrap_or("")),
        )
    } else {
        let (host, port) = authority
            .split_once(':')
            .map_or((authority, None), |(h, p)| (h, Some(p)));
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if host.is_empty() || !host.bytes().all(legal) {
            return Err(BadUrl::Host);
        }
        (host, port)
    };
    let port = match port {
        None => return Ok((host, if https { 443 } else { 80 })),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().unwrap_or(0),
        Some(_) => 0,
    };
    if port == 0 {
        Err(BadUrl::Port)
    } else {
        Ok((host, port))
    }
}

/// Cuts a pasted endpoint and the version off a path.
fn split_version(path: &str) -> (&str, Option<&str>) {
    let tail = ENDPOINT_TAILS
        .iter()
        .find_map(|tail| path.strip_suffix(tail));
    let path = tail.unwrap_or(path);
    let (before, last) = path.rsplit_once('/').unwrap_or(("", path));
    if is_version(last) {
        (before, Some(last))
    } else if tail.is_some() || path.split('/').any(is_version) {
        // The whole path was given, or the version stands earlier in it: add none.
        (path, Some(""))
    } else {
        (path, None)
    }
}

/// `v1`, `v4`, `v1beta`, `v1alpha1`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else {
        return false;
    };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if after.len() == rest.len() {
        return false;
    }
    let suffix = after
        .strip_prefix("beta")
        .or_else(|| after.strip_prefix("alpha"))
        .unwrap_or(after);
    suffix.bytes().all(|b| b.is_ascii_digit())
}

fn push_gemini(path: &mut String, endpoint: Endpoint, model: &str) {
    let (kind, model) = match model.strip_prefix("tunedModels/") {
        Some(tuned) => ("/tunedModels", tuned),
        None => ("/models", model.strip_prefix("models/").unwrap_or(model)),
    };
    path.push_str(kind);
    let verb = match endpoint {
        Endpoint::Models => return,
        Endpoint::Generate | Endpoint::Compact => ":generateContent",
        Endpoint::Stream => ":streamGenerateContent?alt=sse",
        Endpoint::CountTokens => ":countTokens",
        Endpoint::Embed => ":embedContent",
        Endpoint::BatchEmbed => ":batchEmbedContents",
    };
    path.push('/');
    push_encoded(path, model);
    path.push_str(verb);
}

/// Percent-encodes everything but unreserved characters.
fn push_encoded(path: &mut String, segment: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push(char::from(HEX[usize::from(byte >> 4)]));
            path.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str, dialect: Dialect, endpoint: Endpoint) -> String {
        BaseUrl::parse(url)
            .expect("a valid test URL")
            .path(dialect, endpoint, "m")
    }

    #[test]
    fn versions_are_added_once() {
        use Dialect::{Anthropic, Gemini, OpenAiChat, OpenAiResponses};
        let cases = [
            (
                "https://api.openai.com/v1",
                OpenAiChat,
                "/v1/chat/completions",
            ),
            (
                "https://api.openai.com/v1/",
                OpenAiResponses,
                "/v1/responses",
            ),
            ("https://api.openai.com", OpenAiChat, "/v1/chat/completions"),
            (
                "https://d.example/compatible-mode/v1",
                OpenAiChat,
                "/compatible-mode/v1/chat/completions",
            ),
            (
                "https://z.example/api/paas/v4",
                OpenAiChat,
                "/api/paas/v4/chat/completions",
            ),
            (
                "https://g.example/v1beta/openai/",
                OpenAiChat,
                "/v1beta/openai/chat/completions",
            ),
            (
                "https://p.example/chat/completions",
                OpenAiChat,
                "/chat/completions",
            ),
            (
                "https://p.example/v1/chat/completions",
                OpenAiChat,
                "/v1/chat/completions",
            ),
            ("https://api.anthropic.com", Anthropic, "/v1/messages"),
            ("https://api.anthropic.com/v1", Anthropic, "/v1/messages"),
            (
                "https://d.example/anthropic",
                Anthropic,
                "/anthropic/v1/messages",
            ),
            (
                "https://g.example",
                Gemini,
                "/v1beta/models/m:generateContent",
            ),
            (
                "https://g.example/v1alpha",
                Gemini,
                "/v1alpha/models/m:generateContent",
            ),
        ];
        for (url, dialect, want) in cases {
            assert_eq!(path(url, dialect, Endpoint::Generate), want, "{url}");
        }
        assert_eq!(
            path("http://g/v1", Gemini, Endpoint::Stream),
            "/v1/models/m:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            path("http://g", Anthropic, Endpoint::CountTokens),
            "/v1/messages/count_tokens"
        );
    }

    #[test]
    fn deployments_stand_in_the_path() {
        use Dialect::OpenAiChat;
        for (url, want) in [
            (
                "https://r.example",
                Some("/openai/deployments/a%2Fb/chat/completions?api-version=1"),
            ),
            (
                "https://r.example/openai/",
                Some("/openai/deployments/a%2Fb/chat/completions?api-version=1"),
            ),
            (
                "https://r.example/openai/deployments/mine",
                Some("/openai/deployments/mine/chat/completions?api-version=1"),
            ),
            (
                "https://r.example/openai/deployments/mine/chat/completions",
                Some("/openai/deployments/mine/chat/completions?api-version=1"),
            ),
            ("https://r.example/openai/v1", None),
        ] {
            let base = BaseUrl::parse(url).expect("valid");
            let path = base.deployment_path(
                "/openai/deployments/",
                Some("1"),
                OpenAiChat,
                Endpoint::Stream,
                "a/b",
            );
            assert_eq!(path.as_deref(), want, "{url}");
            assert_eq!(
                base.deployment_path(
                    "/openai/deployments/",
                    None,
                    OpenAiChat,
                    Endpoint::Models,
                    "m"
                ),
                None
            );
        }
    }

    #[test]
    fn a_model_name_stays_one_segment() {
        let base = BaseUrl::parse("https://g.example").expect("valid");
        for model in [
            "../../v1/files",
            "a/b",
            "a%2fb",
            "a?key=x",
            "a#b",
            "a\r\nb",
            "a:streamX",
        ] {
            let path = base.path(Dialect::Gemini, Endpoint::Generate, model);
            let name = path
                .strip_prefix("/v1beta/models/")
                .and_then(|rest| rest.strip_suffix(":generateContent"))
                .expect("the frame stays");
            assert!(!name.contains(['/', '?', '#', ':', '\r', '\n']), "{path}");
        }
        assert_eq!(
            base.path(Dialect::Gemini, Endpoint::Embed, "models/e-1"),
            "/v1beta/models/e-1:embedContent"
        );
        assert_eq!(
            base.path(Dialect::Gemini, Endpoint::Generate, "tunedModels/a/b"),
            "/v1beta/tunedModels/a%2Fb:generateContent"
        );
    }

    #[test]
    fn addresses_are_taken_apart() {
        let base = BaseUrl::parse("HTTP://[::1]:8080/x/v1").expect("valid");
        assert_eq!(
            (&*base.authority, &*base.host, base.port),
            ("[::1]:8080", "::1", 8080)
        );
        assert!(base.is_loopback() && !base.https);
        assert_eq!(base.to_string(), "http://[::1]:8080/x/v1");
        assert_eq!(
            BaseUrl::parse("https://A.example").expect("valid").port,
            443
        );
    }

    #[test]
    fn bad_addresses_are_refused() {
        for (url, want) in [
            ("ftp://x", BadUrl::Scheme),
            ("api.openai.com/v1", BadUrl::Scheme),
            ("https:///v1", BadUrl::Host),
            ("https://a b/v1", BadUrl::Host),
            ("https://u:p@x/v1", BadUrl::Credentials),
            ("https://x:0/v1", BadUrl::Port),
            ("https://x:99999", BadUrl::Port),
            ("https://x:+1", BadUrl::Port),
            ("https://x/v1?key=1", BadUrl::Query),
            ("https://x/../v1", BadUrl::Path),
            ("https://x/a b", BadUrl::Path),
        ] {
            assert_eq!(BaseUrl::parse(url), Err(want), "{url}");
        }
    }
}
