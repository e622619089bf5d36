//! Errors of the REST API, and what they mean for a job.

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use crate::{
    domain::{delivery::Refusal, retry::Failure},
    kommo::{
        failure::may_pass,
        foreign_answer::{BodyKind, ForeignAnswer},
        http::{NoAnswer, NoResponse},
        wire::account::Problem,
    },
};

/// Why a call has no usable response. Each text is a sentence for the operator, and never contains the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestError {
    /// Kommo has responded with an error, in its own format.
    Refused { status: StatusCode, problem: Problem },
    /// There were too many requests, so none is made for a while.
    Throttled {
        after: Duration,
        /// Whether Kommo blocks this address, and not only limits its rate.
        shut_out: bool,
    },
    /// The response is not in Kommo's format, so it comes from a proxy or a filter.
    ForeignAnswer(ForeignAnswer),
    /// The account is not the one that the bridge serves, with the reason. No further call was made.
    Foreign(String),
    /// There was no response: no connection, a timeout, or a broken connection.
    Unreachable(NoResponse),
}

impl From<NoAnswer> for RestError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::TooLong(foreign) => Self::ForeignAnswer(foreign),
            NoAnswer::Broken(no_response) => Self::Unreachable(no_response),
        }
    }
}

impl std::error::Error for RestError {}

impl RestError {
    /// Whether the entity of the call does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Refused { status: StatusCode::NOT_FOUND, .. } => true,
            Self::Refused { problem, .. } => problem.has("EntityNotFound"),
            Self::Throttled { .. } | Self::ForeignAnswer(_) | Self::Foreign(_) | Self::Unreachable(_) => false,
        }
    }

    /// Whether the entity exists already.
    #[must_use]
    pub fn already_exists(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.has("AlreadyExists"))
    }
}

/// What to do about a status, if that is known.
fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => {
            "the access token has expired, was revoked, or is for another account: make a new one in the integration's \
             tab \"Keys and scopes\" and put it into kommo.access_token"
        }
        StatusCode::PAYMENT_REQUIRED => "the account is not paid, or its plan lacks this: look at its billing",
        StatusCode::FORBIDDEN => {
            "the token lacks a right, or this machine is not on the account's list of addresses: let an administrator \
             make the token, and look at the list"
        }
        _ => "",
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, problem } => {
                let words = [remedy(*status).to_owned(), problem.to_string()];
                let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let colon = if words.is_empty() { "" } else { ": " };
                write!(f, "Kommo answered {}{colon}{}", status.as_u16(), words.join("; Kommo says: "))
            }
            Self::Throttled { after, shut_out: false } => {
                write!(f, "too many requests: telekommo sends Kommo none for {} s", after.as_secs().max(1))
            }
            Self::Throttled { after, shut_out: true } => write!(
                f,
                "Kommo has blocked this machine after too many requests, and telekommo sends it none for {} s: find \
                 out what else uses its API from this address",
                after.as_secs().max(1)
            ),
            Self::ForeignAnswer(foreign)
                if foreign.status == StatusCode::UNAUTHORIZED && foreign.body_kind == BodyKind::Empty =>
            {
                write!(f, "Kommo answered 401: {}", remedy(StatusCode::UNAUTHORIZED))
            }
            Self::ForeignAnswer(foreign) if foreign.status.is_redirection() => {
                write!(f, "{foreign} The account may be elsewhere: look at kommo.account_url")
            }
            Self::ForeignAnswer(foreign) if foreign.status.is_success() || foreign.status == StatusCode::NOT_FOUND => {
                write!(
                    f,
                    "{foreign} It is not that of Kommo's REST API: is kommo.account_url the account's own address?"
                )
            }
            Self::ForeignAnswer(foreign) => foreign.fmt(f),
            Self::Foreign(why) => f.write_str(why),
            Self::Unreachable(why) => write!(f, "the account's REST API cannot be reached: {why}"),
        }
    }
}

impl From<RestError> for Failure {
    /// | Response | Meaning |
    /// |---|---|
    /// | no connection | the connection is broken |
    /// | a broken connection, or a timeout | transient |
    /// | 429, a blocked address | throttled |
    /// | a response that is not in Kommo's format, 5xx, 408, 421, 423, 425 | transient |
    /// | 401, 402 and 403 in Kommo's format, an empty 401, any 402, another account than ours | a person has to act |
    /// | any other refusal in Kommo's format | this job can never succeed |
    fn from(error: RestError) -> Self {
        let why = error.to_string();
        match error {
            RestError::Unreachable(no_response) => no_response.failure(why),
            RestError::ForeignAnswer(foreign) => foreign.failure(why),
            RestError::Foreign(_) => Self::blocked(why),
            RestError::Throttled { after, .. } => Self::Throttled { why, after: Some(after) },
            RestError::Refused { status, .. } => match status {
                status if may_pass(status) => Self::transient(why),
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Self::blocked(why),
                _ => Self::Permanent(Refusal::internal(why)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> RestError {
        let status = StatusCode::from_u16(status).unwrap();
        match Problem::of_kommo(status, body.as_bytes()) {
            Some(problem) => RestError::Refused { status, problem },
            None => RestError::ForeignAnswer(ForeignAnswer::new(status, body.as_bytes(), None)),
        }
    }

    #[test]
    fn errors_without_a_response_are_classified() {
        let throttled = RestError::Throttled { after: Duration::from_secs(9), shut_out: true };
        assert!(matches!(throttled.into(), Failure::Throttled { after: Some(after), .. } if after.as_secs() == 9));
        assert!(matches!(RestError::Foreign("another one".to_owned()).into(), Failure::Blocked { .. }));
        let silent = |was_connected| RestError::Unreachable(NoResponse { why: "x".to_owned(), was_connected });
        assert!(matches!(silent(false).into(), Failure::Unreachable { .. }));
        assert!(matches!(silent(true).into(), Failure::Transient { .. }));
    }

    #[test]
    fn each_refusal_is_one_sentence_with_a_remedy() {
        let body_of = |status: u16| format!(r#"{{"title":"x","status":{status}}}"#);
        let cases = [
            (refused(401, ""), "make a new one"),
            (refused(401, &body_of(401)), "make a new one"),
            (refused(401, "<html>"), "wants a password"),
            (refused(402, ""), "billing"),
            (refused(403, &body_of(403)), "administrator"),
            (refused(403, "<html>"), "answered 403 (HTML): a filter, or this machine's address is shut out"),
            (refused(404, ""), "kommo.account_url"),
            (refused(302, ""), "kommo.account_url"),
            (refused(200, "<html>"), "kommo.account_url"),
        ];
        for (error, want) in cases {
            let text = error.to_string();
            assert!(text.contains(want) && !text.contains('\n') && !text.contains("  "), "{text}");
        }
        assert_eq!(refused(418, "").to_string(), "something between us and Kommo answered 418 (an empty answer)");
    }

    #[test]
    fn a_refusal_ends_with_kommos_text() {
        let text = include_str!("../../../tests/fixtures/kommo/account/problem_validation.json");
        assert_eq!(
            refused(400, text).to_string(),
            "Kommo answered 400: custom_fields_values.0.field_id: NotSupportedChoice (The value you selected is not a \
             valid choice.)"
        );
    }
}
