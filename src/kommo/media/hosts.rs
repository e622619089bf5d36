//! From where files are taken, and from where never.
//!
//! The address of a file comes with a hook, and whoever can write hooks could otherwise have this machine fetch what only
//! it can reach, and have it sent to a chat. So the host has to be one of Kommo's, and its address a public one. What the
//! operator has named is believed: their own server may be in their own network.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Where Kommo and amoCRM have their servers.
const KOMMO: [&str; 3] = [".kommo.com", ".amocrm.ru", ".amocrm.com"];

/// The hosts that files are taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Those that the operator has named for files, whatever their port.
    named: BTreeSet<String>,
    /// The servers that the bridge talks to.
    servers: Vec<Url>,
    own: Option<Url>,
}

/// A name that leads to no public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads into a private network")]
pub(super) struct PrivateAddress;

impl Hosts {
    /// Kommo's hosts, the `servers` that the bridge talks to, and those that the operator has `named` for files. Of a server
    /// nothing is believed but what it is itself: whatever else listens on that machine is not meant. One that is Kommo's
    /// own is no more believed than its others.
    pub fn new<'h>(servers: impl IntoIterator<Item = Url>, named: impl IntoIterator<Item = &'h str>) -> Self {
        let servers = servers.into_iter().filter(|url| !url.host_str().map(plain).is_some_and(|host| is_kommo(&host)));
        Self { named: named.into_iter().map(plain).collect(), servers: servers.collect(), own: None }
    }

    /// These, and what lies below the address `own`: whatever else its host has is no more believed for it.
    #[must_use]
    pub fn with_own(self, own: Url) -> Self {
        Self { own: Some(own), ..self }
    }

    fn is_named(&self, host: &str) -> bool {
        self.named.contains(&plain(host))
    }

    fn is_server(&self, url: &Url) -> bool {
        self.servers.iter().any(|server| origin(server) == origin(url))
    }

    fn is_own(&self, url: &Url) -> bool {
        self.own.as_ref().is_some_and(|own| origin(own) == origin(url) && url.path().starts_with(own.path()))
    }

    /// Whether a host may be in a private network. What may be asked of it, the whole address tells.
    fn is_trusted(&self, host: &str) -> bool {
        let mut ours = self.servers.iter().chain(&self.own).filter_map(Url::host_str);
        self.is_named(host) || ours.any(|ours| plain(ours) == plain(host))
    }

    /// Whether a file may be fetched from this address, as far as the address itself tells.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_open = url.username().is_empty() && url.password().is_none();
        let Some(host) = url.host_str().filter(|_| is_web && is_open) else { return false };
        if self.is_named(host) || self.is_server(url) || self.is_own(url) {
            return true;
        }
        // A number is no name: only the operator can mean one.
        let is_kommo = url.domain().map(plain).is_some_and(|name| is_kommo(&name));
        is_kommo && url.scheme() == "https" && matches!(url.port_or_known_default(), Some(80 | 443))
    }
}

/// Looks up names, and forgets the addresses that must not be connected to. What it gives is what is connected to, so a
/// second answer of the name server cannot slip through.
impl Resolve for Hosts {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, trusted) = (name.as_str().to_owned(), self.is_trusted(name.as_str()));
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let usable = usable(found, trusted)?;
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

fn usable(found: impl Iterator<Item = SocketAddr>, trusted: bool) -> Result<Vec<SocketAddr>, PrivateAddress> {
    let usable: Vec<_> = found.filter(|address| trusted || is_public(address.ip())).collect();
    if usable.is_empty() { Err(PrivateAddress) } else { Ok(usable) }
}

/// Names are the same with a dot at the end, and in capitals.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Scheme, host and port.
fn origin(url: &Url) -> (&str, String, Option<u16>) {
    (url.scheme(), plain(url.host_str().unwrap_or_default()), url.port_or_known_default())
}

fn is_kommo(name: &str) -> bool {
    KOMMO.iter().any(|kommo| name.len() > kommo.len() && name.ends_with(kommo))
}

/// Whether an address is one of the internet, and of nothing nearer.
fn is_public(address: IpAddr) -> bool {
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
    let is_near = address.is_private() || address.is_loopback() || address.is_link_local();
    !(is_near || is_shared || is_benchmark || is_special || address.is_documentation())
}

