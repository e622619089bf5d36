//! The way to one bot's methods: one POST, one answer, and a bound on how long and how large it may be.
//!
//! teloxide describes the methods. Sending is ours, since its own waits 10 s after each error of the server, forgets
//! the status, and gives up a whole answer over one detail.

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

/// The most of an answer that is read. A hundred of the largest updates are below it; what is above is asked for
/// singly.
pub(super) const ANSWER_LIMIT_BYTES: usize = 16 << 20;
/// How long an answer that has begun may take. A line that is slow but moves is no outage.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How long nothing may move of an answer that has begun.
const SILENT_FOR: Duration = Duration::from_secs(15);
/// How long a connection is kept open without use, and how soon it is tried whether the other end is still there.
/// Routers forget idle connections without a word, and what is sent into one may or may not arrive.
const IDLE_FOR: Duration = Duration::from_secs(15);
/// How often a silent connection is tried again, and after how many of those it is given up.
const TRIED_EVERY: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;

/// An HTTP client of a bot. What goes `egress` may be silent for as long as `silent_for` says, if it says so.
pub(super) fn http(
    egress: &Egress,
    connect_within: Duration,
    silent_for: Option<Duration>,
) -> Result<Http, reqwest::Error> {
    Http::new(egress, |client| {
        let client = client
            .connect_timeout(connect_within)
            .pool_idle_timeout(IDLE_FOR)
            .tcp_keepalive(IDLE_FOR)
            .tcp_keepalive_interval(TRIED_EVERY)
            .tcp_keepalive_retries(TRIES);
        match silent_for {
            Some(silent_for) => client.read_timeout(silent_for),
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
    /// A client of the bot with `token`. An answer has to begin `within` this time.
    pub(super) fn new(http: Http, server: &Url, token: &str, within: Duration) -> Self {
        Self { http, server: server.clone(), token: token.into(), within }
    }

    pub(super) async fn call<P: Payload + Serialize + Sync>(&self, payload: &P) -> Result<Box<RawValue>, CallError> {
        self.call_within(payload, self.within).await
    }

    /// Calls a method whose answer has to begin `within` this time.
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
        self.below(&[&format!("bot{}", self.token), name])
    }

    /// `{api_url}/file/bot{token}/{path}`. Each segment is written as one, so that no path leads out of the bot's
    /// files.
    pub(super) fn file(&self, path: &str) -> Url {
        let bot = format!("bot{}", self.token);
        let segments: Vec<_> = ["file", &bot].into_iter().chain(path.split('/')).collect();
        self.below(&segments)
    }

    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.server.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// Reads what the Bot API answers.
pub(super) async fn receive(response: Response) -> Result<Box<RawValue>, CallError> {
    let status = response.status();
    let after = retry_after(&response);
    let place = place(&response);
    let late = |_| CallError::late(&place, ANSWER_WITHIN, true);
    let body = timeout(ANSWER_WITHIN, read(response)).await.map_err(late)??;
    answer::read(Answer { status, after, body })
}

/// The body, cut off where it is too long.
async fn read(mut response: Response) -> Result<String, CallError> {
    let mut body = Vec::new();
    while body.len() <= ANSWER_LIMIT_BYTES {
        let chunk = timeout(SILENT_FOR, response.chunk()).await;
        let chunk = chunk.map_err(|_| CallError::late(&place(&response), SILENT_FOR, true))?;
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
