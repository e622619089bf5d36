//! The way out to one side.

use std::{fmt, sync::Arc};

use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{Client, ClientBuilder, Url};

use crate::net::{
    endpoint::{Endpoint, ProxyHop, host_and_port},
    names::Names,
    observe::Observer,
    pinned,
    proxy::Proxy,
    trust,
};

/// The proxy and the observer that all clients of one side share. Clones are cheap.
#[derive(Clone)]
pub struct Egress {
    proxy: Proxy,
    matcher: Option<Arc<Matcher>>,
    observer: Option<Observer>,
}

/// Without the matcher, which shows nothing useful.
impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Egress").field(&self.proxy).finish()
    }
}

/// Uses the proxies of the environment.
impl Default for Egress {
    fn default() -> Self {
        Self::new(Proxy::default())
    }
}

impl Egress {
    /// The way through `proxy`.
    #[must_use]
    pub fn new(proxy: Proxy) -> Self {
        let matcher = proxy.matcher().map(Arc::new);
        Self { proxy, matcher, observer: None }
    }

    /// Adds an observer.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    pub(super) const fn observer(&self) -> Option<&Observer> {
        self.observer.as_ref()
    }

    /// A client that goes this way. It follows no redirects: a token or a signature is for one URL alone.
    ///
    /// # Errors
    /// If the proxy cannot be used.
    pub fn client(&self) -> Result<ClientBuilder, reqwest::Error> {
        let plain = trusting().dns_resolver(Arc::new(Names));
        Ok(match &self.proxy {
            Proxy::Environment => plain,
            Proxy::Nothing => plain.no_proxy(),
            Proxy::At(url) => plain.proxy(reqwest::Proxy::all(url.clone())?),
        })
    }

    /// A client that uses no proxy, and resolves names with `names`.
    pub fn direct_client<R: reqwest::dns::Resolve + 'static>(names: Arc<R>) -> ClientBuilder {
        trusting().no_proxy().dns_resolver(names)
    }

    /// A direct client that accepts only this certificate (PEM), if given.
    ///
    /// # Errors
    /// If `certificate` is none.
    pub fn direct_client_pinning<R: reqwest::dns::Resolve + 'static>(
        names: Arc<R>,
        certificate: Option<&str>,
    ) -> Result<ClientBuilder, rustls::Error> {
        let client = Self::direct_client(names);
        Ok(match certificate {
            Some(pem) => client.use_preconfigured_tls(pinned::tls(pem)?),
            None => client,
        })
    }

    /// Where a request to `url` goes.
    #[must_use]
    pub fn place(&self, url: &Url) -> Endpoint {
        Endpoint { host: host_and_port(url), proxy: self.proxy_to(url) }
    }

    /// The proxy that a request to `url` goes through.
    #[must_use]
    pub fn proxy_to(&self, url: &Url) -> Option<ProxyHop> {
        let proxy = self.intercept(url)?;
        let host = proxy.uri().authority()?.to_string();
        let scheme = proxy.uri().scheme_str()?.to_owned();
        let has_credentials = proxy.basic_auth().is_some() || proxy.raw_auth().is_some();
        Some(ProxyHop { host, scheme, has_credentials })
    }

    /// The hosts of all proxies in use.
    #[must_use]
    pub fn proxies(&self) -> Vec<String> {
        let anywhere =
            ["http://telekommo.invalid/", "https://telekommo.invalid/"].iter().filter_map(|url| url.parse().ok());
        let proxies = anywhere.filter_map(|url: Url| self.intercept(&url));
        proxies.filter_map(|proxy| proxy.uri().host().map(str::to_owned)).collect()
    }

    /// A client whose every request goes through the HTTP proxy that a request to `url` goes through.
    pub(super) fn client_through_proxy_to(&self, url: &Url) -> Option<Client> {
        let proxy = self.intercept(url)?;
        let all = reqwest::Proxy::all(proxy.uri().to_string()).ok()?;
        let all = match proxy.basic_auth() {
            Some(credentials) => all.custom_http_auth(credentials.clone()),
            None => all,
        };
        trusting().dns_resolver(Arc::new(Names)).proxy(all).build().ok()
    }

    fn intercept(&self, url: &Url) -> Option<Intercept> {
        let url: Uri = url.as_str().parse().ok()?;
        self.matcher.as_ref()?.intercept(&url)
    }
}

fn trusting() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("telekommo/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .use_preconfigured_tls(trust::tls())
}
