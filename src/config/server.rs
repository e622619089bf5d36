//! Settings of the public listener and its TLS.

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;

use crate::config::{BaseUrl, error::Reported, parse, sections::Reading};

/// The listener that the internet reaches: Kommo's hooks, and signed media links.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to bind. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// The URL at which the listener is reached from outside.
    pub public_url: BaseUrl,
    /// The web servers in front of it, whose `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<IpNet>,
    /// Its own TLS; `None` if a web server in front terminates TLS.
    pub tls: Option<ServerTls>,
}

/// The certificate of the public listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTls {
    /// A certificate that another program renews.
    Files(PairFiles),
    /// One that telekommo obtains and renews.
    Acme(Acme),
}

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The certificate, followed by its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Settings of ACME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The name that the certificate is for.
    pub host: String,
    /// The authority's contact in case of problems.
    pub email: Option<String>,
    /// The URL of the authority's directory.
    pub directory: BaseUrl,
}

impl Server {
    /// The URL of the listener, for the configuration of a web server in front.
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
