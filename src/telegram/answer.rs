//! Reading an answer of the Bot API, without I/O. Only its own shape is an answer; whatever else comes, came from
//! something in between.
//!
//! The result stays as it came: neither its depth nor a detail that is new can turn a success into a failure.

use std::{collections::BTreeMap, time::Duration};

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::telegram::error::{ApiError, CallError, Foreign, OpaqueBody};

/// What came back: the status, `Retry-After`, and the body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) after: Option<Duration>,
    pub(crate) body: String,
}

/// The fields of the answer's object, by their names.
type Shape<'a> = BTreeMap<String, &'a RawValue>;

/// The result, or why there is none (Bot API, "Making requests").
pub(crate) fn read(answer: Answer) -> Result<Box<RawValue>, CallError> {
    let Answer { status, after, body } = answer;
    let read = serde_json::from_str::<Shape<'_>>(&body).ok().and_then(|shape| match field(&shape, "ok") {
        Some(true) if status.is_success() => result(&shape).map(Ok),
        Some(false) => refusal(&shape, after).map(Err),
        Some(true) | None => None,
    });
    match read {
        Some(answer) => answer.map_err(CallError::Refused),
        None => Err(CallError::Foreign(Foreign { status, after, body: OpaqueBody::new(body) })),
    }
}

fn result(shape: &Shape<'_>) -> Option<Box<RawValue>> {
    shape.get("result").filter(|result| result.get() != "null").map(|result| (*result).to_owned())
}

fn refusal(shape: &Shape<'_>, after: Option<Duration>) -> Option<ApiError> {
    let parameters: Shape<'_> =
        shape.get("parameters").and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
    Some(ApiError {
        code: field(shape, "error_code")?,
        description: field(shape, "description")?,
        retry_after: field(&parameters, "retry_after").map(Duration::from_secs).or(after),
        migrate_to_chat_id: field(&parameters, "migrate_to_chat_id"),
    })
}

fn field<T: DeserializeOwned>(shape: &Shape<'_>, name: &str) -> Option<T> {
    serde_json::from_str(shape.get(name)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<String, CallError> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, after: Some(Duration::from_secs(9)), body: body.to_owned() };
        super::read(answer).map(|result| result.get().to_owned())
    }

    #[test]
    fn a_result_stays_as_it_came() {
        for result in ["true", r#"{"b" : 1,"a":1e999,"a":"\ud800"}"#, "[ ]"] {
            assert_eq!(read(200, &format!(r#" {{"ok":true,"result":{result}}} "#)).unwrap(), result);
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(200, &format!(r#"{{"ok":true,"result":{deep}}}"#)).unwrap(), deep);
    }

    #[test]
    fn a_refusal_is_told_whatever_the_status() {
        let body = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
        for status in [200, 429, 502] {
            let Err(CallError::Refused(error)) = read(status, body) else { panic!("{status}") };
            assert_eq!((error.code, error.retry_after), (429, Some(Duration::from_secs(7))));
            assert_eq!(error.description, "Too Many Requests: retry after 7");
        }
        let moved = r#"{"ok":false,"error_code":400,"description":"x","parameters":{"migrate_to_chat_id":-100500}}"#;
        let Err(CallError::Refused(error)) = read(400, moved) else { panic!() };
        assert_eq!(error.migrate_to_chat_id, Some(-100_500));
        assert_eq!(error.retry_after, Some(Duration::from_secs(9)), "the header, where the body does not tell");
    }

    #[test]
    fn nothing_else_is_an_answer() {
        for (status, body) in [
            (200, ""),
            (200, "<html>"),
            (200, "[]"),
            (200, "true"),
            (200, r#"{"ok":true}"#),
            (200, r#"{"ok":true,"result":null}"#),
            (200, r#"{"ok":"true","result":1}"#),
            (200, r#"{"ok":true,"result":{"#),
            (302, r#"{"ok":true,"result":1}"#),
            (403, r#"{"ok":false}"#),
            (403, r#"{"ok":false,"description":"blocked by the filter"}"#),
            (403, r#"{"ok":false,"error_code":"403","description":"blocked"}"#),
            (403, r#"{"error":{"code":403,"message":"Forbidden"}}"#),
            (404, "<html><center><h1>404 Not Found</h1></center></html>"),
            (502, r#"{"error_code":502,"description":"Bad Gateway"}"#),
        ] {
            let Err(CallError::Foreign(foreign)) = read(status, body) else { panic!("{status} {body}") };
            assert_eq!((foreign.status.as_u16(), foreign.body.text()), (status, body));
            assert_eq!(foreign.after, Some(Duration::from_secs(9)));
        }
    }
}
