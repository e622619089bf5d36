//! Whether the public address leads to this very process: over DNS, TLS and whatever web server is in between, for
//! hooks as well as for customers' files.

use std::{collections::BTreeMap, future::pending, time::Duration};

use reqwest::{ClientBuilder, Method, StatusCode, Url, header};
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    cli::{
        bridge::Running,
        check::{finding::Finding, fine, unknown, warning, wrong},
    },
    clock,
    config::Config,
    domain::address::SourceId,
    intake::hook::Scope,
    media::link::LinkKey,
    net::{self, Egress, Http},
    serve::{
        self,
        process_identity::{Answer, NONCE, ProcessIdentity, Route},
    },
    telegram::bot::Bot,
    tls::{self, Served},
};

pub(super) mod file;
mod received;

use received::{Received, finding_of};

const ABOUT: &str = "Public address";
const HOOKS: &str = "Way of hooks";
const FILES: &str = "Way of files";
/// How long one call may take.
const WITHIN: Duration = Duration::from_secs(20);
/// The most of an answer that is read.
const ANSWER_BYTES: usize = 4096;
/// What Kommo calls itself: a web server may refuse it by that.
const KOMMO: &str = "amoCRM amoJo/1.0";

/// What is looked at.
pub(super) struct Asked<'a> {
    pub(super) config: &'a Config,
    /// The scope of the hooks, if the account is known.
    pub(super) scope: Option<String>,
    pub(super) bots: &'a BTreeMap<SourceId, Bot>,
}

/// Looks whether the address leads to the running bridge, or to this process while none runs.
pub(super) async fn look(asked: &Asked<'_>, found: Option<&Running>, runs: bool) -> Vec<Finding> {
    let nonce = nonce();
    match (found, runs) {
        (Some(running), _) => match answer_of(running, &nonce).await {
            Ok(mark) => Probe::run(asked, asked.scope.clone(), (nonce, mark)).await,
            Err(why) => vec![unknown(ABOUT, why)],
        },
        (None, true) => vec![unknown(
            ABOUT,
            "not checked: a bridge runs with another data directory, or does not let this user ask. Run this as root, \
             with the bridge's configuration",
        )],
        (None, false) => instead(asked, nonce).await,
    }
}

/// What nobody else knows beforehand.
fn nonce() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(32).collect()
}

async fn answer_of(running: &Running, nonce: &str) -> Result<String, String> {
    let patience = |client: ClientBuilder| client.timeout(WITHIN);
    let answer = running.send(Method::GET, &format!("/mark/{nonce}"), patience).await;
    let answer = answer.map_err(|error| format!("not checked: {error:#}"))?;
    if !answer.status().is_success() {
        return Err("not checked: the running bridge is an older version than this program. Restart it".to_owned());
    }
    answer.text().await.map_err(|_| "not checked: the bridge ended while it answered".to_owned())
}

/// Answers in place of the bridge meanwhile. With port 0 nobody could be sent here.
async fn instead(asked: &Asked<'_>, nonce: String) -> Vec<Finding> {
    let config = asked.config;
    if config.server.listen.port() == 0 {
        return Vec::new();
    }
    let listener = match serve::listen(config.server.listen) {
        Ok(listener) => listener,
        Err(error) => {
            let why = format!("not checked: this check cannot listen on {} ({error})", config.server.listen);
            return vec![unknown(ABOUT, why)];
        }
    };
    let tls = config.server.tls.as_ref().map(|tls| tls::inspect(tls, &config.data_dir)).transpose();
    let tls = match tls {
        Ok(None) => None,
        Ok(Some((Some(pair), _))) => Some(Served::new(Some(pair))),
        Ok(Some((None, _))) | Err(_) => {
            return vec![unknown(ABOUT, "not checked: there is no certificate to serve it with, see above")];
        }
    };
    let mark = ProcessIdentity::random();
    // Any account will do where nobody knows which one it is.
    let scope = asked.scope.clone().unwrap_or_else(|| format!("{}_check", config.kommo.channel_id));
    let disk = app::disk(config).ok().flatten();
    let media = app::media(config, asked.bots, disk, &std::sync::Arc::default());
    let expected = mark.of(&nonce);
    let router = serve::stand_in(mark, media, Scope::Of(scope.clone()), config.server.public_url.url());
    let never = CancellationToken::new();
    let proxies = serve::Proxies::new(&config.server.trusted_proxies);
    let answering = async {
        serve::until((listener, tls), router, serve::Limits::public(), proxies, None, never).await.unwrap_or(());
        pending::<()>().await;
    };
    tokio::select! {
        findings = Probe::run(asked, Some(scope), (nonce, expected)) => findings,
        () = answering => Vec::new(),
    }
}

