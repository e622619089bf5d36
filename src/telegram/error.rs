//! Why a call to the Bot API brought no result.

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use crate::net::{Endpoint, RequestError};

/// Why a call brought no result. No text of it holds the address, which holds the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The Bot API server says no, in its own shape.
    #[error("Telegram answered: {0}")]
    Refused(ApiError),
    /// No connection came about: nothing was sent.
    #[error("Telegram cannot be reached: {0}")]
    Unreachable(String),
    /// The request went out, and no whole answer came back.
    #[error("Telegram did not answer: {why}")]
    Unanswered {
        why: String,
        /// Whether an answer had begun.
        has_begun: bool,
    },
    /// What answered is not the Bot API, or its answer cannot be read.
    #[error("{0}")]
    Foreign(Foreign),
}

/// An error as the Bot API tells it (Bot API, "Making requests" and `ResponseParameters`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description} ({code})")]
pub struct ApiError {
    /// `error_code`: as an HTTP status.
    pub code: u16,
    /// `description`: words for people. Their beginnings are the only thing that tells most causes apart.
    pub description: String,
    /// `retry_after`, or the header of that name.
    pub retry_after: Option<Duration>,
    /// `migrate_to_chat_id`: the supergroup that the group has become.
    pub migrate_to_chat_id: Option<i64>,
}

/// An answer without Telegram's shape: a proxy's page, a filter's JSON, nothing at all. It says nothing about the
/// message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub status: StatusCode,
    /// `Retry-After`.
    pub after: Option<Duration>,
    /// What came, as far as it was read.
    pub body: OpaqueBody,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer is not Telegram's (HTTP {})", self.status)?;
        if self.status == StatusCode::NOT_FOUND || self.status.is_redirection() {
            f.write_str(": check `telegram.api_url`")?;
        }
        Ok(())
    }
}

impl Foreign {
    /// Whether the call may have succeeded all the same: a success that is cut off or was swallowed on its way, or a
    /// gateway that had passed the request on and gave up waiting.
    #[must_use]
    pub fn may_be_success(&self) -> bool {
        let start: String = self.body.text().chars().filter(|c| !c.is_whitespace()).take(SUCCESS.len()).collect();
        let is_swallowed = self.status.is_success() && start.is_empty();
        self.status == StatusCode::GATEWAY_TIMEOUT || is_swallowed || start == SUCCESS
    }
}

/// How a success of the Bot API begins.
const SUCCESS: &str = r#"{"ok":true"#;

/// A body that nobody could read. It may hold customers' words, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueBody(String);

impl OpaqueBody {
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OpaqueBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpaqueBody({} bytes)", self.0.len())
    }
}

impl CallError {
    /// Why no answer has begun.
    #[expect(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
    pub(super) fn of_request(trouble: RequestError) -> Self {
        let why = trouble.to_string();
        if trouble.was_sent { Self::Unanswered { why, has_begun: false } } else { Self::Unreachable(why) }
    }

    /// Why an answer broke off.
    pub(super) fn of_answer(trouble: &RequestError) -> Self {
        Self::Unanswered { why: trouble.to_string(), has_begun: true }
    }

    /// Nothing came for too long.
    pub(super) fn late(place: &Endpoint, within: Duration, has_begun: bool) -> Self {
        let within = humantime::format_duration(within);
        Self::Unanswered { why: format!("{place}: nothing came within {within}"), has_begun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_succeeded_is_told_from_what_has_not() {
        for (status, body, may_be) in [
            (200, r#"{"ok":true,"result":{"mess"#, true),
            (200, " { \"ok\" : true", true),
            (200, "", true),
            (200, " \n", true),
            (200, "<html>", false),
            (200, r#"{"status":"ok"}"#, false),
            (502, r#"{"ok":true,"result":{}}"#, true),
            (502, "", false),
            (500, "<h1>504 Gateway Time-out</h1>", false),
            (504, "<h1>504 Gateway Time-out</h1>", true),
            (504, "", true),
            (403, "", false),
        ] {
            let (status, body) = (StatusCode::from_u16(status).unwrap(), OpaqueBody::new(body.to_owned()));
            let foreign = Foreign { status, after: None, body };
            assert_eq!(foreign.may_be_success(), may_be, "{foreign} {:?}", foreign.body.text());
        }
    }

    #[test]
    fn what_could_not_be_read_is_not_shown() {
        let body = OpaqueBody::new("a customer's words".to_owned());
        let error = CallError::Foreign(Foreign { status: StatusCode::OK, after: None, body });
        assert_eq!(error.to_string(), "the answer is not Telegram's (HTTP 200 OK)");
        assert!(!format!("{error:?}").contains("customer"), "{error:?}");
    }
}
