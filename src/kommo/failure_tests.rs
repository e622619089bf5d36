//! Errors that are no answer, and the words of those that are. The table of all answers is beside [`crate::kommo::chats`].

use std::time::Duration;

use super::*;

fn refused(status: u16, body: &str) -> CallError {
    CallError::refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes(), None)
}

#[test]
fn no_connection_is_no_answer() {
    assert!(matches!(CallError::Unreachable("refused".to_owned()).into(), Failure::Unreachable { .. }));
}

#[test]
fn the_wait_that_somebody_asks_for_is_kept() {
    let after = Some(Duration::from_secs(9));
    for body in ["", "<html>", r#"{"error_code":429,"error_description":"slowly"}"#] {
        for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
            let failure = Failure::from(CallError::refusal(status, body.as_bytes(), after));
            assert_eq!(failure.after(), after, "{status} {body}");
        }
    }
}

#[test]
fn whoever_spoke_is_named() {
    for (error, words) in [
        (refused(405, "<html>"), "something between us and Kommo answered 405 (HTML)"),
        (
            refused(403, r#"{"error_type":"ORIGIN_INVALID_SIGNATURE"}"#),
            "Kommo answered 403 Forbidden ORIGIN_INVALID_SIGNATURE",
        ),
        (
            refused(400, r#"{"title":"Bad Request","status":400,"detail":"no text","trace_id":"t-1"}"#),
            "Kommo answered 400 Bad Request Bad Request no text t-1",
        ),
    ] {
        assert_eq!(Failure::from(error).why(), words);
    }
}
