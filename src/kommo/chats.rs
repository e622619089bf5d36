//! The client of Kommo's Chats API: signs and sends requests, and reads the responses.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use reqwest::{Method, StatusCode, Url, header};
use serde::Serialize;

use crate::{
    clock,
    domain::{assumed::Assumed, time::UnixMillis},
    kommo::{
        foreign_answer::{BodyKind, ForeignAnswer},
        http::{self, NoAnswer, encode_segment, unreachable},
        sign::{CONTENT_TYPE, Signer},
        time::KommoTime,
        wire::{ApiError, EditEvent, NewChat, React},
    },
    net::{Egress, Http},
    rate_limit::RateLimit,
};

mod answer;
mod connect;
mod edits;
mod forms;
mod history;
mod import;
mod probe;

pub use super::http::NoResponse;
pub use edits::Edits;
use forms::Forms;
pub use history::HISTORY_PAGE;

/// Why a call to Kommo has no usable response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Kommo has responded with an error, in its own format.
    #[error("Kommo answered {status}{error}")]
    Refused {
        status: StatusCode,
        error: Box<ApiError>,
        /// `Retry-After`.
        after: Option<Duration>,
    },
    /// The response is not in Kommo's format, so it comes from a proxy or a filter.
    #[error("{0}")]
    Foreign(ForeignAnswer),
    /// There was no response: no connection, a timeout, or a broken connection.
    #[error("Kommo cannot be reached: {0}")]
    Unreachable(NoResponse),
}

impl CallError {
    /// Reads a response that is no success.
    #[must_use]
    pub fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> Self {
        answer::refusal(status, body, after)
    }

    /// Whether it is a success without the usual body. It may be the response to a repetition.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Foreign(foreign) if foreign.status.is_success())
    }

    /// Whether it may be about this one message only, for instance because a firewall refuses its text.
    #[must_use]
    pub fn may_be_of_one_message(&self) -> bool {
        matches!(self, Self::Foreign(foreign) if foreign.may_be_of_one_message())
    }

    /// Whether Kommo does not know the chat or message of the call. An empty 404 may also mean a wrong address.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Refused { status, error, .. } => *status == StatusCode::NOT_FOUND && !error.is_called(NOT_REGISTERED),
            Self::Foreign(foreign) => foreign.status == StatusCode::NOT_FOUND && foreign.body_kind == BodyKind::Empty,
            Self::Unreachable(_) => false,
        }
    }

    /// Whether Kommo refuses the content of the request: with 400, or with 422, which its newer APIs use.
    #[must_use]
    pub fn is_bad_request(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                matches!(*status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::Foreign(foreign) => foreign.status == StatusCode::BAD_REQUEST && foreign.body_kind == BodyKind::Empty,
            Self::Unreachable(_) => false,
        }
    }
}

/// Kommo's error for a channel that is unknown, or not connected to the account.
pub(super) const NOT_REGISTERED: &str = "ORIGIN_NOT_REGISTERED";

impl From<NoAnswer> for CallError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::TooLong(foreign) => Self::Foreign(foreign),
            NoAnswer::Broken(no_response) => Self::Unreachable(no_response),
        }
    }
}

/// The client of one channel that is connected to one account.
#[derive(Clone)]
pub struct Chats {
    http: Http,
    origin: Url,
    scope_id: Arc<str>,
    signer: Signer,
    rate_limit: Arc<RateLimit>,
    time: KommoTime,
    forms: Arc<Forms>,
    edits: Arc<Edits>,
    is_patient: bool,
}

impl Chats {
    /// A client of the scope `scope_id` at `origin`, which it reaches by `egress`, at most `rate` requests per second.
    pub fn new(
        egress: &Egress,
        origin: Url,
        scope_id: &str,
        signer: Signer,
        timeout: Duration,
        rate: u32,
    ) -> Result<Self, reqwest::Error> {
        let http = http::client(egress, timeout)?;
        Ok(Self {
            http,
            origin,
            scope_id: scope_id.into(),
            signer,
            rate_limit: Arc::new(RateLimit::per_second(rate)),
            time: KommoTime::default(),
            forms: Arc::default(),
            edits: Arc::default(),
            is_patient: false,
        })
    }

    /// A clone whose calls have a lower priority.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { is_patient: true, ..self.clone() }
    }

    /// Takes over what an earlier client of this scope has learnt: Kommo's time, and which forms the account accepts.
    #[must_use]
    pub fn after(self, former: &Self) -> Self {
        let (time, forms, edits) = (former.time.clone(), Arc::clone(&former.forms), Arc::clone(&former.edits));
        Self { time, forms, edits, ..self }
    }

    /// Sets the operator's assumptions about the account.
    #[must_use]
    pub fn assuming(self, assumed: Assumed) -> Self {
        self.forms.assume(assumed);
        self.edits.assume(assumed.customer_edits);
        self
    }

    /// Kommo's time, by its responses.
    #[must_use]
    pub fn time(&self) -> KommoTime {
        self.time.clone()
    }

    /// Whether the account accepts edits of customers' messages, as far as this run has seen.
    #[must_use]
    pub fn edits(&self) -> &Edits {
        &self.edits
    }

    /// Edits a message. Idempotent.
    pub async fn edit(&self, event: &EditEvent) -> Result<(), CallError> {
        let (status, body) = self.post("", event).await?;
        answer::edited(status, &body, &event.payload)
    }

    /// Shows or removes a reaction. Idempotent.
    pub async fn react(&self, reaction: &React) -> Result<(), CallError> {
        let (status, body) = self.post("/react", reaction).await?;
        answer::done(status, &body)
    }

    /// Kommo's id of a conversation's chat, which is created if there is none.
    pub async fn chat(&self, chat: &NewChat) -> Result<String, CallError> {
        let (status, body) = self.post("/chats", chat).await?;
        answer::chat(status, &body)
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

    /// One signed request. It signs exactly the bytes and the date that it sends.
    async fn call_at(
        &self,
        method: Method,
        path: &str,
        query: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Vec<u8>), CallError> {
        if self.is_patient {
            self.rate_limit.acquire_patiently().await;
        } else {
            self.rate_limit.acquire().await;
        }
        let mut url = self.origin.clone();
        let prefix = self.origin.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}/v2/origin/custom/{path}"));
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
        let response = self.http.send(request).await.map_err(unreachable)?;
        self.time.note_date(response.headers());
        answer::read(response).await
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own wire types have string keys only")
}

/// The `Date` header, in PHP's `DATE_RFC2822` as in Kommo's samples, with a day of two digits and a numeric zone.
/// (chrono's `to_rfc2822` writes a day of one digit.)
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
