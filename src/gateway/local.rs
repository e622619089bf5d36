//! Refuses calls that a Bot API server of one's own must not get if it runs with `--local`. Such a server names files
//! by paths on its machine, which contain the bot's token, and it reads any path that it is given.

use axum::http::{header, request::Parts};
use serde_json::Value;

use crate::gateway::{
    answer::Answer,
    params::{Params, pairs},
};

/// Parameters with text for people, which may begin like a path.
const PLAIN_TEXT: [&str; 2] = ["caption", "text"];
/// How a part of a form with a path begins.
const PART_WITH_PATH: &[u8] = b"\r\n\r\nfile:/";

/// The error response to a call that such a server must not get, judged by the beginning of its body.
pub(super) fn refusal(method: &str, head: &Parts, beginning: &[u8]) -> Option<Answer> {
    if method == "getFile" {
        return Some(refused("getFile is not forwarded while telegram.local is set"));
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind_of_body = kind.to_ascii_lowercase();
    let is_form = kind_of_body.starts_with("multipart/");
    let of_body = if is_form {
        Params::of_beginning(None, kind, beginning)
    } else {
        match Params::read(None, kind, beginning) {
            Ok(params) => params,
            Err(answer) => return Some(answer),
        }
    };
    // A name may occur twice, and nobody knows which one counts.
    let mut all = pairs(head.uri.query().unwrap_or_default());
    if kind_of_body.starts_with("application/x-www-form-urlencoded") {
        all.extend(pairs(&String::from_utf8_lossy(beginning)));
    }
    let is_part = |bytes: &[u8]| bytes.eq_ignore_ascii_case(PART_WITH_PATH);
    let is_refused = all.iter().any(|(name, text)| names_path(name, text))
        || of_body.texts().any(|(name, text)| names_path(name, text))
        || is_form && beginning.windows(PART_WITH_PATH.len()).any(is_part);
    is_refused
        .then(|| refused("a file cannot be named by its path on the server: upload it, or send its file_id or URL"))
}

fn refused(why: &str) -> Answer {
    Answer::refused(400, &format!("Bad Request: {why}"))
}

fn names_path(name: &str, text: &str) -> bool {
    let within = |text| serde_json::from_str::<Value>(text).is_ok_and(|value| has_path(name, &value));
    !PLAIN_TEXT.contains(&name) && (is_path(text) || within(text))
}

fn has_path(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => !PLAIN_TEXT.contains(&name) && is_path(text),
        Value::Array(values) => values.iter().any(|value| has_path(name, value)),
        Value::Object(fields) => fields.iter().any(|(name, value)| has_path(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_path(text: &str) -> bool {
    text.trim_start().get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case("file:"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn is_refused(method: &str, query: &str, kind: &str, body: &str) -> bool {
        let request = Request::post(format!("/?{query}")).header(header::CONTENT_TYPE, kind).body(()).unwrap();
        let (head, ()) = request.into_parts();
        refusal(method, &head, body.as_bytes()).is_some()
    }

    #[test]
    fn paths_on_the_servers_machine_are_refused_wherever_they_are() {
        let (json, encoded, form) =
            ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x");
        let part = "--x\r\nContent-Disposition: form-data; name=\"photo\"\r\n\r\nfile:/a\r\n--x--\r\n";
        for (query, kind, body, want) in [
            ("chat_id=7&photo=file:///a", "", "", true),
            ("photo=file:///a", json, r#"{"photo":"id"}"#, true),
            ("", json, r#"{"photo":"FILE:///a"}"#, true),
            ("", json, r#"{"media":[{"type":"photo","media":"file:///a","caption":"x"}]}"#, true),
            ("", encoded, "media=%5B%7B%22media%22%3A%22file%3A%2F%2F%2Fa%22%7D%5D", true),
            ("", form, part, true),
            ("photo=file:///a&photo=id", "", "", true),
            ("", encoded, "photo=file:///a&photo=id", true),
            ("", json, "{", true),
            ("", json, r#"{"photo":"https://example.com/file:a"}"#, false),
            ("", json, r#"{"text":"file: see below","chat_id":7}"#, false),
            ("", json, r#"{"media":[{"media":"attach://a","caption":"file: a"}]}"#, false),
            ("", "", "", false),
        ] {
            assert_eq!(is_refused("sendPhoto", query, kind, body), want, "{query} {body}");
        }
        assert!(is_refused("getFile", "", "", ""));
    }
}
