//! Responses that are not Kommo's. They come from a proxy or a filter, and say nothing about the message.

use std::{fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::domain::retry::Failure;

/// The kind of such a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Empty,
    Html,
    /// JSON in another format than Kommo's, for instance a filter's.
    Json,
    /// Anything else, for instance JSON that was cut off.
    Other,
}

impl BodyKind {
    /// The kind of a body that is not in Kommo's format.
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

/// A response that is not in Kommo's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignAnswer {
    pub status: StatusCode,
    pub body_kind: BodyKind,
    /// `Retry-After`.
    pub after: Option<Duration>,
}

impl ForeignAnswer {
    /// Describes a response with this body.
    #[must_use]
    pub fn new(status: StatusCode, body: &[u8], after: Option<Duration>) -> Self {
        Self { status, body_kind: BodyKind::of(body), after }
    }

    /// Classifies it, with the text `why`. It says nothing about the request, so it is transient. The breaker decides
    /// whether it is about one message, by whether other messages pass.
    ///
    /// Two statuses need a person even without a body. 402 means that the account is not paid, and nobody else uses it.
    /// 401 means that the token is invalid, and Kommo's documentation promises no body. With a foreign body, it comes
    /// from a proxy that requires a password.
    #[must_use]
    pub fn failure(&self, why: String) -> Failure {
        match (self.status, self.body_kind) {
            (StatusCode::TOO_MANY_REQUESTS, _) => Failure::Throttled { why, after: self.after },
            (StatusCode::PAYMENT_REQUIRED, _) | (StatusCode::UNAUTHORIZED, BodyKind::Empty) => Failure::blocked(why),
            _ => Failure::Transient { why, after: self.after },
        }
    }

    /// Whether the content of the request may be the reason, for instance because a filter refuses a text.
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

/// Whether the body of a success confirms a call: it is empty or a JSON object, but neither an error nor the response
/// to another call.
#[must_use]
pub fn says_done(body: &[u8]) -> bool {
    const OTHER_RESPONSES: [&str; 7] = ["error", "errors", "error_code", "message", "messages", "new_message", "user"];
    let body = body.trim_ascii();
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_harmless = |fields: &serde_json::Map<_, _>| OTHER_RESPONSES.iter().all(|name| !fields.contains_key(*name));
    body.is_empty() || value.as_object().is_some_and(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_body_is_recognised() {
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
    fn the_text_has_the_kind_of_the_body_and_advice() {
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
