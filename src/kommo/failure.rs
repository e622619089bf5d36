//! What Kommo's errors mean for a job.

use reqwest::StatusCode;

use crate::{
    domain::{delivery::Refusal, retry::Failure},
    kommo::{
        chats::{CallError, NOT_REGISTERED},
        wire::ApiError,
    },
};

/// Kommo's code for a message whose sender it does not know ("sender: user not found"). Its HTTP status is not
/// documented.
const UNKNOWN_SENDER: i64 = 453;

impl From<CallError> for Failure {
    /// | Answer | Verdict |
    /// |---|---|
    /// | no connection | the way is broken |
    /// | a connection that broke, or no answer in time | none: time may heal it |
    /// | 429 | patience |
    /// | an answer that is not in Kommo's shape, 5xx, 408, 421, 423, 425 | none: time may heal it |
    /// | 401, 402, 403 and 404 about the channel in Kommo's shape, an empty 401, any 402 | the operator heals it |
    /// | any other refusal in Kommo's shape, and 453 with any status | this message is hopeless |
    ///
    /// The reference names 403 for a bad signature and 404 for an unknown channel; the full list is not published.
    fn from(error: CallError) -> Self {
        let why = error.to_string();
        match error {
            CallError::Unreachable(silence) => silence.failure(why),
            CallError::Foreign(stray) => stray.failure(why),
            CallError::Refused { error, .. } if error.code == Some(UNKNOWN_SENDER) => hopeless(why),
            CallError::Refused { status, error, after } => match status {
                StatusCode::TOO_MANY_REQUESTS => Self::Throttled { why, after },
                status if may_pass(status) => Self::Transient { why, after },
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Self::blocked(why),
                StatusCode::NOT_FOUND if is_channel_unknown(&error) => Self::blocked(format!(
                    "{why}: the channel is not connected to the account. `telekommo connect` connects it, or says what \
                     is wrong"
                )),
                _ => hopeless(why),
            },
        }
    }
}

fn hopeless(why: String) -> Failure {
    Failure::Permanent(Refusal::internal(why))
}

/// Whether a status says by itself that it will pass, whoever answers with it.
pub(super) fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 423 | 425)
}

/// What an error of a call about one message means: a delivery status, an edit. Kommo's 404 is about the message unless
/// it says otherwise: one message that Kommo has forgotten must not hold up the calls about all others. An empty 404
/// may also be a wrong address, so it says nothing of the message.
#[must_use]
pub fn of_status(error: CallError) -> Failure {
    match &error {
        CallError::Refused { .. } if error.is_unknown() => hopeless("Kommo knows no such message".to_owned()),
        CallError::Refused { .. } | CallError::Foreign(_) | CallError::Unreachable(_) => error.into(),
    }
}

/// A 404 with Kommo's error type about a message is about that message.
fn is_channel_unknown(error: &ApiError) -> bool {
    error.kind.is_none() || error.is_called(NOT_REGISTERED)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
