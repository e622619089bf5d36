//! Why a poll brought no updates.

use std::time::Duration;

use crate::{
    metrics::{BotProblem, Polling},
    telegram::{
        error::{CallError, OpaqueBody},
        obstacle::Obstacle,
    },
};

/// Why a poll brought no updates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PollError {
    /// Another program polls with the same token (409).
    #[error("another program is polling with this bot's token: stop it, or give telekommo a bot of its own")]
    Conflict,
    /// A webhook is set (409). Kommo's own Telegram integration sets one.
    #[error(
        "a webhook is set for this bot, so Telegram does not let it be polled: disconnect the bot from the service \
         that set it, or call deleteWebhook"
    )]
    Webhook,
    /// The server does not serve this bot.
    #[error("{0}")]
    Obstacle(Obstacle),
    /// Telegram throttles (429).
    #[error("Telegram asks telekommo to wait: too many requests (429)")]
    Throttled(Option<Duration>),
    /// The server's response cannot be read or is incomplete: one of the updates in it may be the cause.
    #[error("{why}")]
    Unreadable {
        /// What is wrong with it.
        why: String,
        /// The part that arrived.
        body: OpaqueBody,
    },
    /// None of the updates has a number, so none of them can be confirmed.
    #[error("Telegram sends updates without numbers, which only the next numbered one confirms")]
    Unnumbered,
    /// Telegram does not answer, or something else answers in its place.
    #[error("{0}")]
    Away(String),
}

impl From<CallError> for PollError {
    fn from(error: CallError) -> Self {
        let why = error.to_string();
        match error {
            CallError::Refused(error) => match (Obstacle::of(&error), error.code) {
                (Some(obstacle), _) => Self::Obstacle(obstacle),
                // A poll that is pending when a webhook is set gets another description than the polls after it.
                (None, 409) if error.description.contains("ebhook") => Self::Webhook,
                (None, 409) => Self::Conflict,
                (None, 429) => Self::Throttled(error.retry_after),
                (None, _) => Self::Away(why),
            },
            CallError::Foreign(foreign) if foreign.status.as_u16() == 429 => Self::Throttled(foreign.retry_after),
            CallError::Foreign(foreign) if foreign.status.is_success() => Self::Unreadable { why, body: foreign.body },
            CallError::Unanswered { has_begun: true, .. } => {
                Self::Unreadable { why, body: OpaqueBody::new(String::new()) }
            }
            CallError::Foreign(_) | CallError::Unanswered { .. } | CallError::Unreachable(_) => Self::Away(why),
        }
    }
}

impl PollError {
    /// The problem of the bot, if a person has to act.
    const fn problem(&self) -> Option<BotProblem> {
        match self {
            Self::Conflict => Some(BotProblem::PolledElsewhere),
            Self::Webhook => Some(BotProblem::Webhook),
            Self::Obstacle(Obstacle::Revoked) => Some(BotProblem::Revoked),
            Self::Obstacle(Obstacle::LoggedOut | Obstacle::NoBotThere(_) | Obstacle::NotServed) => {
                Some(BotProblem::NotServed)
            }
            Self::Throttled(_) | Self::Unreadable { .. } | Self::Unnumbered | Self::Away(_) => None,
        }
    }

    /// The state of the polling that it causes.
    pub(super) fn to_polling(&self) -> Polling {
        match self.problem() {
            Some(kind) => Polling::Stopped(kind, self.to_string()),
            None => Polling::Failing(self.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::telegram::{
        answer::{self, Answer},
        error::CallError,
    };

    fn error_of(status: u16, body: &str) -> PollError {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = Some(Duration::from_secs(5));
        answer::read(Answer { status, retry_after, body: body.to_owned() }).unwrap_err().into()
    }

    fn described(code: u16, description: &str) -> PollError {
        let body = serde_json::json!({ "ok": false, "error_code": code, "description": description });
        error_of(code, &body.to_string())
    }

    #[test]
    fn problems_for_a_person_say_what_to_do() {
        let obstacle = PollError::Obstacle;
        for (code, description, want) in [
            (
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                PollError::Conflict,
            ),
            (
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                 webhook first",
                PollError::Webhook,
            ),
            (409, "Conflict: terminated by setWebhook request", PollError::Webhook),
            (401, "Unauthorized", obstacle(Obstacle::Revoked)),
            (400, "Logged out", obstacle(Obstacle::LoggedOut)),
            (404, "Not Found", obstacle(Obstacle::NoBotThere("404 Not Found"))),
            (421, "Misdirected Request: unallowed token specified", obstacle(Obstacle::NotServed)),
        ] {
            let error = described(code, description);
            assert_eq!(error, want, "{description}");
            assert!(matches!(error.to_polling(), Polling::Stopped(..)), "{description}");
        }
    }

    #[test]
    fn other_errors_are_temporary() {
        let seconds = |n| Some(Duration::from_secs(n));
        let throttled = r#"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":7}}"#;
        assert_eq!(error_of(429, throttled), PollError::Throttled(seconds(7)));
        assert_eq!(error_of(429, "<html>"), PollError::Throttled(seconds(5)));
        let away = |error: &PollError| matches!(error, PollError::Away(_));
        for (code, description) in [
            (404, "Not Found: method not found"),
            (500, "Internal Server Error"),
            (502, "Bad Gateway"),
            (504, "Gateway Timeout"),
            (403, "Forbidden: nobody has seen this"),
        ] {
            let error = described(code, description);
            assert!(away(&error) && matches!(error.to_polling(), Polling::Failing(_)), "{description}");
            assert!(error.to_string().contains(description), "{error}");
        }
        for status in [302, 400, 401, 403, 404, 409, 410, 413, 421, 423, 451, 500, 502, 503, 504, 520] {
            for body in ["", "<html>", "{}", r#"{"ok":false,"description":"Unauthorized"}"#] {
                assert!(away(&error_of(status, body)), "{status} {body}");
            }
        }
        assert_eq!(
            error_of(404, "<html>").to_string(),
            "the answer is not Telegram's (HTTP 404 Not Found): check `telegram.api_url`"
        );
    }

    #[test]
    fn the_body_of_an_unreadable_success_is_kept() {
        for body in ["", "<html>", r#"{"ok":true}"#, r#"{"ok":true,"result":[{"update_id":5,"#] {
            let PollError::Unreadable { body: kept, .. } = error_of(200, body) else { panic!("{body}") };
            assert_eq!(kept.text(), body);
        }
        let abort = CallError::Unanswered { why: "cut off".to_owned(), has_begun: true };
        assert!(matches!(PollError::from(abort), PollError::Unreadable { .. }));
        let silent = CallError::Unanswered { why: "silent".to_owned(), has_begun: false };
        assert!(matches!(PollError::from(silent), PollError::Away(_)));
    }
}
