//! From which hosts files are fetched.
//!
//! The address of a file comes with a hook. Whoever can write hooks could otherwise make this machine fetch what only
//! it can reach, and send it to a chat. So the host must be one of Kommo's, and its address a public one. Hosts that
//! the operator names are trusted: they may be in the operator's own network.

use std::collections::BTreeSet;

use reqwest::Url;

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

impl Hosts {
    /// Kommo's hosts, the `servers` that the bridge talks to, and those that the operator has `named` for files. Of a
    /// server nothing is believed but what it is itself: whatever else listens on that machine is not meant. One that
    /// is Kommo's own is no more believed than its others.
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
    pub(super) fn is_trusted(&self, host: &str) -> bool {
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

/// Names are the same with a dot at the end, and in capitals.
pub(super) fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Scheme, host and port.
fn origin(url: &Url) -> (&str, String, Option<u16>) {
    (url.scheme(), plain(url.host_str().unwrap_or_default()), url.port_or_known_default())
}

fn is_kommo(name: &str) -> bool {
    KOMMO.iter().any(|kommo| name.len() > kommo.len() && name.ends_with(kommo))
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
}
