//! What Kommo's errors mean for a job.

use reqwest::StatusCode;

use crate::{
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    kommo::chats::CallError,
};

impl From<CallError> for Failure {
    /// | Answer | Verdict |
    /// |---|---|
    /// | no answer, 408, 429, 5xx, an answer that is not Kommo's, 403 without Kommo's error (a firewall) | time heals it |
    /// | 401, 402, Kommo's 403, 3xx, 404 `ORIGIN_NOT_REGISTERED`, 404 without Kommo's error | the operator heals it |
    /// | any other refusal | this message is hopeless |
    ///
    /// The reference names 403 for a bad signature and 404 for an unknown channel; the full list is not published.
    fn from(error: CallError) -> Self {
        let why = error.to_string();
        match error {
            CallError::Unreachable(_) => Self::unreachable(why),
            CallError::Nonsense(_) => Self::transient(why),
            CallError::Refused { status, error, after } => match status {
                StatusCode::TOO_MANY_REQUESTS => Self::Throttled { why, after },
                StatusCode::REQUEST_TIMEOUT => Self::Transient { why, after },
                status if status.is_server_error() => Self::Transient { why, after },
                StatusCode::FORBIDDEN if error.error_type.is_none() && error.error_code.is_none() => {
                    Self::Transient { why, after }
                }
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Self::blocked(why),
                status if status.is_redirection() => Self::blocked(why),
                StatusCode::NOT_FOUND if is_channel_unknown(error.error_type.as_deref()) => Self::blocked(format!(
                    "{why}: the channel is not connected to the account. `telekommo connect` connects it, or says what is wrong"
                )),
                _ => Self::Permanent(Refusal::new(ErrorCode::Internal, why)),
            },
        }
    }
}

/// What an error of a call about one message means: a delivery status, an edit. A 404 is about the message unless it says
/// otherwise: one message that Kommo has forgotten must not hold up the calls about all others.
#[must_use]
pub fn of_status(error: CallError) -> Failure {
    match &error {
        CallError::Refused { status: StatusCode::NOT_FOUND, error: api, .. } if api.error_type.is_none() => {
            Failure::Permanent(Refusal::new(ErrorCode::Internal, "Kommo knows no such message"))
        }
        CallError::Refused { .. } | CallError::Nonsense(_) | CallError::Unreachable(_) => error.into(),
    }
}

/// A 404 with Kommo's error about a message is about that message; one without any is a wrong address.
fn is_channel_unknown(error_type: Option<&str>) -> bool {
    error_type.is_none_or(|text| text == "ORIGIN_NOT_REGISTERED")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kommo::wire::ApiError;

    fn refused(status: u16, body: &str) -> CallError {
        let error: ApiError = serde_json::from_str(body).unwrap_or_default();
        CallError::Refused { status: StatusCode::from_u16(status).unwrap(), error, after: None }
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

    const NOT_REGISTERED: &str = include_str!("../../tests/fixtures/kommo/answer_error.json");

    #[test]
    fn each_answer_has_its_verdict() {
        let cases = [
            (refused(500, ""), "transient"),
            (refused(502, "<html>"), "transient"),
            (refused(429, ""), "throttled"),
            (refused(408, ""), "transient"),
            (refused(301, ""), "blocked"),
            (refused(401, ""), "blocked"),
            (refused(402, ""), "blocked"),
            (refused(403, r#"{"error_type":"ORIGIN_INVALID_SIGNATURE"}"#), "blocked"),
            (refused(403, "<html>blocked by a firewall</html>"), "transient"),
            (refused(404, NOT_REGISTERED), "blocked"),
            (refused(404, ""), "blocked"),
            (refused(404, r#"{"error_type":"MESSAGE_NOT_FOUND"}"#), "permanent"),
            (refused(400, r#"{"error_code":453}"#), "permanent"),
            (refused(413, ""), "permanent"),
            (CallError::Nonsense(StatusCode::OK), "transient"),
            (CallError::Unreachable("refused".to_owned()), "unreachable"),
        ];
        for (error, want) in cases {
            assert_eq!(kind(&error.clone().into()), want, "{error}");
        }
    }

    #[test]
    fn a_forgotten_message_does_not_hold_up_other_statuses() {
        assert_eq!(kind(&of_status(refused(404, ""))), "permanent");
        assert_eq!(kind(&of_status(refused(404, NOT_REGISTERED))), "blocked");
        assert_eq!(kind(&of_status(refused(500, ""))), "transient");
    }

    #[test]
    fn the_wait_that_kommo_asks_for_is_kept() {
        let after = Some(Duration::from_secs(9));
        let error = CallError::Refused { status: StatusCode::TOO_MANY_REQUESTS, error: ApiError::default(), after };
        assert!(matches!(error.into(), Failure::Throttled { after: Some(wait), .. } if wait.as_secs() == 9));
    }
}
