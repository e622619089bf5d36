//! Identifies clients by their address. Behind a web server all connections come from it, and it adds the client's
//! address to `X-Forwarded-For`. Anybody can send that header, so only proxies that the operator trusts are believed.
//! The header is read from its end: each proxy appends the address that it saw, and anything before the first untrusted
//! address may be forged.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The size of an IPv6 network at home or in an office: a client that has one of its addresses has all.
const SITE_BITS: u32 = 64;

/// The trusted proxies. Clones are cheap.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[IpNet]>);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub(super) address: IpAddr,
    /// Whether it is a trusted proxy, which forwards requests of many clients.
    pub(super) is_proxy: bool,
}

impl Proxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub fn new(trusted: &[IpNet]) -> Self {
        Self(trusted.into())
    }

    pub(super) fn peer(&self, address: SocketAddr) -> Peer {
        let address = address.ip().to_canonical();
        Peer { address, is_proxy: self.has(address) }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request: the last address that is no trusted proxy. If an entry cannot be parsed, the proxy that
    /// passed it on counts as the client.
    pub fn client(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.address;
        let lines = headers.get_all(FORWARDED).iter().rev().map(HeaderValue::as_bytes);
        for hop in lines.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            if !self.has(client) {
                break;
            }
            let Some(before) = address(hop) else { break };
            client = before;
        }
        client
    }
}

impl Peer {
    /// The network whose connections count together; `None` for a proxy.
    pub(super) fn network(self) -> Option<IpAddr> {
        (!self.is_proxy).then(|| network(self.address))
    }

    #[cfg(test)]
    pub(super) fn of_tests() -> Self {
        Self { address: IpAddr::from([192, 0, 2, 1]), is_proxy: false }
    }
}

/// All addresses that one client may have, as one.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (Ipv6Addr::BITS - SITE_BITS))).into()
        }
    }
}

/// Parses an address, with or without a port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(&["127.0.0.1/32", "10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()))
    }

    fn client(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let proxies = proxies();
        let peer = proxies.peer(SocketAddr::new(peer.parse().unwrap(), 1));
        proxies.client(peer, &headers).to_string()
    }

    #[test]
    fn the_header_of_an_untrusted_client_is_ignored() {
        for lines in [&[][..], &["1.2.3.4"], &["127.0.0.1"], &["10.0.0.1, 127.0.0.1"], &["прокси"]] {
            assert_eq!(client("203.0.113.9", lines), "203.0.113.9", "{lines:?}");
        }
        assert_eq!(client("::ffff:203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client("11.0.0.1", &["1.2.3.4"]), "11.0.0.1", "next to a trusted network");
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_that_is_not_theirs_counts() {
        for (lines, want) in [
            (&[][..], "127.0.0.1"),
            (&["1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4, 10.1.1.1"], "1.2.3.4"),
            (&["6.6.6.6,1.2.3.4", "10.1.1.1 , 10.2.2.2"], "1.2.3.4"),
            (&["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            (&["1.2.3.4:5678"], "1.2.3.4"),
            (&["[2001:db8::7]:5678"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["::ffff:1.2.3.4"], "1.2.3.4"),
            (&["6.6.6.6, ::ffff:10.1.1.1"], "6.6.6.6"),
        ] {
            assert_eq!(client("127.0.0.1", lines), want, "{lines:?}");
        }
        assert_eq!(client("::ffff:127.0.0.1", &["1.2.3.4"]), "1.2.3.4", "on a listener of both kinds");
    }

    #[test]
    fn an_entry_that_cannot_be_parsed_counts_as_its_proxy() {
        for garbage in [
            "",
            ",",
            " ",
            "unknown",
            "_hidden",
            "1.2.3.4.5",
            "1.2.3",
            "01.2.3.4",
            "0x7f000001",
            "1.2.3.4:99999",
            "1.2.3.4/8",
            "[1.2.3.4",
            "for=1.2.3.4",
            "\"1.2.3.4\"",
            "1.2.3.4 5.6.7.8",
            "fe80::1%eth0",
            "прокси",
        ] {
            assert_eq!(client("127.0.0.1", &[garbage]), "127.0.0.1", "{garbage:?}");
            let behind = format!("6.6.6.6, {garbage}, 10.1.1.1");
            assert_eq!(client("127.0.0.1", &[&behind]), "10.1.1.1", "{garbage:?}");
        }
    }

    #[test]
    fn the_addresses_of_one_network_are_one_client() {
        for (one, other, want) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("1.2.3.4", "::ffff:1.2.3.4", true),
            ("1.2.3.4", "1.2.3.5", false),
        ] {
            assert_eq!(network(one.parse().unwrap()) == network(other.parse().unwrap()), want, "{one} {other}");
        }
    }

    /// Anything that may be in the header: addresses, and garbage.
    fn hop() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| IpAddr::from(octets).to_string()),
            any::<[u8; 16]>().prop_map(|octets| IpAddr::from(octets).to_string()),
            Just("127.0.0.1".to_owned()),
            "[ -~]{0,20}",
        ]
    }

    proptest! {
        #[test]
        fn a_client_behind_a_proxy_cannot_forge_its_address(
            forged in proptest::collection::vec(hop(), 0..5),
            seen in any::<[u8; 4]>(),
        ) {
            let forged = forged.join(",");
            let seen = IpAddr::from(seen);
            prop_assume!(!proxies().has(seen));
            let line = format!("{forged}, {seen}");
            prop_assert_eq!(client("127.0.0.1", &[&line]), seen.to_string());
            prop_assert_eq!(client(&seen.to_string(), &[forged.trim()]), seen.to_string());
        }
    }
}
