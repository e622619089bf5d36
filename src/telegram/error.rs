//! Why a call to the Bot API brought no result.

use std::{error::Error as _, fmt, iter::successors, time::Duration};

use reqwest::StatusCode;

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
        /// What happened.
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

/// An answer without Telegram's shape: a proxy's page, a filter's JSON, nothing at all. It says nothing about the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The HTTP status.
    pub status: StatusCode,
    /// `Retry-After`.
    pub after: Option<Duration>,
    /// What came, as far as it was read.
    pub body: Unread,
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
    /// Whether the call may have succeeded all the same: a success that is cut off or was swallowed on its way, or a gateway
    /// that had passed the request on and gave up waiting.
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
pub struct Unread(String);

impl Unread {
    /// Keeps a body.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The body.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unread({} bytes)", self.0.len())
    }
}

impl CallError {
    /// Why no answer has begun.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        if error.is_connect() || was_never_sent(error) {
            return Self::Unreachable(cause(error));
        }
        Self::Unanswered { why: cause(error), has_begun: false }
    }

    /// Why an answer broke off.
    pub(super) fn of_answer(error: &reqwest::Error) -> Self {
        Self::Unanswered { why: cause(error), has_begun: true }
    }

    /// Nothing came for too long.
    pub(super) fn late(within: Duration, has_begun: bool) -> Self {
        Self::Unanswered { why: format!("nothing came within {}", humantime::format_duration(within)), has_begun }
    }
}

/// Whether the client had no connection to write the request to: the one it meant to use was closed.
fn was_never_sent(error: &reqwest::Error) -> bool {
    let hyper = successors(error.source(), |cause| (*cause).source()).find_map(|it| it.downcast_ref::<hyper::Error>());
    hyper.is_some_and(hyper::Error::is_canceled)
}

/// The innermost cause in words, which unlike the outer ones holds no address.
fn cause(error: &reqwest::Error) -> String {
    let innermost = successors(error.source(), |cause| (*cause).source()).last();
    match innermost {
        Some(_) if error.is_timeout() && error.is_connect() => "no connection in time".to_owned(),
        Some(_) if error.is_timeout() => "no answer in time".to_owned(),
        Some(cause) => cause.to_string(),
        None => "the connection failed".to_owned(),
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
            let (status, body) = (StatusCode::from_u16(status).unwrap(), Unread::new(body.to_owned()));
            let foreign = Foreign { status, after: None, body };
            assert_eq!(foreign.may_be_success(), may_be, "{foreign} {:?}", foreign.body.text());
        }
    }

    #[test]
    fn what_could_not_be_read_is_not_shown() {
        let body = Unread::new("a customer's words".to_owned());
        let error = CallError::Foreign(Foreign { status: StatusCode::OK, after: None, body });
        assert_eq!(error.to_string(), "the answer is not Telegram's (HTTP 200 OK)");
        assert!(!format!("{error:?}").contains("customer"), "{error:?}");
    }
}