/// Asks the public address.
struct Probe<'a> {
    asked: &'a Asked<'a>,
    /// The scope that hooks come to, if it is known.
    scope: Option<String>,
    http: Http,
    nonce: String,
    /// What the process answers that should be reached.
    mark: String,
}

impl<'a> Probe<'a> {
    async fn run(asked: &'a Asked<'a>, scope: Option<String>, (nonce, mark): (String, String)) -> Vec<Finding> {
        let http = Http::new(&Egress::default(), |client| client.connect_timeout(WITHIN / 2).timeout(WITHIN));
        match http {
            Ok(http) => Self { asked, scope, http, nonce, mark }.all().await,
            Err(error) => vec![unknown(ABOUT, format!("not checked: {error}"))],
        }
    }

    async fn all(&self) -> Vec<Finding> {
        let config = self.asked.config;
        let to = config.server.listener();
        // Every web server passes this on; the rest of the address may be for something else.
        let first = finding_of(ABOUT, &self.request(Method::GET, "kommo/").await, Route::Front, &to);
        let mut findings = vec![first];
        findings.extend(self.certificate().await);
        if !findings.iter().all(Finding::is_fine) {
            return findings;
        }
        findings.push(match &self.scope {
            Some(scope) => {
                finding_of(HOOKS, &self.request(Method::POST, &format!("kommo/{scope}")).await, Route::Hooks, &to)
            }
            None => unknown(HOOKS, "not checked: it is not known to which account they belong"),
        });
        let files = finding_of(FILES, &self.request(Method::GET, "media/check/check").await, Route::Files, &to);
        findings.push(if files.is_fine() { self.file().await.unwrap_or(files) } else { files });
        findings
    }

    /// What is answered below the public address.
    async fn request(&self, method: Method, below: &str) -> Received {
        let mut url = self.asked.config.server.public_url.url().clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{below}"));
        let request = self.http.request(method, url).header(NONCE, &self.nonce).header(header::USER_AGENT, KOMMO);
        match self.http.send(request).await {
            Err(trouble) => Received::Nothing(trouble),
            Ok(mut response) => {
                let (status, place) = (response.status(), net::place(&response));
                let body = beginning(&mut response).await;
                match Answer::read(&String::from_utf8_lossy(&body)) {
                    Some(answer) if answer.mark == self.mark => Received::Ours { route: answer.route },
                    Some(_) => Received::AnotherTelekommo(place),
                    None => Received::Stranger { place, status, is_telekommo: body == serve::HERE.as_bytes() },
                }
            }
        }
    }

    /// Whether the certificate ends soon; nothing without one.
    async fn certificate(&self) -> Option<Finding> {
        let (url, within) = (self.asked.config.server.public_url.url(), self.asked.config.alerts.expires_within);
        if url.scheme() != "https" {
            return None;
        }
        let ends_at = net::ends_within(&Egress::default(), url, within).await?;
        let left = ends_at.saturating_sub(u64::try_from(clock::now().seconds()).unwrap_or(0));
        let days = left / (24 * 60 * 60);
        // One that has ended is told of by the address.
        (left > 0).then(|| {
            warning(
                "Certificate",
                format!("that of the public address ends in {days} days: see to it that it is renewed"),
            )
        })
    }

    /// Fetches a real file by a link through the public address; `None` if there is none to fetch.
    async fn file(&self) -> Option<Finding> {
        let config = self.asked.config;
        let key = LinkKey::derive(config.kommo.channel_secret.expose());
        let (source, url) = file::link(self.asked.bots, &key, config.server.public_url.url()).await?;
        let answer = self.http.send(self.http.get(Url::parse(&url).ok()?)).await;
        Some(match answer {
            Err(trouble) => wrong(FILES, format!("the picture of the bot of source {source} did not come: {trouble}")),
            Ok(mut response) if response.status() == StatusCode::OK => {
                let is_empty = beginning(&mut response).await.is_empty();
                let (of, how) = (format!("the picture of the bot of source {source} came"), "by the public address");
                if is_empty {
                    wrong(
                        FILES,
                        format!("{of} {how} without its content: look at the web server in front of telekommo"),
                    )
                } else {
                    fine(FILES, format!("{of} from Telegram {how}"))
                }
            }
            Ok(response) => wrong(
                FILES,
                format!(
                    "the picture of the bot of source {source} did not come: {} answered {}. Look at what is said of \
                     Files above, and let the web server pass everything below /media on",
                    net::place(&response),
                    response.status()
                ),
            ),
        })
    }
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
