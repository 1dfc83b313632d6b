//! Which addresses may be dialled for a provider that is not marked as private.
//!
//! An allow-list: global unicast and nothing else. The check is made on the address that is dialled,
//! after name resolution, so spelling tricks and names that change their answer find no gap.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// True for addresses of the public internet.
#[must_use]
pub const fn is_global_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => global_v4(v4),
        IpAddr::V6(v6) => global_v6(v6),
    }
}

const fn global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback, multicast and reserved.
        (0 | 10 | 127 | 224..=255, _, _)
            // Carrier-grade NAT.
            | (100, 64..=127, _)
            // Link-local, where cloud metadata lives.
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            // Protocol assignments, documentation, 6to4 relays, benchmarks.
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

const fn global_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Everything that is given out lies in 2000::/3; inside it some blocks lead elsewhere. IPv4-mapped
    // addresses and NAT64 (64:ff9b::/96) lie outside and are refused with the rest.
    if a >> 13 != 0b001 {
        return false;
    }
    let protocol_assignments = a == 0x2001 && b < 0x0200;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    let six_to_four = a == 0x2002;
    !(protocol_assignments || documentation || six_to_four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_passes() {
        for (address, want) in [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("100.128.0.1", true),
            ("2606:4700::1111", true),
            ("2a00:1450::1", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("192.0.0.170", false),
            ("198.18.0.1", false),
            ("203.0.113.7", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("fc00::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
        ] {
            let parsed: IpAddr = address.parse().expect("a valid address");
            assert_eq!(is_global_unicast(parsed), want, "{address}");
        }
    }
}
