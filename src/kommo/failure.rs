//! Classifies errors of the Chats API.

use reqwest::StatusCode;

use crate::{
    domain::{delivery::Refusal, retry::Failure},
    kommo::{
        chats::{CallError, NOT_REGISTERED},
        wire::ApiError,
    },
};

/// Kommo's code for a message with an unknown sender ("sender: user not found"). Its HTTP status is not documented.
const UNKNOWN_SENDER: i64 = 453;

impl From<CallError> for Failure {
    /// | Response | Meaning |
    /// |---|---|
    /// | no connection | the connection is broken |
    /// | a broken connection, or a timeout | transient |
    /// | 429 | throttled |
    /// | a response that is not in Kommo's format, 5xx, 408, 421, 423, 425 | transient |
    /// | 401, 402, 403 and 404 about the channel in Kommo's format, an empty 401, any 402 | a person has to act |
    /// | any other refusal in Kommo's format, and 453 with any status | this message can never be sent |
    ///
    /// The reference names 403 for a bad signature and 404 for an unknown channel; the full list is not published.
    fn from(error: CallError) -> Self {
        let why = error.to_string();
        match error {
            CallError::Unreachable(no_response) => no_response.failure(why),
            CallError::Foreign(foreign) => foreign.failure(why),
            CallError::Refused { error, .. } if error.code == Some(UNKNOWN_SENDER) => permanent(why),
            CallError::Refused { status, error, after } => match status {
                StatusCode::TOO_MANY_REQUESTS => Self::Throttled { why, after },
                status if may_pass(status) => Self::Transient { why, after },
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Self::blocked(why),
                StatusCode::NOT_FOUND if is_channel_unknown(&error) => Self::blocked(format!(
                    "{why}: the channel is not connected to the account. `telekommo connect` connects it, or says what \
                     is wrong"
                )),
                _ => permanent(why),
            },
        }
    }
}

fn permanent(why: String) -> Failure {
    Failure::Permanent(Refusal::internal(why))
}

/// Whether a status is transient, whoever responds with it.
pub(super) fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 421 | 423 | 425)
}

/// Classifies the error of a call about an existing message: a delivery status, an edit. Kommo's 404 is about the
/// message unless it says otherwise: one message that Kommo does not know must not hold up the calls about all others.
/// An empty 404 may also mean a wrong address, so it says nothing about the message.
#[must_use]
pub fn of_status(error: CallError) -> Failure {
    match &error {
        CallError::Refused { .. } if error.is_unknown() => permanent("Kommo knows no such message".to_owned()),
        CallError::Refused { .. } | CallError::Foreign(_) | CallError::Unreachable(_) => error.into(),
    }
}

/// A 404 with another error type is about the message.
fn is_channel_unknown(error: &ApiError) -> bool {
    error.kind.is_none() || error.is_called(NOT_REGISTERED)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
