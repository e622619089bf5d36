//! Errors without a response, and the texts of errors. The table of all responses is in the tests of
//! [`crate::kommo::chats`].

use std::time::Duration;

use super::*;
use crate::kommo::http::NoResponse;

fn refused(status: u16, body: &str) -> CallError {
    CallError::refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes(), None)
}

#[test]
fn a_failed_connection_differs_from_a_missing_response() {
    let silent = |was_connected| CallError::Unreachable(NoResponse { why: "refused".to_owned(), was_connected });
    assert!(matches!(silent(false).into(), Failure::Unreachable { .. }));
    assert!(matches!(silent(true).into(), Failure::Transient { .. }));
}

#[test]
fn retry_after_is_kept() {
    let after = Some(Duration::from_secs(9));
    for body in ["", "<html>", r#"{"error_code":429,"error_description":"slowly"}"#] {
        for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
            let failure = Failure::from(CallError::refusal(status, body.as_bytes(), after));
            assert_eq!(failure.after(), after, "{status} {body}");
        }
    }
}

#[test]
fn the_text_names_who_has_responded() {
    for (error, words) in [
        (refused(405, "<html>"), "something between us and Kommo answered 405 (HTML)"),
        (
            refused(403, r#"{"error_type":"ORIGIN_INVALID_SIGNATURE"}"#),
            "Kommo answered 403 Forbidden ORIGIN_INVALID_SIGNATURE",
        ),
        (
            refused(400, r#"{"title":"Bad Request","status":400,"detail":"no text","trace_id":"t-1"}"#),
            "Kommo answered 400 Bad Request no text (trace_id t-1)",
        ),
    ] {
        assert_eq!(Failure::from(error).why(), words);
    }
}
