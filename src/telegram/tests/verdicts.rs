//! The verdicts on every status with every format of a body, for every kind of call.

use std::time::Duration;

use reqwest::StatusCode;

use crate::{
    domain::retry::Failure,
    telegram::{
        answer::{self, Answer},
        error::CallError,
        failure::{of_repeatable, of_send},
        file::{self, FileError},
    },
};

const HTML: &str = "<html><head><title>x</title></head><body><h1>Sorry</h1></body></html>";
const BODIES: [&str; 8] = [
    HTML,
    "plain words",
    "{}",
    "[]",
    "null",
    r#"{"error":{"code":403,"message":"blocked by the filter"}}"#,
    r#"{"ok":false,"description":"no number"}"#,
    r#"{"ok":false,"error_code":400}"#,
];
const STATUSES: [u16; 45] = [
    200, 201, 202, 204, 206, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411,
    412, 413, 414, 415, 416, 418, 421, 422, 423, 425, 429, 431, 451, 500, 501, 502, 503, 504, 507, 511, 520, 525,
];

fn error(status: u16, body: &str) -> CallError {
    let status = StatusCode::from_u16(status).unwrap();
    let retry_after = Some(Duration::from_secs(5));
    answer::read(Answer { status, retry_after, body: body.to_owned() }).unwrap_err()
}

/// A verdict in one word.
fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable { .. } => "unreachable",
        Failure::Transient { .. } => "none",
        Failure::NotYet { .. } => "not yet",
        Failure::Throttled { .. } => "patience",
        Failure::Blocked { .. } => "person",
        Failure::Uncertain(_) => "uncertain",
        Failure::Permanent(_) => "hopeless",
    }
}

#[test]
fn a_foreign_response_is_no_verdict() {
    for status in STATUSES {
        for body in BODIES {
            let (send, repeatable, file) = match status {
                429 => ("patience", "patience", FileError::Later),
                504 => ("uncertain", "none", FileError::Unreachable),
                _ => ("none", "none", FileError::Unreachable),
            };
            assert_eq!(kind(&of_send(error(status, body))), send, "{status} {body}");
            assert_eq!(kind(&of_repeatable(error(status, body))), repeatable, "{status} {body}");
            assert_eq!(file::verdict(&error(status, body)), file, "{status} {body}");
            assert_eq!(of_send(error(status, HTML)).after().is_some(), status != 504, "{status}: the header counts");
        }
    }
}

#[test]
fn an_empty_or_broken_success_is_uncertain() {
    for status in STATUSES {
        let empty = if status < 300 || status == 504 { "uncertain" } else { "none" };
        let want = if status == 429 { "patience" } else { empty };
        assert_eq!(kind(&of_send(error(status, ""))), want, "{status}");
        for half in
            [r#"{"ok":true"#, r#"{"ok":true,"result":{"message_id":5,"te"#, r#" { "ok" : true , "result": null}"#]
        {
            let want = if status == 429 { "patience" } else { "uncertain" };
            assert_eq!(kind(&of_send(error(status, half))), want, "{status} {half}");
            assert_eq!(kind(&of_repeatable(error(status, half))), want.replace("uncertain", "none"), "{status} {half}");
        }
    }
}

#[test]
fn telegrams_own_texts_are_verdicts() {
    let (later, gone) = (FileError::Later, FileError::Gone);
    for (code, description, send, repeatable, file) in [
        (400, "Bad Request: chat not found", "hopeless", "hopeless", gone),
        (400, "Bad Request: nobody has seen this", "hopeless", "hopeless", gone),
        (
            400,
            "Bad Request: wrong file_id or the file is temporarily unavailable",
            "hopeless",
            "hopeless",
            FileError::Refused,
        ),
        (400, "Logged out", "person", "person", later),
        (401, "Unauthorized", "person", "person", later),
        (401, "Unauthorized: invalid token specified", "person", "person", later),
        (403, "Forbidden: bot was blocked by the user", "hopeless", "hopeless", later),
        (404, "Not Found", "person", "person", later),
        (404, "Not Found: method not found", "hopeless", "hopeless", later),
        (405, "Method Not Allowed", "none", "none", later),
        (409, "Conflict: terminated by other getUpdates request", "none", "none", later),
        (413, "Request Entity Too Large", "hopeless", "hopeless", later),
        (421, "Misdirected Request: unallowed token specified", "person", "person", later),
        (429, "Too Many Requests: retry after 5", "patience", "patience", later),
        (500, "Internal Server Error", "none", "none", later),
        (500, "Internal Server Error: restart", "none", "none", later),
        (502, "Bad Gateway", "none", "none", later),
        (503, "Service Unavailable", "none", "none", later),
        (504, "Gateway Timeout", "uncertain", "none", later),
    ] {
        let body = serde_json::json!({ "ok": false, "error_code": code, "description": description }).to_string();
        // A proxy may change the status, but not the text.
        for status in [code, 200, 500] {
            assert_eq!(kind(&of_send(error(status, &body))), send, "{status} {description}");
            assert_eq!(kind(&of_repeatable(error(status, &body))), repeatable, "{status} {description}");
            assert_eq!(file::verdict(&error(status, &body)), file, "{status} {description}");
        }
    }
}

#[test]
fn a_broken_connection_is_uncertain_only_after_the_request_was_sent() {
    let broken = |has_begun| CallError::Unanswered { why: "broken".to_owned(), has_begun };
    for (error, send, repeatable) in [
        (CallError::Unreachable("refused".to_owned()), "unreachable", "unreachable"),
        (broken(false), "uncertain", "none"),
        (broken(true), "uncertain", "none"),
    ] {
        assert_eq!(kind(&of_send(error.clone())), send);
        assert_eq!(kind(&of_repeatable(error.clone())), repeatable);
        assert_eq!(file::verdict(&error), FileError::Unreachable);
    }
    assert_eq!(of_send(CallError::Unreachable("refused".to_owned())).why(), "Telegram cannot be reached: refused");
}
