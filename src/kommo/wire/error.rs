//! Errors of the Chats API, in one of two formats ("HTTP codes"). The older one has a code and a type or a description.
//! The newer one is that of the REST API: title, detail, the status or a type, and the id of the request.

use std::fmt;

use reqwest::StatusCode;
use serde_json::{Map, Value};

use crate::kommo::wire::trace::{self, quoted};

/// An error of the Chats API. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// Often, not always, the HTTP status.
    pub code: Option<i64>,
    /// Such as `ORIGIN_INVALID_SIGNATURE`, in the older format.
    pub kind: Option<String>,
    /// Such as `ErrInternalServer`, in the newer one.
    pub title: Option<String>,
    pub sentence: Option<String>,
    /// Kommo's id of the request.
    pub trace: Option<String>,
}

impl ApiError {
    /// Whether it has this name, in either format.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        [&self.kind, &self.title].into_iter().flatten().any(|it| it == name)
    }

    /// Reads a response with this status, if it is in one of the formats. A filter's `{"error":"forbidden"}` is in
    /// neither. Cloudflare's errors have the fields of both, and a field with its name.
    #[must_use]
    pub fn of_kommo(status: StatusCode, body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let fields = value.as_object()?;
        let is_of_cloud = fields.keys().any(|key| key.starts_with("cloudflare") || key == "error_name");
        let is_kommo = !is_of_cloud && (is_older(fields) || is_newer(status, fields));
        is_kommo.then(|| Self {
            code: fields.get("error_code").and_then(Value::as_i64),
            kind: first_text(fields, ["error_type"]),
            // It would repeat the status.
            title: first_text(fields, ["title"]).filter(|title| status.canonical_reason() != Some(title)),
            sentence: first_text(fields, ["error_description", "detail"]),
            trace: trace::of(fields),
        })
    }
}

fn is_older(fields: &Map<String, Value>) -> bool {
    let has_code = fields.get("error_code").is_some_and(Value::is_i64);
    first_text(fields, ["error_type"]).is_some() || (has_code && has_text(fields, "error_description"))
}

fn is_newer(status: StatusCode, fields: &Map<String, Value>) -> bool {
    let is_same = |value: &Value| value.as_u64() == Some(status.as_u16().into());
    let names_status = fields.get("status").map_or_else(|| has_text(fields, "type"), is_same);
    has_text(fields, "title") && (has_text(fields, "detail") || has_text(fields, "trace_id")) && names_status
}

fn has_text(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).is_some_and(Value::is_string)
}

/// The first of these fields that is not blank.
fn first_text<const N: usize>(fields: &Map<String, Value>, names: [&str; N]) -> Option<String> {
    let texts = names.into_iter().filter_map(|name| fields.get(name)?.as_str());
    texts.map(quoted).find(|text| !text.trim().is_empty())
}

impl fmt::Display for ApiError {
    /// The text after a status, which begins with a blank; empty if there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [&self.kind, &self.title, &self.sentence].into_iter().flatten();
        let words = words.fold(String::new(), |text, first_text| format!("{text} {first_text}"));
        f.write_str(&trace::behind(&words, self.trace.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Option<String> {
        let status = StatusCode::from_u16(status).unwrap();
        ApiError::of_kommo(status, body.as_bytes()).map(|error| error.to_string())
    }

    #[test]
    fn each_format_is_shown_with_its_trace_id() {
        for (status, body, want) in [
            (403, r#"{"error_code":403,"error_type":"X","error_description":"no"}"#, " X no"),
            (403, r#"{"error_type":"X","error_description":"no","trace_id":"t1"}"#, " X no (trace_id t1)"),
            (400, r#"{"error_code":400,"error_type":"","error_description":"no"}"#, " no"),
            (
                500,
                r#"{"title":"ErrInternalServer","status":500,"detail":"broken","trace_id":"t2"}"#,
                " ErrInternalServer broken (trace_id t2)",
            ),
            (500, r#"{"title":"ErrInternalServer","status":500,"detail":"broken"}"#, " ErrInternalServer broken"),
            (500, r#"{"title":"ErrInternalServer","status":500,"trace_id":"t3"}"#, " ErrInternalServer (trace_id t3)"),
            (429, r#"{"title":"Too Many Requests","status":429,"detail":"slowly","retry_after":300}"#, " slowly"),
        ] {
            assert_eq!(read(status, body).as_deref(), Some(want), "{body}");
        }
    }

    #[test]
    fn other_formats_are_no_error_of_kommos() {
        for body in [
            "",
            "<html>",
            r#"{"error":"forbidden"}"#,
            r#"{"title":"ErrInternalServer","status":502,"detail":"x","trace_id":"t"}"#,
            r#"{"title":"x","status":500,"trace_id":"t","cloudflare_error":true}"#,
            r#"{"title":"x","status":500}"#,
            r#"{"trace_id":"t"}"#,
        ] {
            assert_eq!(read(500, body), None, "{body}");
        }
    }

    #[test]
    fn the_text_fits_on_one_line_of_a_log() {
        let long = format!(r#"{{"error_type":"X","error_description":"a\n{}"}}"#, "x".repeat(9000));
        let text = read(400, &long).unwrap();
        assert!(text.starts_with(" X a x") && text.len() < 300, "{text}");
    }

    #[test]
    fn the_name_is_found_in_both_formats() {
        for body in [r#"{"error_type":"GONE"}"#, r#"{"title":"GONE","status":404,"detail":"x"}"#] {
            let error = ApiError::of_kommo(StatusCode::NOT_FOUND, body.as_bytes()).unwrap();
            assert!(error.is_called("GONE") && !error.is_called("x"), "{body}");
        }
    }
}
