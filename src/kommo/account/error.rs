//! Why a call of the REST API brought no usable answer, and what that means for a job.

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    kommo::{http::NoAnswer, wire::account::Problem},
};

/// Why a call brought no usable answer. Each is a sentence for the operator, and never holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestError {
    /// Kommo answered with an error.
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the body said.
        problem: Problem,
    },
    /// There were too many requests: none is made for a while.
    Throttled {
        /// For how long.
        after: Duration,
        /// Whether Kommo shuts this machine out, rather than asking for patience.
        shut_out: bool,
    },
    /// An answer that is not Kommo's: something between us and Kommo spoke.
    Nonsense(StatusCode),
    /// It is not the account that the bridge serves: what is wrong, in a sentence. Nothing else was asked of it.
    Foreign(String),
    /// No answer: not reachable, too slow, or the connection broke.
    Unreachable(String),
}

impl From<NoAnswer> for RestError {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::TooLong(status) => Self::Nonsense(status),
            NoAnswer::Broken(why) => Self::Unreachable(why),
        }
    }
}

impl std::error::Error for RestError {}

impl RestError {
    /// Whether the entity that the call is about is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Refused { status: StatusCode::NOT_FOUND, problem } => !problem.is_blank(),
            Self::Refused { problem, .. } => problem.has("EntityNotFound"),
            Self::Throttled { .. } | Self::Nonsense(_) | Self::Foreign(_) | Self::Unreachable(_) => false,
        }
    }

    /// Whether what was to be made is there already.
    #[must_use]
    pub fn already_exists(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.has("AlreadyExists"))
    }
}

/// What to do about a status, where that is known.
fn remedy(status: StatusCode, problem: &Problem) -> &'static str {
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
        StatusCode::NOT_FOUND if problem.is_blank() => "there is no such API: kommo.account_url seems wrong",
        status if status.is_redirection() => "the account is elsewhere: correct kommo.account_url",
        _ => "",
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, problem } => {
                let words = [remedy(*status, problem).to_owned(), problem.to_string()];
                let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let colon = if words.is_empty() { "" } else { ": " };
                write!(f, "Kommo answered {}{colon}{}", status.as_u16(), words.join("; Kommo says: "))
            }
            Self::Throttled { after, shut_out: false } => {
                write!(f, "too many requests: Kommo is not asked for {} s", after.as_secs().max(1))
            }
            Self::Throttled { after, shut_out: true } => write!(
                f,
                "Kommo shuts this machine out after too many requests, and is not asked for {} s: see what else at this \
                 address uses its API",
                after.as_secs().max(1)
            ),
            Self::Nonsense(status) => write!(
                f,
                "the answer is not that of Kommo's REST API (HTTP {}): is kommo.account_url the account's own address?",
                status.as_u16()
            ),
            Self::Foreign(why) => f.write_str(why),
            Self::Unreachable(why) => write!(f, "the account's REST API cannot be reached: {why}"),
        }
    }
}

impl From<RestError> for Failure {
    /// | Answer | Verdict |
    /// |---|---|
    /// | no answer, 408, 429, being shut out, 5xx, an answer that is not Kommo's | time heals it |
    /// | 401, 402, 403, 3xx, 404 without Kommo's error, another account than ours | the operator heals it |
    /// | any other refusal | this job is hopeless |
    fn from(error: RestError) -> Self {
        let why = error.to_string();
        match error {
            RestError::Unreachable(_) => Self::unreachable(why),
            RestError::Nonsense(_) => Self::transient(why),
            RestError::Foreign(_) => Self::blocked(why),
            RestError::Throttled { after, .. } => Self::Throttled { why, after: Some(after) },
            RestError::Refused { status, problem } => match status {
                StatusCode::REQUEST_TIMEOUT => Self::transient(why),
                status if status.is_server_error() => Self::transient(why),
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Self::blocked(why),
                status if status.is_redirection() => Self::blocked(why),
                StatusCode::NOT_FOUND if problem.is_blank() => Self::blocked(why),
                _ => Self::Permanent(Refusal::new(ErrorCode::Internal, why)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> RestError {
        let problem = Problem::decode(body.as_bytes());
        RestError::Refused { status: StatusCode::from_u16(status).unwrap(), problem }
    }

    fn kind(failure: &Failure) -> &'static str {
        match failure {
            Failure::Unreachable { .. } => "unreachable",
            Failure::Transient { .. } => "transient",
            Failure::NotYet { .. } => "not yet",
            Failure::Throttled { .. } => "throttled",
            Failure::Blocked { .. } => "blocked",
            Failure::Uncertain(_) => "uncertain",
            Failure::Permanent(_) => "permanent",
        }
    }

    #[test]
    fn each_answer_has_its_verdict() {
        let problem = r#"{"title":"Not Found","status":404}"#;
        let cases = [
            (refused(500, ""), "transient"),
            (refused(504, "<html>"), "transient"),
            (refused(408, ""), "transient"),
            (refused(301, ""), "blocked"),
            (refused(401, ""), "blocked"),
            (refused(402, ""), "blocked"),
            (refused(403, ""), "blocked"),
            (refused(404, "<html>"), "blocked"),
            (refused(404, problem), "permanent"),
            (refused(400, ""), "permanent"),
            (refused(422, ""), "permanent"),
            (RestError::Throttled { after: Duration::from_secs(9), shut_out: true }, "throttled"),
            (RestError::Nonsense(StatusCode::OK), "transient"),
            (RestError::Foreign("another one".to_owned()), "blocked"),
            (RestError::Unreachable("refused".to_owned()), "unreachable"),
        ];
        for (error, want) in cases {
            assert_eq!(kind(&error.clone().into()), want, "{error}");
        }
    }

    #[test]
    fn each_refusal_is_one_sentence_that_says_what_to_do() {
        let cases = [
            (refused(401, ""), "make a new one"),
            (refused(402, ""), "billing"),
            (refused(403, ""), "administrator"),
            (refused(404, ""), "kommo.account_url"),
            (refused(302, ""), "kommo.account_url"),
        ];
        for (error, want) in cases {
            let text = error.to_string();
            assert!(text.contains(want) && !text.contains('\n') && !text.contains("  "), "{text}");
        }
        assert_eq!(refused(418, "").to_string(), "Kommo answered 418");
    }

    #[test]
    fn what_kommo_says_stands_behind_it() {
        let text = include_str!("../../../tests/fixtures/kommo/account/problem_validation.json");
        assert_eq!(
            refused(400, text).to_string(),
            "Kommo answered 400: custom_fields_values.0.field_id: NotSupportedChoice (The value you selected is not a \
             valid choice.)"
        );
    }
}
