//! The destination of a request, without secrets.

use std::fmt;

use reqwest::Url;

/// The host of a request, and the proxy on the way there. It contains no path, user or password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host, with its port unless that is the default.
    pub host: String,
    /// The proxy, if there is one.
    pub proxy: Option<ProxyHop>,
}

/// A proxy on the way, without its user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHop {
    /// Its host and port.
    pub host: String,
    /// `http`, `https`, `socks5`, `socks5h` and, from the environment alone, `socks4` and `socks4a`.
    pub scheme: String,
    /// Whether a user or a password is configured for it.
    pub has_credentials: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.proxy.as_ref().map_or(Ok(()), |proxy| write!(f, " through the proxy {}", proxy.host))
    }
}

/// The host of a URL, with its port unless that is the default.
pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
