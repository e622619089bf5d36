//! Errors of calls to the Bot API.

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use crate::net::{Endpoint, RequestError};

/// Why a call has no result. No text of it contains the address, because that contains the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The Bot API has refused the call, in its own format.
    #[error("Telegram answered: {0}")]
    Refused(ApiError),
    /// There was no connection, so nothing was sent.
    #[error("Telegram cannot be reached: {0}")]
    Unreachable(String),
    /// The request was sent, and there was no complete response.
    #[error("Telegram did not answer: {why}")]
    Unanswered {
        why: String,
        /// Whether a response had begun.
        has_begun: bool,
    },
    /// The response does not come from the Bot API, or cannot be read.
    #[error("{0}")]
    Foreign(Foreign),
}

/// An error of the Bot API (Bot API, "Making requests" and `ResponseParameters`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description} ({code})")]
pub struct ApiError {
    /// `error_code`: an HTTP status.
    pub code: u16,
    /// `description`: a text for people. Only its beginning distinguishes most causes.
    pub description: String,
    /// `retry_after`, or the header of that name.
    pub retry_after: Option<Duration>,
    /// `migrate_to_chat_id`: the supergroup that the group has become.
    pub migrate_to_chat_id: Option<i64>,
}

/// A response that is not in the Bot API's format: a proxy's page, a filter's JSON, an empty body. It says nothing
/// about the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub status: StatusCode,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body, as far as it was read.
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
    /// Whether the call may have succeeded: a success that is cut off or lost its body, or a proxy that has forwarded
    /// the request and timed out.
    #[must_use]
    pub fn may_be_success(&self) -> bool {
        let start: String = self.body.text().chars().filter(|c| !c.is_whitespace()).take(SUCCESS.len()).collect();
        let is_empty_success = self.status.is_success() && start.is_empty();
        self.status == StatusCode::GATEWAY_TIMEOUT || is_empty_success || start == SUCCESS
    }
}

/// How a success of the Bot API begins.
const SUCCESS: &str = r#"{"ok":true"#;

/// A body that could not be read. It may contain customers' texts, so it is never shown.
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
    /// An error before the response.
    #[expect(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
    pub(super) fn of_request(error: RequestError) -> Self {
        let why = error.to_string();
        if error.was_sent { Self::Unanswered { why, has_begun: false } } else { Self::Unreachable(why) }
    }

    /// An error within the response.
    pub(super) fn of_answer(error: &RequestError) -> Self {
        Self::Unanswered { why: error.to_string(), has_begun: true }
    }

    /// A timeout.
    pub(super) fn late(place: &Endpoint, within: Duration, has_begun: bool) -> Self {
        let within = humantime::format_duration(within);
        Self::Unanswered { why: format!("{place}: nothing came within {within}"), has_begun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_may_have_succeeded_are_recognised() {
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
            let foreign = Foreign { status, retry_after: None, body };
            assert_eq!(foreign.may_be_success(), may_be, "{foreign} {:?}", foreign.body.text());
        }
    }

    #[test]
    fn an_unreadable_body_is_not_shown() {
        let body = OpaqueBody::new("a customer's words".to_owned());
        let error = CallError::Foreign(Foreign { status: StatusCode::OK, retry_after: None, body });
        assert_eq!(error.to_string(), "the answer is not Telegram's (HTTP 200 OK)");
        assert!(!format!("{error:?}").contains("customer"), "{error:?}");
    }
}
