//! Whether the public address leads here, and how long its certificate is good. Kommo sends each hook once, so nobody
//! else would tell in time.

use std::{convert::Infallible, fmt, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::Url;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    config::Config,
    domain::{amount::duration_in_words, time::UnixMillis},
    media::link::BadLink,
    metrics::{Cause, Metrics},
    net::{self, Egress, Http},
    serve::{
        HERE,
        process_identity::{Answer, NONCE},
    },
    tls::{self, Keeper},
};

/// How long after a start to look first: the web server in front may be starting, too.
const FIRST_AFTER: Duration = Duration::from_secs(10);
/// How long one call may take.
const WITHIN: Duration = Duration::from_secs(20);
/// By then every certificate has ended.
const EVER: Duration = Duration::from_hours(100 * 365 * 24);
/// The most of an answer that is read.
const ANSWER_BYTES: usize = 1024;

/// Where requests to the public address should come in.
#[derive(Clone, Debug)]
pub struct Entrance {
    pub listener: SocketAddr,
    /// The certificate, if the listener speaks HTTPS by itself.
    pub tls: Option<Keeper>,
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.listener)
    }
}

/// Looks at the public address.
pub struct PublicAddress {
    http: Http,
    public_url: Url,
    /// The part of it that is asked.
    url: Url,
    /// Where it should lead.
    entrance: Entrance,
    every: Duration,
    expires_within: Duration,
    metrics: Arc<Metrics>,
}

/// What is to be said of a certificate's end.
struct End {
    text: String,
    is_over: bool,
}

/// What a call to the address has shown. `None` is nothing wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    address: Option<String>,
    certificate: Option<String>,
}