/// Of IPv6 only what is given to networks, without what wraps an IPv4 address: IANA, "IPv6 Special-Purpose Address
/// Registry".
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

    /// Of a bridge with its usual servers, and of one whose servers are its own.
    fn hosts() -> Hosts {
        let servers = ["https://amojo.kommo.com", "https://Acme.kommo.com", "http://[::1]:81", "https://chats.test."];
        Hosts::new(servers.map(|url| Url::parse(url).unwrap()), ["127.0.0.1", "Files.example.com."])
    }

    fn allows(url: &str) -> bool {
        hosts().allow(&Url::parse(url).unwrap())
    }

    #[test]
    fn files_come_from_kommo_and_from_where_the_operator_says() {
        for url in [
            "https://amojo.kommo.com/attachments/a/b/c.jpg",
            "https://amojo.kommo.com/v2/52e591f7-c98f-4255-8495-827210138c81/attachments/5a0e/file.jpeg",
            "https://AMOJO.KOMMO.COM./x",
            "https://drive-b.amocrm.ru:443/x",
            "https://a.b.amocrm.com/x",
            // Clients see a path here, not a user.
            "https://amojo.kommo.com\\@evil.com:444/x",
            "http://127.0.0.1:9999/x",
            "http://2130706433:1/x",
            "https://files.example.com:8443/x",
            "http://FILES.EXAMPLE.COM./x",
            "http://[::1]:81/x",
            "https://chats.test/x",
            "https://CHATS.test:443/x",
        ] {
            assert!(allows(url), "{url}");
        }
    }

    #[test]
    fn files_come_from_nowhere_else() {
        for url in [
            "http://amojo.kommo.com/x",
            "http://amojo.kommo.com:22/x",
            "https://amojo.kommo.com:8443/x",
            "http://acme.kommo.com./x",
            "http://other.kommo.com/x",
            "https://kommo.com/x",
            "https://kommo.com.evil.com/x",
            "https://evilkommo.com/x",
            "https://kommo.com@evil.com/x",
            "https://user@amojo.kommo.com/x",
            "https://user:word@amojo.kommo.com/x",
            "https://evil.com/amojo.kommo.com",
            "https://evil.com?.kommo.com",
            "https://evil.com#.kommo.com",
            "https://.kommo.com/x",
            "https://amojo.kommo.com../x",
            "https://amojo.kоmmo.com/x",
            "https://10.0.0.1/x",
            "http://169.254.169.254/latest/meta-data",
            "http://2130706434/x",
            "http://0x7f000002/x",
            "http://127.2/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://[::2]/x",
            // Another service on a machine that a server of ours is on.
            "http://[::1]/x",
            "http://[::1]:9090/parked",
            "https://[::1]:81/x",
            "http://chats.test/x",
            "https://chats.test:8443/x",
            "https://files.chats.test/x",
            "http://localhost/x",
            "ftp://amojo.kommo.com/x",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            assert!(!allows(url), "{url}");
        }
    }

    #[test]
    fn a_server_of_kommo_is_believed_as_its_name_is_and_no_more() {
        let servers = ["https://chats.example.com:8443", "https://amojo.kommo.com"].map(|url| Url::parse(url).unwrap());
        let own = Hosts::new(servers, ["drive.kommo.com"]);
        for (host, trusted) in [
            ("chats.example.com", true),
            ("drive.kommo.com", true),
            ("amojo.kommo.com", false),
            ("AMOJO.kommo.com.", false),
            ("other.kommo.com", false),
        ] {
            assert_eq!(own.is_trusted(host), trusted, "{host}");
        }
        assert!(own.allow(&Url::parse("http://drive.kommo.com:8080/x").unwrap()), "as the operator says");
    }

    #[test]
    fn only_the_links_below_an_own_address_are_believed() {
        let own = Hosts::default().with_own(Url::parse("https://bridge.example.com/tg/media/").unwrap());
        let allows = |url: &str| own.allow(&Url::parse(url).unwrap());
        assert!(
            allows("https://bridge.example.com/tg/media/a.jpg")
                && allows("https://Bridge.example.com:443/tg/media/x?s=1")
        );
        for url in [
            "http://bridge.example.com/tg/media/a.jpg",
            "https://bridge.example.com:8443/tg/media/a.jpg",
            "https://bridge.example.com/tg/mediator",
            "https://bridge.example.com/tg/media/../../admin",
            "https://bridge.example.com/tg/media/%2e%2e/%2e%2e/admin",
            "https://bridge.example.com/",
            "https://user@bridge.example.com/tg/media/a.jpg",
            "https://media.bridge.example.com/tg/media/a.jpg",
        ] {
            assert!(!allows(url), "{url}");
        }
        assert!(own.is_trusted("bridge.example.com") && !own.is_trusted("example.com"));
    }

    #[test]
    fn addresses_of_the_internet_are_told_from_all_others() {
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
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
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

    #[test]
    fn a_name_gives_only_the_addresses_that_may_be_connected_to() {
        let (inside, outside) = ("10.0.0.1:0".parse().unwrap(), "8.8.8.8:0".parse().unwrap());
        let both = || [inside, outside].into_iter();
        assert_eq!(usable(both(), false), Ok(vec![outside]));
        assert_eq!(usable(both(), true), Ok(vec![inside, outside]));
        assert_eq!(usable(std::iter::once(inside), false), Err(PrivateAddress));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_followed_only_if_the_operator_named_it() {
        let look_up = async |hosts: Hosts| hosts.resolve("localhost".parse().unwrap()).await.map(Iterator::count);
        let refused = look_up(Hosts::default()).await.unwrap_err();
        assert!(refused.is::<PrivateAddress>(), "{refused}");
        assert!(look_up(Hosts::new([], ["localhost"])).await.unwrap() > 0);
    }
}
