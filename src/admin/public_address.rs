//! Checks that the public address leads here, and how long its certificate is valid. Kommo sends each hook once, so a
//! failure would otherwise show only in lost messages.

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

/// Delay of the first check after a start: the web server in front may be starting, too.
const FIRST_CHECK_AFTER: Duration = Duration::from_secs(10);
/// Time limit of one request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longer than any certificate is valid.
const EVER: Duration = Duration::from_hours(100 * 365 * 24);
/// How much of a response is read.
const MAX_BODY_BYTES: usize = 1024;

/// Where requests to the public address should arrive.
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

/// Checks the public address from time to time.
pub struct PublicAddress {
    http: Http,
    public_url: Url,
    /// The part of it that is requested.
    url: Url,
    /// Where it should lead.
    entrance: Entrance,
    every: Duration,
    expires_within: Duration,
    metrics: Arc<Metrics>,
}

/// The warning about a certificate that ends soon, or has ended.
struct ExpiryWarning {
    text: String,
    is_over: bool,
}

/// The result of a check. `None` means that nothing is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    address: Option<String>,
    certificate: Option<String>,
}

impl PublicAddress {
    /// Will check the configured address, which should lead to `entrance`.
    pub fn new(config: &Config, entrance: Entrance, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: Http::new(&Egress::default(), |client| client.connect_timeout(TIMEOUT / 2).timeout(TIMEOUT))?,
            // Every web server passes this path on; the rest of the address may serve something else.
            url: below(config.server.public_url.url(), "kommo/"),
            public_url: config.server.public_url.url().clone(),
            entrance,
            every: config.alerts.ask_every,
            expires_within: config.alerts.expires_within,
            metrics,
        })
    }

    /// Checks until `stop`.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let work = async {
            sleep(FIRST_CHECK_AFTER.min(self.every)).await;
            loop {
                self.report_all(self.check().await);
                sleep(self.every).await;
            }
        };
        stop.run_until_cancelled(work).await;
        Ok(())
    }

    /// Reports the result of a check, `None` if it had none. The listener's own certificate is known either way.
    fn report_all(&self, findings: Option<Findings>) {
        let is_known = findings.is_some();
        let own = self.own_expiry(clock::now(), is_known);
        let Findings { address, certificate } = findings.unwrap_or_default();
        // If it has ended, the address cannot be reached, and that problem is enough.
        let certificate = certificate.or(own.filter(|own| !own.is_over || address.is_none()).map(|own| own.text));
        if is_known {
            self.report(Cause::PublicAddress, address);
        }
        if is_known || self.entrance.tls.is_some() {
            self.report(Cause::Certificate, certificate);
        }
    }

    /// The warning about the listener's own certificate.
    fn own_expiry(&self, now: UnixMillis, is_known: bool) -> Option<ExpiryWarning> {
        let pair = self.entrance.tls.as_ref()?.served().pair()?;
        // If the check saw no certificate, a renewed one shows by its later end.
        let is_renewed = |known: UnixMillis| !is_known && known < pair.ends_at();
        if self.metrics.certificate_ends_at().is_none_or(is_renewed) {
            self.metrics.certificate_ends(pair.ends_at());
        }
        self.expiry_warning(pair.ends_at(), now)
    }

    /// The warning about a certificate that ends at `ends_at`, if it is due.
    fn expiry_warning(&self, ends_at: UnixMillis, now: UnixMillis) -> Option<ExpiryWarning> {
        if now.plus(self.expires_within) < ends_at {
            return None;
        }
        let (host, day) = (self.url.host_str().unwrap_or_default(), tls::day(ends_at));
        let (is_over, left) = (ends_at <= now, duration_in_words(now.until(ends_at)));
        let ends = if is_over { format!("has ended on {day}") } else { format!("ends on {day}, in {left}") };
        let text = format!(
            "the certificate of {host} {ends}: renew it. Kommo sends no hooks to an address whose certificate has ended"
        );
        Some(ExpiryWarning { text, is_over })
    }

    /// Records a problem or its end, and logs it if it is new.
    fn report(&self, cause: Cause, why: Option<String>) {
        let about = cause.name();
        match (self.metrics.note(cause, why.clone()), why) {
            (false, Some(why)) => tracing::warn!(about, why, "the public address has a problem"),
            (true, None) => tracing::info!(about, "the public address works again"),
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// `None` if the check is inconclusive: some networks do not let a machine reach itself from outside.
    async fn check(&self) -> Option<Findings> {
        let mut response = match self.http.send(self.http.get(self.url.clone())).await {
            Ok(response) => response,
            Err(error) => return unanswered(&error),
        };
        let status = response.status();
        let body = beginning(&mut response).await;
        let address = (body != HERE.as_bytes()).then(|| {
            format!(
                "{} answers {status}, and does not lead to telekommo: let the web server pass its requests on to {}, \
                 or correct server.public_url. Until then Kommo's hooks and files are lost",
                net::place(&response),
                self.entrance,
            )
        });
        let address = match address {
            Some(address) => Some(address),
            None => self.files().await,
        };
        Some(Findings { address, certificate: self.remote_expiry().await })
    }

    /// Checks the path of customers' files: a web server may pass on hooks alone. `None` if it works, or the check is
    /// inconclusive.
    async fn files(&self) -> Option<String> {
        let request = self.http.get(below(&self.public_url, "media/check/check")).header(NONCE, "check");
        let mut response = self.http.send(request).await.ok()?;
        let status = response.status();
        let body = beginning(&mut response).await;
        let route = Answer::read(&String::from_utf8_lossy(&body)).map(|answer| answer.route);
        // A proxy that strips the header gets the ordinary response.
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

    /// The warning about the certificate that the address presents.
    async fn remote_expiry(&self) -> Option<String> {
        let ends_at = net::ends_within(&Egress::default(), &self.url, EVER).await?;
        let ends_at = UnixMillis::from_seconds(i64::try_from(ends_at).ok()?);
        self.metrics.certificate_ends(ends_at);
        self.expiry_warning(ends_at, clock::now()).map(|warning| warning.text)
    }
}

/// A path below the public address.
fn below(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    url.set_path(&format!("{}/{path}", public_url.path().trim_end_matches('/')));
    url
}

async fn beginning(response: &mut reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await
        && body.len() < MAX_BODY_BYTES
    {
        body.extend_from_slice(&chunk);
    }
    body
}

/// The finding of a request without a response; `None` if it is inconclusive.
fn unanswered(error: &net::RequestError) -> Option<Findings> {
    match error.cause {
        net::Cause::Tls(_) | net::Cause::Name(_) | net::Cause::Connection(_) => {
            let lost = "Until that is mended Kommo's hooks and files are lost: check the name, the web server in front \
                        of telekommo and its certificate, and server.public_url";
            Some(Findings { address: Some(format!("{error}. {lost}")), certificate: None })
        }
        net::Cause::Proxy(_) | net::Cause::Late(_) | net::Cause::Broken(_) | net::Cause::Other(_) => None,
    }
}
