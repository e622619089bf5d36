//! Calls the methods of one bot: one POST and one response, with limits of time and size.
//!
//! teloxide describes the methods. Its client is not used, because it waits for 10 s after each error of the server,
//! drops the status, and rejects a whole response over one unknown detail.

use std::{sync::Arc, time::Duration};

use reqwest::{Response, Url, header};
use serde::Serialize;
use serde_json::value::RawValue;
use teloxide::requests::Payload;
use tokio::time::timeout;

use crate::{
    net::{Egress, Endpoint, Http, broken, place},
    telegram::{
        answer::{self, Answer},
        error::CallError,
    },
};

/// The largest response that is read. A hundred of the largest updates fit into it. The updates of a larger response
/// are requested one by one.
pub(super) const ANSWER_LIMIT_BYTES: usize = 16 << 20;
/// How long reading a response may take. A slow connection that makes progress is no outage.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long reading a response may make no progress.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept, and when its first keepalive is sent. Routers drop idle connections silently,
/// and then it is unknown whether a request on one has arrived.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The interval of further keepalives, and after how many of them a connection is given up.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// An HTTP client of a bot. `read_timeout` limits how long a response may make no progress.
pub(super) fn http(
    egress: &Egress,
    connect_timeout: Duration,
    read_timeout: Option<Duration>,
) -> Result<Http, reqwest::Error> {
    Http::new(egress, |client| {
        let client = client
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_keepalive(IDLE_TIMEOUT)
            .tcp_keepalive_interval(KEEPALIVE_INTERVAL)
            .tcp_keepalive_retries(KEEPALIVE_RETRIES);
        match read_timeout {
            Some(read_timeout) => client.read_timeout(read_timeout),
            None => client,
        }
    })
}

/// Calls one bot's methods.
#[derive(Clone)]
pub(super) struct Client {
    http: Http,
    server: Url,
    token: Arc<str>,
    within: Duration,
}

impl Client {
    /// A client of the bot with `token`. A response has to begin `within` this time.
    pub(super) fn new(http: Http, server: &Url, token: &str, within: Duration) -> Self {
        Self { http, server: server.clone(), token: token.into(), within }
    }

    pub(super) async fn call<P: Payload + Serialize + Sync>(&self, payload: &P) -> Result<Box<RawValue>, CallError> {
        self.call_within(payload, self.within).await
    }

    /// Calls a method whose response has to begin `within` this time.
    pub(super) async fn call_within<P: Payload + Serialize + Sync>(
        &self,
        payload: &P,
        within: Duration,
    ) -> Result<Box<RawValue>, CallError> {
        let body = serde_json::to_vec(payload).expect("our own requests have string keys only");
        let request = self.http.post(self.method(P::NAME)).header(header::CONTENT_TYPE, "application/json").body(body);
        let late = || CallError::late(&self.place(), within, false);
        let response = timeout(within, self.http.send(request)).await.map_err(|_| late())?;
        receive(response.map_err(CallError::of_request)?).await
    }

    /// Where the server is.
    pub(super) fn place(&self) -> Endpoint {
        self.http.place(&self.server)
    }

    /// `{api_url}/bot{token}/{method}`.
    pub(super) fn method(&self, name: &str) -> Url {
        self.url_of(&[&format!("bot{}", self.token), name])
    }

    /// `{api_url}/file/bot{token}/{path}`. Each segment is encoded by itself, so that no path leads out of the bot's
    /// files.
    pub(super) fn file(&self, path: &str) -> Url {
        let bot = format!("bot{}", self.token);
        let segments: Vec<_> = ["file", &bot].into_iter().chain(path.split('/')).collect();
        self.url_of(&segments)
    }

    fn url_of(&self, segments: &[&str]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// Reads a response of the Bot API.
pub(super) async fn receive(response: Response) -> Result<Box<RawValue>, CallError> {
    let status = response.status();
    let retry_after = retry_after(&response);
    let place = place(&response);
    let late = |_| CallError::late(&place, ANSWER_TIMEOUT, true);
    let body = timeout(ANSWER_TIMEOUT, read(response)).await.map_err(late)??;
    answer::read(Answer { status, retry_after, body })
}

/// The body, truncated to the limit.
async fn read(mut response: Response) -> Result<String, CallError> {
    let mut body = Vec::new();
    while body.len() <= ANSWER_LIMIT_BYTES {
        let chunk = timeout(READ_TIMEOUT, response.chunk()).await;
        let chunk = chunk.map_err(|_| CallError::late(&place(&response), READ_TIMEOUT, true))?;
        match chunk.map_err(|error| CallError::of_answer(&broken(&response, &error)))? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    body.truncate(ANSWER_LIMIT_BYTES);
    Ok(String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// `Retry-After`, in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
