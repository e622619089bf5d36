//! The public listener, and with what it speaks HTTPS by itself.

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;

use crate::config::{BaseUrl, error::Reported, sections::Reading};

/// The listener that the internet reaches: Kommo's hooks, and signed media links.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to bind. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// The address under which the listener is reached from outside.
    pub public_url: BaseUrl,
    /// The web servers in front of it, which say in `X-Forwarded-For` whose request it is.
    pub trusted_proxies: Vec<IpNet>,
    /// With what it speaks HTTPS by itself; `None` where a web server in front does.
    pub tls: Option<ServerTls>,
}

/// With what the public listener speaks HTTPS by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// The file of the certificate, with those that lead to its authority behind it.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

impl Server {
    /// The address of the listener, as a web server in front of it would name it.
    #[must_use]
    pub fn listener(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }
}

/// Reads `[server.tls]`.
pub(super) fn read_tls(reading: &Reading<'_>) -> Result<Option<ServerTls>, Reported> {
    let section = reading.section(&["server", "tls"]);
    let (certificate, key) = (section.optional_file("certificate"), section.optional_file("key"));
    match (certificate?, key?) {
        (Some(certificate), Some(key)) => {
            section.warn_of_readers("key", &key);
            Ok(Some(ServerTls { certificate, key }))
        }
        (Some(_), None) => Err(section.report("certificate", "a certificate needs its key: write key, too")),
        (None, Some(_)) => Err(section.report("key", "a key needs its certificate: write certificate, too")),
        (None, None) => Ok(None),
    }
}
