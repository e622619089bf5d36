//! Public IP addresses: those that lead to nothing in a private network.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::net::names::{self, Names};

/// A name that resolves to no public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads into a private network")]
pub struct NotPublic;

/// Resolves names to public addresses alone. A name may resolve to one address when it is checked and to another when
/// it is connected to, so this filters for each connection.
#[derive(Clone, Copy, Debug)]
pub struct PublicNames;

impl PublicNames {
    #[must_use]
    pub fn resolver() -> Arc<Self> {
        Arc::new(Self)
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let found = Names.resolve(name);
        Box::pin(async move {
            let public: Vec<SocketAddr> = found.await?.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether a name resolves to a public address now.
pub async fn leads_to_internet(host: &str) -> bool {
    let mut found = names::look_up(host).await.into_iter().flatten();
    found.any(|address| is_public(address.ip()))
}

/// Whether an address is public.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

/// IANA, "IPv4 Special-Purpose Address Registry".
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    let is_special = a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let is_local = address.is_private() || address.is_loopback() || address.is_link_local();
    !(is_local || is_shared || is_benchmark || is_special || address.is_documentation())
}

/// Global unicast, without special ranges and embedded IPv4 addresses (IANA, "IPv6 Special-Purpose Address Registry").
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_global = a & 0xe000 == 0x2000;
    let is_protocol = a == 0x2001 && b < 0x0200;
    let is_documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    let is_6to4 = a == 0x2002;
    is_global && !is_protocol && !is_documentation && !is_6to4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_distinguished_from_all_others() {
        for public in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "198.20.0.1", "2a00:1450::1", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.88.99.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:7f00:1",
            "64:ff9b:1::1",
            "2001:10::1",
            "2001:20::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "4000::1",
            "5f00::1",
            "fdff::1",
            "febf::1",
            "64:ff9b::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
