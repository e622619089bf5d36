//! The hosts that files may be downloaded from.
//!
//! The address of a file comes with a hook. Whoever can write hooks could otherwise make this machine download what
//! only it can reach, and send it to a chat. So the host must be one of Kommo's, with a public address. Hosts that the
//! operator names are trusted, and may be in the operator's own network.

use std::collections::BTreeSet;

use reqwest::Url;

/// The domains of Kommo and amoCRM.
const KOMMO: [&str; 3] = [".kommo.com", ".amocrm.ru", ".amocrm.com"];

/// The allowed hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Hosts that the operator has named for files, with any port.
    named: BTreeSet<String>,
    /// The servers of the APIs that the bridge uses.
    servers: Vec<Url>,
    own: Option<Url>,
}

impl Hosts {
    /// Allows Kommo's hosts, the `servers` of the APIs that the bridge uses, and those that the operator has `named`
    /// for files. A server is trusted only at its own scheme and port, because other services may run on that machine.
    /// One of Kommo's is trusted no more than Kommo's other hosts.
    pub fn new<'h>(servers: impl IntoIterator<Item = Url>, named: impl IntoIterator<Item = &'h str>) -> Self {
        let servers =
            servers.into_iter().filter(|url| !url.host_str().map(normalized).is_some_and(|host| is_kommo(&host)));
        Self { named: named.into_iter().map(normalized).collect(), servers: servers.collect(), own: None }
    }

    /// Also allows addresses below `own`, but no others of its host.
    #[must_use]
    pub fn with_own(self, own: Url) -> Self {
        Self { own: Some(own), ..self }
    }

    fn is_named(&self, host: &str) -> bool {
        self.named.contains(&normalized(host))
    }

    fn is_server(&self, url: &Url) -> bool {
        self.servers.iter().any(|server| origin(server) == origin(url))
    }

    fn is_own(&self, url: &Url) -> bool {
        self.own.as_ref().is_some_and(|own| origin(own) == origin(url) && url.path().starts_with(own.path()))
    }

    /// Whether a host may be in a private network. [`Hosts::allow`] checks the complete address.
    pub(super) fn is_trusted(&self, host: &str) -> bool {
        let mut ours = self.servers.iter().chain(&self.own).filter_map(Url::host_str);
        self.is_named(host) || ours.any(|ours| normalized(ours) == normalized(host))
    }

    /// Whether a file may be downloaded from this address, without resolving its host.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let is_web = matches!(url.scheme(), "http" | "https");
        let has_no_credentials = url.username().is_empty() && url.password().is_none();
        let Some(host) = url.host_str().filter(|_| is_web && has_no_credentials) else { return false };
        if self.is_named(host) || self.is_server(url) || self.is_own(url) {
            return true;
        }
        // IP addresses are allowed only if the operator has named them.
        let is_kommo = url.domain().map(normalized).is_some_and(|name| is_kommo(&name));
        is_kommo && url.scheme() == "https" && matches!(url.port_or_known_default(), Some(80 | 443))
    }
}

/// A name without the dot at its end, in lower case.
pub(super) fn normalized(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Scheme, host and port.
fn origin(url: &Url) -> (&str, String, Option<u16>) {
    (url.scheme(), normalized(url.host_str().unwrap_or_default()), url.port_or_known_default())
}

fn is_kommo(name: &str) -> bool {
    KOMMO.iter().any(|kommo| name.len() > kommo.len() && name.ends_with(kommo))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hosts of a bridge with Kommo's servers and servers of its own.
    fn hosts() -> Hosts {
        let servers = ["https://amojo.kommo.com", "https://Acme.kommo.com", "http://[::1]:81", "https://chats.test."];
        Hosts::new(servers.map(|url| Url::parse(url).unwrap()), ["127.0.0.1", "Files.example.com."])
    }

    fn allows(url: &str) -> bool {
        hosts().allow(&Url::parse(url).unwrap())
    }

    #[test]
    fn hosts_of_kommo_and_of_the_operator_are_allowed() {
        for url in [
            "https://amojo.kommo.com/attachments/a/b/c.jpg",
            "https://amojo.kommo.com/v2/52e591f7-c98f-4255-8495-827210138c81/attachments/5a0e/file.jpeg",
            "https://AMOJO.KOMMO.COM./x",
            "https://drive-b.amocrm.ru:443/x",
            "https://a.b.amocrm.com/x",
            // HTTP clients read this as a path, not as a user.
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
    fn other_addresses_are_refused() {
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
            // Other services on the machine of a configured server.
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
    fn a_server_of_kommos_is_not_trusted_more_than_its_domain() {
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
        assert!(own.allow(&Url::parse("http://drive.kommo.com:8080/x").unwrap()), "the operator has named it");
    }

    #[test]
    fn only_addresses_below_the_own_one_are_allowed() {
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
