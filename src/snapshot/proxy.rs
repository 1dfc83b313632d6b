//! The address of a proxy that a provider is reached through, parsed once. Its credentials cannot be printed.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// HTTP `CONNECT`.
    Http,
    /// HTTP `CONNECT` over TLS.
    Https,
    /// SOCKS 5; the proxy resolves names.
    Socks5,
}

/// The address of a proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyAddress {
    /// How it is spoken to.
    pub scheme: ProxyScheme,
    /// `host:port`.
    pub authority: Arc<str>,
    /// Name and password.
    credentials: Option<(Arc<str>, Arc<str>)>,
}

impl ProxyAddress {
    /// Reads `scheme://[name:password@]host[:port]`.
    ///
    /// # Errors
    /// In words that do not repeat the address, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
        let (scheme, port) = match scheme {
            "http" => (ProxyScheme::Http, 80),
            "https" => (ProxyScheme::Https, 443),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080),
            _ => return Err("proxy must begin with http://, https:// or socks5://"),
        };
        let (user, host) = match rest.trim_end_matches('/').rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest.trim_end_matches('/')),
        };
        let legal: http::uri::Authority = host.parse().map_err(|_| NO_HOST)?;
        if legal.host().is_empty() {
            return Err(NO_HOST);
        }
        let authority = match legal.port_u16() {
            Some(_) => host.to_owned(),
            None if legal.host() == host => format!("{host}:{port}"),
            None => return Err(NO_HOST),
        };
        let credentials = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            None => None,
            Some((name, password)) => Some((
                plain(name).ok_or(BAD_USER)?.into(),
                plain(password).ok_or(BAD_USER)?.into(),
            )),
        };
        Ok(Self {
            scheme,
            authority: authority.into(),
            credentials,
        })
    }

    /// Name and password.
    #[must_use]
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let (name, password) = self.credentials.as_ref()?;
        Some((name, password))
    }

    /// The value of `Proxy-Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<http::HeaderValue> {
        let (name, password) = self.credentials()?;
        let basic = format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("{name}:{password}"))
        );
        http::HeaderValue::try_from(basic).ok()
    }
}

const NO_HOST: &str = "proxy names no host";
const BAD_USER: &str = "the name or password in proxy is not percent-encoded text";

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAddress")
            .field("scheme", &self.scheme)
            .field("authority", &self.authority)
            .field("credentials", &self.credentials.is_some())
            .finish()
    }
}

/// Without percent encoding.
fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (url, scheme, authority, user) in [
            ("http://h", ProxyScheme::Http, "h:80", None),
            ("https://h:8443/", ProxyScheme::Https, "h:8443", None),
            (
                "socks5://10.0.0.1",
                ProxyScheme::Socks5,
                "10.0.0.1:1080",
                None,
            ),
            (
                "socks5h://[::1]:9050",
                ProxyScheme::Socks5,
                "[::1]:9050",
                None,
            ),
            (
                "http://u:p%40ss@h:3128",
                ProxyScheme::Http,
                "h:3128",
                Some(("u", "p@ss")),
            ),
            (
                "http://u@h:3128",
                ProxyScheme::Http,
                "h:3128",
                Some(("u", "")),
            ),
        ] {
            let address =
                ProxyAddress::parse(url).unwrap_or_else(|why| unreachable!("{url}: {why}"));
            assert_eq!(address.scheme, scheme, "{url}");
            assert_eq!(&*address.authority, authority, "{url}");
            assert_eq!(address.credentials(), user, "{url}");
        }
        for url in [
            "h:80",
            "ftp://h",
            "http://",
            "http://h:port",
            "http://h:99999",
            "http://u:%zz@h",
            "http://h/path",
        ] {
            assert!(ProxyAddress::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn passwords_do_not_show() {
        let address = ProxyAddress::parse("http://name:canary@h").expect("legal");
        let shown = format!("{address:?}");
        assert!(
            !shown.contains("canary") && !shown.contains("name:"),
            "{shown}"
        );
        assert_eq!(
            address.authorization().expect("credentials"),
            "Basic bmFtZTpjYW5hcnk="
        );
    }
}
