//! The verdicts on every status, with every kind of body, for every kind of call of the REST API.

use serde_json::Value;

use super::*;
use crate::domain::retry::Failure;

/// The kinds of bodies, in the order of the columns below. `STATUS` stands for the status of the response.
const BODIES: [(&str, &str); 9] = [
    ("empty", ""),
    ("page", "<html><head><title>STATUS</title></head></html>"),
    ("filter", r#"{"error":"forbidden"}"#),
    ("gateway", r#"{"status":STATUS,"message":"no"}"#),
    (
        "cloud",
        r#"{"title":"Error 1020","status":STATUS,"detail":"no","error_code":1020,"error_name":"denied","cloudflare_error":true}"#,
    ),
    ("cut", r#"{"title":"Forbidden","type":"https://httpstatus.es/STATUS","sta"#),
    ("problem", r#"{"title":"No","type":"https://httpstatus.es/STATUS","status":STATUS,"detail":"no"}"#),
    ("faults", r#"{"validation-errors":[{"request_id":"0","errors":[{"code":"InvalidType","path":"id"}]}]}"#),
    ("batch", r#"{"errors":[{"request_id":"0","errors":{"code":"EntityNotFound","path":"id","detail":"no"}}]}"#),
];

/// The verdicts by status, one letter for each kind of body: `t`ransient, th`r`ottled, `b`locked, `p`ermanent.
const REFUSALS: [(&[u16], &str); 6] = [
    (&[401], "bttttt bbb"),
    (&[402], "bbbbbb bbb"),
    (&[403], "tttttt bbb"),
    (&[408, 421, 423, 425, 500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 530], "tttttt ttt"),
    (&[300, 301, 302, 303, 304, 307, 308], "tttttt ppp"),
    (
        &[
            400, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 424, 426, 428, 431, 444,
            451, 495, 499,
        ],
        "tttttt ppp",
    ),
];

fn letter(failure: &Failure) -> char {
    match failure {
        Failure::Unreachable { .. } => 'u',
        Failure::Transient { .. } => 't',
        Failure::NotYet { .. } => 'n',
        Failure::Throttled { .. } => 'r',
        Failure::Blocked { .. } => 'b',
        Failure::Uncertain(_) => '?',
        Failure::Permanent(_) => 'p',
    }
}

fn verdict(status: u16, kind: &str) -> char {
    let (code, body) = (StatusCode::from_u16(status).unwrap(), kind.replace("STATUS", &status.to_string()));
    let problem = Problem::of_kommo(code, body.as_bytes());
    letter(&refusal(code, problem, body.as_bytes(), None).into())
}

#[test]
fn each_refusal_has_its_verdict() {
    for (statuses, want) in REFUSALS {
        for status in statuses {
            let letters = BODIES.map(|(_, kind)| verdict(*status, kind));
            let letters =
                format!("{} {}", letters[..6].iter().collect::<String>(), letters[6..].iter().collect::<String>());
            assert_eq!(letters, want, "{status}");
        }
    }
}

/// Reads a success.
type Read = fn(StatusCode, &[u8]) -> Result<(), RestError>;

/// How each kind of call reads a success.
const CALLS: [(&str, Read); 6] = [
    ("account", |status, body| people::account_info(status, body).map(drop)),
    ("get", |status, body| decoded::<Value>(status, body).map(drop)),
    ("list", |status, body| page_of::<Value>(status, body, "sources").map(drop)),
    ("post", |status, body| first::<Value>(status, body, "sources").map(drop)),
    ("patch of contact 1", |status, body| changed(status, body, 1)),
    ("patch and delete", done),
];

/// Bodies of successes, and which calls accept them: `+`, in the order of [`CALLS`].
const SUCCESSES: [(&str, &str); 9] = [
    ("", ".....+"),
    ("<html>at work</html>", "......"),
    (r#"{"id":1,"na"#, "......"),
    (r#"{"id":1,"name":"x"}"#, ".+..++"),
    (r#"{"id":2,"name":"x"}"#, ".+...+"),
    (r#"{"id":1,"name":"x","subdomain":"acme"}"#, "++..++"),
    (r#"{"_embedded":{"sources":[]}}"#, "..+..+"),
    (r#"{"_embedded":{"sources":[{"id":1}]}}"#, "..++.+"),
    (r#"{"error":"forbidden"}"#, "......"),
];

#[test]
fn each_success_is_accepted_by_its_calls_only() {
    for status in [200, 201, 202] {
        let code = StatusCode::from_u16(status).unwrap();
        for (text, want) in SUCCESSES {
            let outcomes = CALLS.map(|(_, read)| read(code, text.as_bytes()));
            let accepted: String = outcomes.iter().map(|it| if it.is_ok() { '+' } else { '.' }).collect();
            assert_eq!(accepted, want, "{status} {text}");
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert_eq!(letter(&error.into()), 't', "{status} {text}");
            }
        }
    }
}
