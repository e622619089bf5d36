//! Classifies Telegram's errors.
//!
//! Only a response in Telegram's own format is about the message (`telegram::answer`). Telegram has some ten codes for
//! hundreds of causes, so the beginning of the text decides. The texts are those of Telegram's own server.

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    telegram::{
        error::{ApiError, CallError},
        obstacle::Obstacle,
        refusals::{self, About},
        routing::Redirect,
    },
    words::refusal,
};

/// Classifies the failure of a call that sends something.
///
/// | Response | Meaning |
/// |---|---|
/// | no connection | nothing was sent: the connection is broken |
/// | a broken connection, a timeout, a 504 in either format, half a success | it may have arrived |
/// | 401, 404 "Not Found", 421, "Logged out", in Telegram's format | a person has to act |
/// | 429 in either format | too many requests |
/// | 400, 403, 404, 413, in Telegram's format | this message can never be sent |
/// | any other response, in either format | it says nothing about the message |
#[must_use]
pub fn of_send(error: CallError) -> Failure {
    let why = error.to_string();
    match error {
        CallError::Refused(error) => of_refusal(&error, why),
        CallError::Unreachable(_) => Failure::unreachable(why),
        CallError::Unanswered { .. } => Failure::Uncertain(uncertain()),
        CallError::Foreign(foreign) if foreign.status.as_u16() == TOO_MANY => {
            Failure::Throttled { why, after: foreign.retry_after }
        }
        CallError::Foreign(foreign) if foreign.may_be_success() => Failure::Uncertain(uncertain()),
        CallError::Foreign(foreign) => Failure::Transient { why, after: foreign.retry_after },
    }
}

/// Classifies the failure of an idempotent call: it is retried where the result is unknown.
#[must_use]
pub fn of_repeatable(error: CallError) -> Failure {
    let why = error.to_string();
    let failure = of_send(error);
    if matches!(failure, Failure::Uncertain(_)) { Failure::transient(why) } else { failure }
}

/// The result of an idempotent call. A refusal may mean that there is nothing left to do.
pub(super) fn ok_if_already_done<T>(answer: Result<T, CallError>) -> Result<(), Failure> {
    match answer {
        Err(CallError::Refused(error)) if is_moot(&error) => Ok(()),
        answer => answer.map(drop).map_err(of_repeatable),
    }
}

fn is_moot(error: &ApiError) -> bool {
    let moot = ["query is too old", "message is not modified", "message to edit not found"];
    error.code == BAD_REQUEST && moot.iter().any(|moot| error.description.contains(moot))
}

/// Telegram's text if it has refused a message only because of its buttons.
pub(super) fn about_buttons(error: &CallError) -> Option<&str> {
    let CallError::Refused(ApiError { code: BAD_REQUEST, description, .. }) = error else { return None };
    let text = description.to_lowercase();
    let words = ["button", "inline keyboard", "reply markup", "reply_markup", "reply keyboard"];
    words.iter().any(|part| text.contains(part)).then_some(description)
}

/// Where to send a message that Telegram has refused only because of its chat or topic.
pub(super) fn redirect(error: &CallError) -> Option<Redirect> {
    match error {
        CallError::Refused(ApiError { migrate_to_chat_id: Some(now), .. }) => Some(Redirect::Chat(*now)),
        CallError::Refused(error) => by_place(&error.description),
        CallError::Unreachable(_) | CallError::Unanswered { .. } | CallError::Foreign(_) => None,
    }
}

fn by_place(text: &str) -> Option<Redirect> {
    let why = text.strip_prefix("Bad Request: ")?;
    ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", "message to be replied not found"]
        .iter()
        .any(|start| why.starts_with(start))
        .then_some(Redirect::Within)
}

/// Whether Telegram has refused the content of a message, and may accept it in another form.
pub(super) fn is_about_content(error: &CallError) -> bool {
    let CallError::Refused(error) = error else { return false };
    let is_about_recipient = refusals::known(&error.description).is_some_and(|(_, about)| about == About::Recipient);
    error.code == BAD_REQUEST && Obstacle::of(error).is_none() && !is_about_recipient
}

fn of_refusal(error: &ApiError, why: String) -> Failure {
    if let Some(obstacle) = Obstacle::of(error) {
        return Failure::blocked(obstacle.to_string());
    }
    if error.migrate_to_chat_id.is_some() {
        return Failure::Permanent(Refusal::new(ErrorCode::Other, refusal::moved()));
    }
    match error.code {
        TOO_MANY => Failure::Throttled { why, after: error.retry_after },
        GATEWAY_TIMEOUT => Failure::Uncertain(uncertain()),
        BAD_REQUEST | FORBIDDEN | NOT_FOUND | TOO_LARGE => Failure::Permanent(refused(error)),
        _ => Failure::Transient { why, after: error.retry_after },
    }
}

const BAD_REQUEST: u16 = 400;
const FORBIDDEN: u16 = 403;
const NOT_FOUND: u16 = 404;
const TOO_LARGE: u16 = 413;
const TOO_MANY: u16 = 429;
const GATEWAY_TIMEOUT: u16 = 504;

fn refused(error: &ApiError) -> Refusal {
    let unknown = || Refusal::new(ErrorCode::Other, refusal::unknown(&error.description));
    refusals::known(&error.description).map_or_else(unknown, |(refusal, _)| refusal)
}

/// What managers read about a file that Telegram refuses.
pub(super) fn file_refused(error: &ApiError) -> Refusal {
    let unknown = || Refusal::new(ErrorCode::Other, refusal::file_refused(&error.description));
    refusals::known(&error.description).map_or_else(unknown, |(refusal, _)| refusal)
}

/// What managers read if it is unknown whether a message has arrived.
#[must_use]
pub fn uncertain() -> Refusal {
    Refusal::uncertain(refusal::connection_broke())
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
