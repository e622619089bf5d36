//! The client of Kommo's Chats API: signs, sends, and says what came back.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use reqwest::{Method, Response, StatusCode, Url, header};
use serde::Serialize;

use crate::{
    clock,
    domain::time::UnixMillis,
    kommo::{
        http::{self, NoAnswer, encoded, read_limited, retry_after, unreachable},
        sign::{CONTENT_TYPE, Signer},
        wire::{Accepted, Answer, ApiError, DeliveryStatus, EditEvent, Event, KnownChat, NewChat, React},
    },
    pace::Pace,
};

mod connect;
mod history;
mod import;
mod probe;

pub use history::HISTORY_PAGE;

/// Why a call to Kommo brought no usable answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Kommo answered with an error.
    #[error("Kommo answered {status}{}", describe(error))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the body said, if it was Kommo's.
        error: ApiError,
        /// `Retry-After`.
        after: Option<Duration>,
    },
    /// A success without the answer that belongs to it: something between us and Kommo spoke.
    #[error("the answer is not Kommo's (HTTP {0})")]
    Nonsense(StatusCode),
    /// No answer: not reachable, too slow, or the connection broke.
    #[error("Kommo cannot be reached: {0}")]
    Unreachable(String),
}

impl CallError {
    /// Whether it looks like a success that is not Kommo's usual one; it may be the answer to a repetition.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Nonsense(status) if status.is_success())
    }

    /// Whether it may be about this one message alone, although it does not say so: a firewall that dislikes its text.
    #[must_use]
    pub fn may_be_of_one_message(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::FORBIDDEN, error, .. } if error.error_type.is_none())
    }
}

impl From<NoAnswer> for CallError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::TooLong(status) => Self::Nonsense(status),
            NoAnswer::Broken(why) => Self::Unreachable(why),
        }
    }
}

fn describe(error: &ApiError) -> String {
    let words = [&error.error_type, &error.error_description].into_iter().flatten();
    words.fold(String::new(), |text, word| format!("{text} {word}"))
}

/// One channel connected to one account.
#[derive(Clone)]
pub struct Chats {
    http: reqwest::Client,
    origin: Url,
    scope_id: Arc<str>,
    signer: Signer,
    pace: Arc<Pace>,
}

impl Chats {
    /// A client of the scope `scope_id` at `origin`, at most `rate` requests per second.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(
        origin: Url,
        scope_id: &str,
        signer: Signer,
        timeout: Duration,
        rate: u32,
    ) -> Result<Self, reqwest::Error> {
        let http = http::client(timeout)?;
        Ok(Self { http, origin, scope_id: scope_id.into(), signer, pace: Arc::new(Pace::per_second(rate)) })
    }

    /// Creates a message. Kommo takes each `msgid` once, so this can be repeated.
    pub async fn send(&self, event: &Event) -> Result<Accepted, CallError> {
        let (status, body) = self.post("", event).await?;
        // A success that names no ids is a success: what Kommo answers to a repeated message is not documented.
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| CallError::Nonsense(status))?;
        Ok(answer.new_message.unwrap_or_default())
    }

    /// Gives a message a new wording. This can be repeated.
    pub async fn edit(&self, event: &EditEvent) -> Result<(), CallError> {
        let (status, body) = self.post("", event).await?;
        serde_json::from_slice::<Answer>(&body).map(drop).map_err(|_| CallError::Nonsense(status))
    }

    /// Shows a customer's reaction, or takes it back. This can be repeated.
    pub async fn react(&self, reaction: &React) -> Result<(), CallError> {
        self.post("/react", reaction).await.map(drop)
    }

    /// Kommo's id of a conversation's chat, which is made if there is none.
    pub async fn chat(&self, chat: &NewChat) -> Result<String, CallError> {
        let (status, body) = self.post("/chats", chat).await?;
        let answer: Option<KnownChat> = serde_json::from_slice(&body).ok();
        answer.and_then(|answer| answer.id).ok_or(CallError::Nonsense(status))
    }

    /// Tells how the delivery of an answer ended.
    pub async fn delivery_status(&self, report: &DeliveryStatus) -> Result<(), CallError> {
        let (status, body) = self.post(&format!("/{}/delivery_status", encoded(&report.msgid)), report).await?;
        let blank = body.iter().all(u8::is_ascii_whitespace);
        if blank || serde_json::from_slice::<serde_json::Value>(&body).is_ok() {
            return Ok(());
        }
        Err(CallError::Nonsense(status))
    }

    async fn post(&self, below_scope: &str, body: &impl Serialize) -> Result<(StatusCode, Vec<u8>), CallError> {
        self.call(Method::POST, below_scope, None, encode(body)).await
    }

    async fn call(
        &self,
        method: Method,
        below_scope: &str,
        query: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Vec<u8>), CallError> {
        self.call_at(method, &format!("{}{below_scope}", self.scope_id), query, body).await
    }

    /// One signed request. The bytes that are signed are the bytes that are sent, and the date is read once.
    async fn call_at(
        &self,
        method: Method,
        place: &str,
        query: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Vec<u8>), CallError> {
        self.pace.turn().await;
        let mut url = self.origin.clone();
        let prefix = self.origin.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}/v2/origin/custom/{place}"));
        url.set_query(query);
        let date = rfc2822(clock::now());
        let signature = self.signer.sign(method.as_str(), url.path(), &date, &body);
        let request = self
            .http
            .request(method, url)
            .header(header::DATE, date)
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header("Content-MD5", signature.content_md5)
            .header("X-Signature", signature.x_signature)
            .body(body);
        answer(request.send().await.map_err(unreachable)?).await
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own wire types have string keys only")
}

async fn answer(response: Response) -> Result<(StatusCode, Vec<u8>), CallError> {
    let (status, after) = (response.status(), retry_after(&response));
    let body = read_limited(response).await?;
    if status.is_success() {
        return Ok((status, body));
    }
    Err(CallError::Refused { status, error: serde_json::from_slice(&body).unwrap_or_default(), after })
}

/// The `Date` header: as PHP's `DATE_RFC2822`, in which Kommo's samples write it, with a day of two digits and a numeric
/// zone. (chrono's own form has a day of one digit.)
fn rfc2822(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_written_as_in_kommos_samples() {
        assert_eq!(rfc2822(UnixMillis::from_seconds(1_639_609_975)), "Wed, 15 Dec 2021 23:12:55 +0000");
        assert_eq!(rfc2822(UnixMillis::from_seconds(1_793_494_861)), "Sun, 01 Nov 2026 01:01:01 +0000");
    }
}
