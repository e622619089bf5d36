//! The client of Kommo's Chats API: signs, sends, and says what came back.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use reqwest::{Method, StatusCode, Url, header};
use serde::Serialize;

use crate::{
    clock,
    domain::{assumed::Assumed, time::UnixMillis},
    kommo::{
        foreign_answer::{BodyKind, ForeignAnswer},
        http::{self, NoAnswer, encoded, unreachable},
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

/// Why a call to Kommo brought no usable answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Kommo answered with an error, in its own shape.
    #[error("Kommo answered {status}{error}")]
    Refused {
        status: StatusCode,
        /// What the body said.
        error: Box<ApiError>,
        /// `Retry-After`.
        after: Option<Duration>,
    },
    /// An answer that is not in Kommo's shape: something between us and Kommo spoke.
    #[error("{0}")]
    Foreign(ForeignAnswer),
    /// Kommo did not answer: it could not be reached, was too slow, or the connection broke.
    #[error("Kommo cannot be reached: {0}")]
    Unreachable(NoResponse),
}

impl CallError {
    /// What an answer says that is no success.
    #[must_use]
    pub fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> Self {
        answer::refusal(status, body, after)
    }

    /// Whether it looks like a success that is not Kommo's usual one; it may be the answer to a repetition.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Foreign(stray) if stray.status.is_success())
    }

    /// Whether it may be about this one message alone, although it does not say so: a firewall that dislikes its text.
    #[must_use]
    pub fn may_be_of_one_message(&self) -> bool {
        matches!(self, Self::Foreign(stray) if stray.may_be_of_one_message())
    }

    /// Whether Kommo does not know what the call was about, a chat or a message, or says nothing else. An empty 404 may
    /// as well be a wrong address.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Refused { status, error, .. } => *status == StatusCode::NOT_FOUND && !error.is_called(NOT_REGISTERED),
            Self::Foreign(stray) => stray.status == StatusCode::NOT_FOUND && stray.body_kind == BodyKind::Empty,
            Self::Unreachable(_) => false,
        }
    }

    /// Whether Kommo has read the request, and does not like what stands in it: with 400, or with 422, which its newer
    /// APIs use.
    #[must_use]
    pub fn is_bad_request(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                matches!(*status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::Foreign(stray) => stray.status == StatusCode::BAD_REQUEST && stray.body_kind == BodyKind::Empty,
            Self::Unreachable(_) => false,
        }
    }
}

/// Kommo's error if the channel is not known, or not connected to the account.
pub(super) const NOT_REGISTERED: &str = "ORIGIN_NOT_REGISTERED";

impl From<NoAnswer> for CallError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::TooLong(stray) => Self::Foreign(stray),
            NoAnswer::Broken(silence) => Self::Unreachable(silence),
        }
    }
}

/// One channel connected to one account.
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

    /// The same for what may take its time: its calls let those of the others go first.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { is_patient: true, ..self.clone() }
    }

    /// The same with what another client of this scope has learnt so far: the time, and what the account takes.
    #[must_use]
    pub fn after(self, former: &Self) -> Self {
        let (time, forms, edits) = (former.time.clone(), Arc::clone(&former.forms), Arc::clone(&former.edits));
        Self { time, forms, edits, ..self }
    }

    /// The same with what the operator takes for granted of the account.
    #[must_use]
    pub fn assuming(self, assumed: Assumed) -> Self {
        self.forms.assume(assumed);
        self.edits.assume(assumed.customer_edits);
        self
    }

    /// What time it is for Kommo, by its answers.
    #[must_use]
    pub fn time(&self) -> KommoTime {
        self.time.clone()
    }

    /// Whether the account takes new wordings of what customers wrote, as far as this run has seen.
    #[must_use]
    pub fn edits(&self) -> &Edits {
        &self.edits
    }

    /// Gives a message a new wording. This can be repeated.
    pub async fn edit(&self, event: &EditEvent) -> Result<(), CallError> {
        let (status, body) = self.post("", event).await?;
        answer::edited(status, &body, &event.payload)
    }

    /// Shows a customer's reaction, or takes it back. This can be repeated.
    pub async fn react(&self, reaction: &React) -> Result<(), CallError> {
        let (status, body) = self.post("/react", reaction).await?;
        answer::done(status, &body)
    }

    /// Kommo's id of a conversation's chat, which is made if there is none.
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

    /// One signed request. The bytes that are signed are the bytes that are sent, and the date is read once.
    async fn call_at(
        &self,
        method: Method,
        place: &str,
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
        let response = self.http.send(request).await.map_err(unreachable)?;
        self.time.hear(response.headers());
        answer::read(response).await
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own wire types have string keys only")
}

/// The `Date` header: as PHP's `DATE_RFC2822`, in which Kommo's samples write it, with a day of two digits and a
/// numeric zone. (chrono's own form has a day of one digit.)
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
