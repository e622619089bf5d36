//! Downloads files of managers and Salesbots from Kommo, as streams.

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

const MAX_REDIRECTS: usize = 5;
/// How much of a file is read ahead, because its first bytes show its format.
const FIRST_BYTES: usize = 64 << 10;

/// Why a file cannot be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// Its host is not allowed.
    #[error("files are not fetched from {host}")]
    Foreign {
        /// The host; empty if the address has none.
        host: String,
    },
    /// There are too many redirects.
    #[error("the address leads in circles")]
    Circles,
    /// Kommo refuses it for good (4xx).
    #[error("HTTP {0}")]
    Refused(StatusCode),
    /// Kommo cannot deliver it now.
    #[error("{0}")]
    Later(String),
}

/// Downloads files from allowed hosts.
#[derive(Clone, Debug)]
pub struct Downloads {
    /// Resolves names itself, and refuses private addresses.
    direct: Http,
    /// If the proxy resolves names, only the list of hosts decides. If names are resolved here for the proxy
    /// (`socks5`), it gets no private address.
    proxied: Http,
    hosts: Arc<Hosts>,
}

/// A file that is being downloaded.
pub struct Download {
    /// The size in bytes, if it was declared or is known by now.
    pub size_bytes: Option<u64>,
    /// The first bytes: at least 64 KiB, or all.
    pub first: Bytes,
    /// The others, or why they are missing.
    pub rest: BoxStream<'static, Result<Bytes, String>>,
}

impl Downloads {
    /// A client for files from `hosts`, which it reaches by `egress`. A download may take any time as long as it makes
    /// progress within `read_timeout`.
    pub fn new(egress: &Egress, hosts: Hosts, read_timeout: Duration) -> Result<Self, reqwest::Error> {
        Self::with_resolver(egress, hosts, read_timeout, &Names)
    }

    /// As [`Downloads::new`], with a resolver of names.
    fn with_resolver<R: Resolve + Clone + 'static>(
        egress: &Egress,
        hosts: Hosts,
        read_timeout: Duration,
        names: &R,
    ) -> Result<Self, reqwest::Error> {
        let hosts = Arc::new(hosts);
        let patient = |client: ClientBuilder| client.connect_timeout(read_timeout / 2).read_timeout(read_timeout);
        let checked = |proxies| Arc::new(Checked { hosts: Arc::clone(&hosts), proxies, names: names.clone() });
        let direct = patient(Egress::direct_client(checked(Vec::new()))).build()?;
        let proxied = Http::new(egress, |client| patient(client).dns_resolver(checked(egress.proxies())))?;
        Ok(Self { direct: Http::of(direct, egress), proxied, hosts })
    }

    /// The client for `url`: direct, or through the proxy.
    fn client(&self, url: &Url) -> &Http {
        if self.proxied.place(url).proxy.is_some() { &self.proxied } else { &self.direct }
    }

    async fn send(&self, url: &Url, request: impl Fn(&Http) -> RequestBuilder) -> Result<Response, DownloadError> {
        let http = self.client(url);
        let is_private = |error: &reqwest::Error| find::<PrivateAddress>(error).map(|_| DownloadError::foreign(url));
        http.send_or(request(http), is_private).await.map_err(|failed| match failed {
            Failed::Known(foreign) => foreign,
            Failed::RequestError(error) => DownloadError::unfetched(&error),
        })
    }

    /// Sends a request for the headers of `url`. Any response shows that its server can be reached.
    pub async fn reach(&self, url: &Url) -> Result<Endpoint, DownloadError> {
        let response = self.send(url, |http| http.request(Method::HEAD, url.clone())).await?;
        reached(&response).map_err(|error| DownloadError::unfetched(&error))
    }

    /// Opens a file and reads its beginning. If its declared size exceeds `limit_bytes`, it reads nothing.
    pub async fn open(&self, url: &str, limit_bytes: u64) -> Result<Download, DownloadError> {
        let foreign = |_| DownloadError::Foreign { host: String::new() };
        let mut url = Url::parse(url).map_err(foreign)?;
        for _ in 0..=MAX_REDIRECTS {
            if !self.hosts.allow(&url) {
                return Err(DownloadError::foreign(&url));
            }
            let response = self.send(&url, |http| http.get(url.clone())).await?;
            match target(&response, &url) {
                Some(target) => url = target,
                None => return begin(checked(response)?, limit_bytes).await,
            }
        }
        Err(DownloadError::Circles)
    }
}

/// The target of a redirect.
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
        let chunk = response.chunk().await;
        let broke = |error| DownloadError::Later(format!("the file broke off: {}", broken(&response, &error)));
        let Some(chunk) = chunk.map_err(broke)? else {
            size_bytes = Some(first.len() as u64);
            break;
        };
        first.extend_from_slice(&chunk);
    }
    Ok(Download { size_bytes, first: first.into(), rest: rest_of(response) })
}

fn rest_of(response: Response) -> BoxStream<'static, Result<Bytes, String>> {
    let place = place(&response);
    let why = move |error| format!("the file broke off: {}", broken_at(place.clone(), &error));
    response.bytes_stream().map(move |chunk| chunk.map_err(&why)).boxed()
}

impl DownloadError {
    fn unfetched(error: &RequestError) -> Self {
        Self::Later(format!("the file cannot be fetched: {error}"))
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