impl PublicAddress {
    /// Looks at the address of a configuration, which should lead to `entrance`.
    pub fn new(config: &Config, entrance: Entrance, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: Http::new(&Egress::default(), |client| client.connect_timeout(WITHIN / 2).timeout(WITHIN))?,
            // Every web server passes this on; the rest may be for something else.
            url: below(config.server.public_url.url(), "kommo/"),
            public_url: config.server.public_url.url().clone(),
            entrance,
            every: config.alerts.ask_every,
            expires_within: config.alerts.expires_within,
            metrics,
        })
    }

    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            sleep(FIRST_AFTER.min(self.every)).await;
            loop {
                self.tell_all(self.look().await);
                sleep(self.every).await;
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Shows what a look has shown. The listener's own certificate is known whether or not the address can be reached.
    fn tell_all(&self, shown: Option<Shown>) {
        let is_known = shown.is_some();
        let own = self.own_ending(clock::now(), is_known);
        let Shown { address, certificate } = shown.unwrap_or_default();
        // One that has ended keeps everybody out, which the address tells.
        let certificate = certificate.or(own.filter(|own| !own.is_over || address.is_none()).map(|own| own.text));
        if is_known {
            self.tell(Cause::PublicAddress, address);
        }
        if is_known || self.entrance.tls.is_some() {
            self.tell(Cause::Certificate, certificate);
        }
    }

    /// What is to be said of the end of the listener's own certificate.
    fn own_ending(&self, now: UnixMillis, is_known: bool) -> Option<End> {
        let pair = self.entrance.tls.as_ref()?.served().pair()?;
        // Where a look shows none, a renewed one ends later than what was known.
        let is_renewed = |known: UnixMillis| !is_known && known < pair.ends_at();
        if self.metrics.certificate_ends_at().is_none_or(is_renewed) {
            self.metrics.certificate_ends(pair.ends_at());
        }
        self.ending(pair.ends_at(), now)
    }

    /// What is to be said of a certificate that ends then.
    fn ending(&self, ends_at: UnixMillis, now: UnixMillis) -> Option<End> {
        if now.plus(self.expires_within) < ends_at {
            return None;
        }
        let (host, day) = (self.url.host_str().unwrap_or_default(), tls::day(ends_at));
        let (is_over, left) = (ends_at <= now, duration_in_words(now.until(ends_at)));
        let ends = if is_over { format!("has ended on {day}") } else { format!("ends on {day}, in {left}") };
        let text = format!(
            "the certificate of {host} {ends}: see to it that it is renewed. Kommo sends no hooks to an address whose \
             certificate has ended"
        );
        Some(End { text, is_over })
    }

    /// Shows what is wrong, and logs it when it is news.
    fn tell(&self, cause: Cause, why: Option<String>) {
        let about = cause.name();
        match (self.metrics.note(cause, why.clone()), why) {
            (false, Some(why)) => tracing::warn!(about, why, "the public address is not well"),
            (true, None) => tracing::info!(about, "the public address is well again"),
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// `None` if nothing can be told: some networks do not let a machine reach itself from outside.
    async fn look(&self) -> Option<Shown> {
        let mut response = match self.http.send(self.http.get(self.url.clone())).await {
            Ok(response) => response,
            Err(trouble) => return unanswered(&trouble),
        };
        let status = response.status();
        let body = beginning(&mut response).await;
        let address = (body != HERE.as_bytes()).then(|| {
            format!(
                "{} answers {status}, and does not lead to telekommo: let the web server pass its requests on to \
                 {}, or correct server.public_url. Until then Kommo's hooks and files are lost",
                net::place(&response),
                self.entrance,
            )
        });
        let address = match address {
            Some(address) => Some(address),
            None => self.files().await,
        };
        Some(Shown { address, certificate: self.shown_ending().await })
    }

    /// What is wrong with the way of files: a web server may pass hooks on and not these. `None` if nothing is, or
    /// nothing can be told.
    async fn files(&self) -> Option<String> {
        let request = self.http.get(below(&self.public_url, "media/check/check")).header(NONCE, "check");
        let mut response = self.http.send(request).await.ok()?;
        let status = response.status();
        let body = beginning(&mut response).await;
        let route = Answer::read(&String::from_utf8_lossy(&body)).map(|answer| answer.route);
        // Where headers are taken away, it speaks as to anybody.
        let is_ours =
            [HERE.trim_end().to_owned(), BadLink.to_string()].iter().any(|it| it.as_bytes() == body.trim_ascii_end());
        let leads_here = route.as_deref() == Some("files") || is_ours;
        (!leads_here).then(|| {
            format!(
                "{} answers {status} itself to requests for customers' files: let the web server pass everything below \
                 /media on to {}. Until then Kommo gets no files of customers",
                net::place(&response),
                self.entrance,
            )
        })
    }

    /// The same of the certificate that the address shows.
    async fn shown_ending(&self) -> Option<String> {
        let ends_at = net::ends_within(&Egress::default(), &self.url, EVER).await?;
        let ends_at = UnixMillis::from_seconds(i64::try_from(ends_at).ok()?);
        self.metrics.certificate_ends(ends_at);
        self.ending(ends_at, clock::now()).map(|ending| ending.text)
    }
}

/// A part of the address.
fn below(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    url.set_path(&format!("{}/{path}", public_url.path().trim_end_matches('/')));
    url
}

async fn beginning(response: &mut reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await
        && body.len() < ANSWER_BYTES
    {
        body.extend_from_slice(&chunk);
    }
    body
}

/// What it means that no answer came; `None` if that means nothing.
fn unanswered(trouble: &net::RequestError) -> Option<Shown> {
    match trouble.cause {
        net::Cause::Tls(_) | net::Cause::Name(_) | net::Cause::Connection(_) => {
            let lost = "Until that is mended Kommo's hooks and files are lost: see to the name, to the web server in \
                        front of telekommo and its certificate, and to server.public_url";
            Some(Shown { address: Some(format!("{trouble}. {lost}")), certificate: None })
        }
        net::Cause::Proxy(_) | net::Cause::Late(_) | net::Cause::Broken(_) | net::Cause::Other(_) => None,
    }
}
