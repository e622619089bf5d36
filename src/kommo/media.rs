//! Files that managers and Salesbots send: fetched from Kommo, in pieces.

use std::{sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use hyper::body::Bytes;
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url, dns::Resolve, header};

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    kommo::media::addresses::{Checked, PrivateAddress},
    net::{Egress, Endpoint, Failed, Http, Names, RequestError, broken, broken_at, find, place, reached},
    words::refusal,
};

mod addresses;
mod hosts;

pub use self::hosts::Hosts;

/// How many times a file may say that it is elsewhere.
const REDIRECTS: usize = 5;
/// How much of a file is looked at before it goes on: its format shows in its first bytes.
const FIRST_BYTES: usize = 64 << 10;

/// Why a file cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// It is at a host that files are not taken from.
    #[error("files are not fetched from {host}")]
    Foreign {
        /// The host; empty if the address has none.
        host: String,
    },
    /// The address leads from one to another without end.
    #[error("the address leads in circles")]
    Circles,
    /// Kommo does not give it, and will not (4xx).
    #[error("HTTP {0}")]
    Refused(StatusCode),
    /// Kommo cannot give it now.
    #[error("{0}")]
    Later(String),
}

/// Fetches files from the hosts that are allowed.
#[derive(Clone, Debug)]
pub struct Downloads {
    /// Looks up names itself, and goes to no private address.
    direct: Http,
    /// Where the proxy looks up names, the list of hosts alone tells what may be fetched. Where they are looked up here
    /// for the proxy (`socks5`), it is told of no private address.
    proxied: Http,
    hosts: Arc<Hosts>,
}

/// A file on its way.
pub struct Download {
    /// The size in bytes, if it was announced or is known by now.
    pub size_bytes: Option<u64>,
    /// The first of them: at least 64 KiB, or all.
    pub first: Bytes,
    /// The others, or why they do not come.
    pub rest: BoxStream<'static, Result<Bytes, String>>,
}

impl Downloads {
    /// A client for files from `hosts`, which it reaches by `egress`; only a silence of `silent_for` ends a download.
    pub fn new(egress: &Egress, hosts: Hosts, silent_for: Duration) -> Result<Self, reqwest::Error> {
        Self::looking_up(egress, hosts, silent_for, &Names)
    }

    /// The same for whom names mean what `names` says.
    fn looking_up<R: Resolve + Clone + 'static>(
        egress: &Egress,
        hosts: Hosts,
        silent_for: Duration,
        names: &R,
    ) -> Result<Self, reqwest::Error> {
        let hosts = Arc::new(hosts);
        let patient = |client: ClientBuilder| client.connect_timeout(silent_for / 2).read_timeout(silent_for);
        let checked = |proxies| Arc::new(Checked { hosts: Arc::clone(&hosts), proxies, names: names.clone() });
        let direct = patient(Egress::direct_client(checked(Vec::new()))).build()?;
        let proxied = Http::new(egress, |client| patient(client).dns_resolver(checked(egress.proxies())))?;
        Ok(Self { direct: Http::of(direct, egress), proxied, hosts })
    }

    /// The client that goes the way of `url`.
    fn client(&self, url: &Url) -> &Http {
        if self.proxied.place(url).proxy.is_some() { &self.proxied } else { &self.direct }
    }

    async fn ask(&self, url: &Url, request: impl Fn(&Http) -> RequestBuilder) -> Result<Response, DownloadError> {
        let http = self.client(url);
        let is_private = |error: &reqwest::Error| find::<PrivateAddress>(error).map(|_| DownloadError::foreign(url));
        http.send_or(request(http), is_private).await.map_err(|failed| match failed {
            Failed::Known(foreign) => foreign,
            Failed::RequestError(trouble) => DownloadError::unfetched(&trouble),
        })
    }

    /// Asks for a file that nobody has: any answer shows that the way to `url` is open.
    pub async fn reach(&self, url: &Url) -> Result<Endpoint, DownloadError> {
        let response = self.ask(url, |http| http.request(Method::HEAD, url.clone())).await?;
        reached(&response).map_err(|trouble| DownloadError::unfetched(&trouble))
    }

    /// Asks for a file and reads its beginning; of one that says that it is larger than `limit_bytes`, nothing.
    pub async fn open(&self, url: &str, limit_bytes: u64) -> Result<Download, DownloadError> {
        let foreign = |_| DownloadError::Foreign { host: String::new() };
        let mut url = Url::parse(url).map_err(foreign)?;
        for _ in 0..=REDIRECTS {
            if !self.hosts.allow(&url) {
                return Err(DownloadError::foreign(&url));
            }
            let response = self.ask(&url, |http| http.get(url.clone())).await?;
            match target(&response, &url) {
                Some(target) => url = target,
                None => return begin(checked(response)?, limit_bytes).await,
            }
        }
        Err(DownloadError::Circles)
    }
}

/// Where the file is, if not here.
fn target(response: &Response, url: &Url) -> Option<Url> {
    let location = response.headers().get(header::LOCATION).filter(|_| response.status().is_redirection())?;
    url.join(location.to_str().ok()?).ok()
}

fn checked(response: Response) -> Result<Response, DownloadError> {
    match response.status() {
        status if status.is_success() => Ok(response),
        status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS) => {
            Err(DownloadError::Later(format!("Kommo does not give the file now (HTTP {})", status.as_u16())))
        }
        status if status.is_client_error() || status.is_redirection() => Err(DownloadError::Refused(status)),
        status => Err(DownloadError::Later(format!("Kommo does not give the file now (HTTP {})", status.as_u16()))),
    }
}

async fn begin(mut response: Response, limit_bytes: u64) -> Result<Download, DownloadError> {
    let mut size_bytes = response.content_length();
    if size_bytes.is_some_and(|size| size > limit_bytes) {
        return Ok(Download { size_bytes, first: Bytes::new(), rest: stream::empty().boxed() });
    }
    let mut first = Vec::new();
    while first.len() < FIRST_BYTES {
        let piece = response.chunk().await;
        let broke = |error| DownloadError::Later(format!("the file broke off: {}", broken(&response, &error)));
        let Some(piece) = piece.map_err(broke)? else {
            size_bytes = Some(first.len() as u64);
            break;
        };
        first.extend_from_slice(&piece);
    }
    Ok(Download { size_bytes, first: first.into(), rest: rest_of(response) })
}

fn rest_of(response: Response) -> BoxStream<'static, Result<Bytes, String>> {
    let place = place(&response);
    let why = move |error| format!("the file broke off: {}", broken_at(place.clone(), &error));
    response.bytes_stream().map(move |piece| piece.map_err(&why)).boxed()
}

impl DownloadError {
    fn unfetched(trouble: &RequestError) -> Self {
        Self::Later(format!("the file cannot be fetched: {trouble}"))
    }

    fn foreign(url: &Url) -> Self {
        Self::Foreign { host: url.host_str().unwrap_or_default().to_owned() }
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        let refused = |code, sentence| Self::Permanent(Refusal::new(code, sentence));
        match error {
            DownloadError::Foreign { host } if host.is_empty() => refused(ErrorCode::Other, refusal::file_nowhere()),
            DownloadError::Foreign { host } => refused(ErrorCode::IntegrationOff, refusal::file_elsewhere(host)),
            DownloadError::Circles => refused(ErrorCode::Other, refusal::file_in_circles()),
            DownloadError::Refused(status) => refused(ErrorCode::Other, refusal::file_gone(status.as_u16())),
            DownloadError::Later(why) => Self::transient(why),
        }
    }
}

#[cfg(test)]
mod tests;
