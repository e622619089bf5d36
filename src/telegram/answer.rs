//! Reads a response of the Bot API. Pure. A response in another format does not come from the Bot API, but from a proxy
//! or a filter.
//!
//! The result stays raw JSON, so that neither its depth nor a new detail can turn a success into a failure.

use std::{collections::BTreeMap, time::Duration};

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::telegram::error::{ApiError, CallError, Foreign, OpaqueBody};

/// A response: its status, `Retry-After`, and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: String,
}

/// A JSON object: raw values by name.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The result, or the error (Bot API, "Making requests").
pub(crate) fn read(answer: Answer) -> Result<Box<RawValue>, CallError> {
    let Answer { status, retry_after, body } = answer;
    let read = serde_json::from_str::<Object<'_>>(&body).ok().and_then(|object| match field(&object, "ok") {
        Some(true) if status.is_success() => result(&object).map(Ok),
        Some(false) => refusal(&object, retry_after).map(Err),
        Some(true) | None => None,
    });
    match read {
        Some(answer) => answer.map_err(CallError::Refused),
        None => Err(CallError::Foreign(Foreign { status, retry_after, body: OpaqueBody::new(body) })),
    }
}

fn result(object: &Object<'_>) -> Option<Box<RawValue>> {
    object.get("result").filter(|result| result.get() != "null").map(|result| (*result).to_owned())
}

fn refusal(object: &Object<'_>, retry_after: Option<Duration>) -> Option<ApiError> {
    let parameters: Object<'_> =
        object.get("parameters").and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
    Some(ApiError {
        code: field(object, "error_code")?,
        description: field(object, "description")?,
        retry_after: field(&parameters, "retry_after").map(Duration::from_secs).or(retry_after),
        migrate_to_chat_id: field(&parameters, "migrate_to_chat_id"),
    })
}

fn field<T: DeserializeOwned>(object: &Object<'_>, name: &str) -> Option<T> {
    serde_json::from_str(object.get(name)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<String, CallError> {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, retry_after: Some(Duration::from_secs(9)), body: body.to_owned() };
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
    fn a_refusal_is_read_with_any_status() {
        let body = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
        for status in [200, 429, 502] {
            let Err(CallError::Refused(error)) = read(status, body) else { panic!("{status}") };
            assert_eq!((error.code, error.retry_after), (429, Some(Duration::from_secs(7))));
            assert_eq!(error.description, "Too Many Requests: retry after 7");
        }
        let moved = r#"{"ok":false,"error_code":400,"description":"x","parameters":{"migrate_to_chat_id":-100500}}"#;
        let Err(CallError::Refused(error)) = read(400, moved) else { panic!() };
        assert_eq!(error.migrate_to_chat_id, Some(-100_500));
        assert_eq!(error.retry_after, Some(Duration::from_secs(9)), "the header counts if the body has none");
    }

    #[test]
    fn other_formats_are_foreign() {
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
            assert_eq!(foreign.retry_after, Some(Duration::from_secs(9)));
        }
    }
}
