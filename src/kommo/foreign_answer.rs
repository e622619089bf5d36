//! Answers that are not Kommo's own. A server in between has answered, which says nothing about the message.

use std::{fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::domain::retry::Failure;

/// What the body of such an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing.
    Empty,
    /// A page for people.
    Html,
    /// JSON in a shape that is not Kommo's: a filter's, say.
    Json,
    /// Anything else; JSON that was cut off, for instance.
    Other,
}

impl BodyKind {
    /// Of a body that is not in Kommo's shape.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        match body.first() {
            None => Self::Empty,
            Some(b'<') => Self::Html,
            Some(_) if serde_json::from_slice::<Value>(body).is_ok() => Self::Json,
            Some(_) => Self::Other,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Empty => "an empty answer",
            Self::Html => "HTML",
            Self::Json => "JSON that is not Kommo's",
            Self::Other => "no JSON",
        }
    }
}

/// An answer that is not in Kommo's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignAnswer {
    pub status: StatusCode,
    /// What the body is.
    pub body_kind: BodyKind,
    /// `Retry-After`.
    pub after: Option<Duration>,
}

impl ForeignAnswer {
    /// What is known of an answer with this body.
    #[must_use]
    pub fn new(status: StatusCode, body: &[u8], after: Option<Duration>) -> Self {
        Self { status, body_kind: BodyKind::of(body), after }
    }

    /// What it means, in the words `why`. It says nothing of what was asked: time may heal it, and whoever sees that
    /// others pass decides that it is about one message.
    ///
    /// Two statuses are plainly for a person even without words. 402 means that the account is not paid, and nobody
    /// else uses it. 401 means that the token is not good, and Kommo's documentation promises no body; with somebody
    /// else's body it is a server in between that wants a password.
    #[must_use]
    pub fn failure(&self, why: String) -> Failure {
        match (self.status, self.body_kind) {
            (StatusCode::TOO_MANY_REQUESTS, _) => Failure::Throttled { why, after: self.after },
            (StatusCode::PAYMENT_REQUIRED, _) | (StatusCode::UNAUTHORIZED, BodyKind::Empty) => Failure::blocked(why),
            _ => Failure::Transient { why, after: self.after },
        }
    }

    /// Whether it may be due to what was asked: a filter that dislikes a text.
    #[must_use]
    pub fn may_be_of_one_message(&self) -> bool {
        self.status.is_client_error()
    }

    fn advice(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => ": a server in between wants a password, or the token is wrong",
            StatusCode::PAYMENT_REQUIRED => ": the account is not paid, or its plan lacks this: look at its billing",
            StatusCode::FORBIDDEN => ": a filter, or this machine's address is shut out",
            StatusCode::NOT_FOUND => ": is the address in the configuration Kommo's?",
            status if status.is_redirection() => ": is the address in the configuration Kommo's, and written in full?",
            status if status.is_success() => ": is the address in the configuration Kommo's?",
            _ => "",
        }
    }
}

impl fmt::Display for ForeignAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, body_kind) = (self.status.as_u16(), self.body_kind.name());
        write!(f, "something between us and Kommo answered {status} ({body_kind}){}", self.advice())
    }
}

/// Whether the body of a success says that something was done: it is empty, `{}`, or tells more, but neither of an
/// error nor what another call is answered with. A page does not.
#[must_use]
pub fn says_done(body: &[u8]) -> bool {
    const OF_OTHERS: [&str; 7] = ["error", "errors", "error_code", "message", "messages", "new_message", "user"];
    let body = body.trim_ascii();
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let tells_more = |fields: &serde_json::Map<_, _>| OF_OTHERS.iter().all(|name| !fields.contains_key(*name));
    body.is_empty() || value.as_object().is_some_and(tells_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_shows_whose_it_is() {
        for (body, body_kind) in [
            ("", BodyKind::Empty),
            (" \r\n", BodyKind::Empty),
            ("<html>", BodyKind::Html),
            ("\n <!DOCTYPE html>", BodyKind::Html),
            (r#"{"error":"forbidden"}"#, BodyKind::Json),
            ("7", BodyKind::Json),
            (r#"{"error":"forbid"#, BodyKind::Other),
            ("Access denied", BodyKind::Other),
        ] {
            assert_eq!(BodyKind::of(body.as_bytes()), body_kind, "{body:?}");
        }
    }

    #[test]
    fn it_says_who_spoke_in_which_words() {
        let text = |status: u16, body: &str| {
            ForeignAnswer::new(StatusCode::from_u16(status).unwrap(), body.as_bytes(), None).to_string()
        };
        assert_eq!(text(405, "<html>"), "something between us and Kommo answered 405 (HTML)");
        assert_eq!(
            text(404, ""),
            "something between us and Kommo answered 404 (an empty answer): is the address in the configuration \
             Kommo's?"
        );
    }
}
