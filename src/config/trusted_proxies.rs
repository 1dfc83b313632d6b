//! Reverse proxies whose word about a caller's address counts.
//!
//! Anybody can send `X-Forwarded-For`, and each proxy adds to its end who called it. So the list is read from its
//! end, and only as far as addresses of known proxies go: the first other one is the caller.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// `TRUSTED_PROXIES`; nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads one entry: an address, or a network such as `10.0.0.0/8`.
    pub(super) fn parse(text: &str) -> Option<IpNet> {
        let network = text.parse().ok();
        network.or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))
    }

    /// Who called, of a connection from `peer`. An entry that is no address ends the reading: what stands before it
    /// was not written by a proxy that is trusted.
    #[must_use]
    pub fn caller(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusts(peer.ip()) {
            return peer;
        }
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        let mut nearest = peer;
        for entry in entries {
            let Some(named) = address(entry.trim()) else {
                break;
            };
            nearest = named;
            if !self.trusts(named.ip()) {
                break;
            }
        }
        nearest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        // A socket for both kinds shows an IPv4 address in the form of an IPv6 one.
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Of an entry, as proxies write it: with or without a port, and with or without the brackets of IPv6.
fn address(entry: &str) -> Option<SocketAddr> {
    let bare = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']'));
    let alone = bare.unwrap_or(entry).parse::<IpAddr>();
    alone
        .map(|address| SocketAddr::new(address, 0))
        .or_else(|_| entry.parse())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let proxies: TrustedProxies = trusted
            .iter()
            .map(|text| TrustedProxies::parse(text).expect("an address or a network"))
            .collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a value"));
        }
        let peer = SocketAddr::new(peer.parse().expect("an address"), 4711);
        proxies.caller(peer, &headers).ip().to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(caller(&[], "127.0.0.1", &["192.0.2.1"]), "127.0.0.1");
        let other = caller(&["10.0.0.0/8"], "192.0.2.9", &["192.0.2.1"]);
        assert_eq!(other, "192.0.2.9");
    }

    #[test]
    fn the_last_address_that_no_known_proxy_has_is_the_callers() {
        let proxies = ["10.0.0.0/8", "::1", "2001:db8::/32"];
        for (peer, lines, want) in [
            ("10.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::1", &["192.0.2.1, 10.1.1.1"], "192.0.2.1"),
            // What the caller itself claimed stands before what the proxies saw.
            ("10.0.0.1", &["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
            (
                "10.0.0.1",
                &["198.51.100.7", "192.0.2.1, 10.0.0.2"],
                "192.0.2.1",
            ),
            ("10.0.0.1", &["192.0.2.1:5123"], "192.0.2.1"),
            ("10.0.0.1", &["[2001:4860::1]:5123"], "2001:4860::1"),
            ("10.0.0.1", &["[2001:4860::1]"], "2001:4860::1"),
            // From a proxy itself, or from nobody that it names.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1, , 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["\u{e9}"], "10.0.0.1"),
        ] {
            assert_eq!(caller(&proxies, peer, lines), want, "{peer} {lines:?}");
        }
    }

    #[test]
    fn an_entry_is_an_address_or_a_network() {
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0.1:80", "*"] {
            assert!(TrustedProxies::parse(wrong).is_none(), "{wrong}");
        }
    }
}
