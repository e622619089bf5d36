//! The public listener, and with what it speaks HTTPS by itself.

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;

use crate::config::{BaseUrl, error::Reported, parse, sections::Reading};

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
pub enum ServerTls {
    /// A certificate that somebody else renews.
    Files(PairFiles),
    /// One that telekommo gets and renews.
    Acme(Acme),
}

/// Where a certificate and its key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The file of the certificate, with those that lead to its authority behind it.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

/// What is asked of an authority by ACME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The name that the certificate is for.
    pub host: String,
    /// Whom the authority writes to when something is wrong.
    pub email: Option<String>,
    /// The address of the authority's directory.
    pub directory: BaseUrl,
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
    let (acme, email) = (section.optional("acme", parse::host_name), section.optional("acme_email", parse::email));
    let directory = section.required("acme_directory", parse::directory);
    let (certificate, key, email, directory) = (certificate?, key?, email?, directory?);
    match (acme?, certificate, key) {
        (Some(host), None, None) => Ok(Some(ServerTls::Acme(Acme { host, email, directory }))),
        (Some(_), ..) => Err(section.report("acme", "certificate or key is given as well: keep either acme or both")),
        (None, ..) if email.is_some() => {
            Err(section.report("acme_email", "it is for acme alone: write acme, the host of server.public_url, too"))
        }
        (None, Some(certificate), Some(key)) => {
            section.warn_of_readers("key", &key);
            Ok(Some(ServerTls::Files(PairFiles { certificate, key })))
        }
        (None, Some(_), None) => Err(section.report("certificate", "a certificate needs its key: write key, too")),
        (None, None, Some(_)) => Err(section.report("key", "a key needs its certificate: write certificate, too")),
        (None, None, None) => Ok(None),
    }
}
