//! The parameters of a call, read as the Bot API server reads them: every value is a string, wherever it comes from.

use std::collections::BTreeMap;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::gateway::{
    answer::Answer,
    form::{self, File},
};

/// The largest body of a call without files (server source).
pub const LARGEST_BYTES: usize = 1 << 20;

/// The parameters of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
    files: BTreeMap<String, File>,
}

impl Params {
    /// Reads the query and a complete body.
    ///
    /// # Errors
    /// The error response to a body that cannot be read.
    pub fn read(query: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, Answer> {
        Self::of(query, content_type, body, true)
    }

    /// Reads the query and the beginning of a body. Parts that are cut off are left out.
    pub(super) fn of_beginning(query: Option<&str>, content_type: &str, body: &[u8]) -> Self {
        Self::of(query, content_type, body, false).unwrap_or_default()
    }

    fn of(query: Option<&str>, content_type: &str, body: &[u8], is_whole: bool) -> Result<Self, Answer> {
        let mut values: BTreeMap<_, _> = pairs(query.unwrap_or_default()).into_iter().collect();
        let mut files = BTreeMap::new();
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" if !body.is_empty() => values.extend(fields(body)?),
            "application/x-www-form-urlencoded" => {
                let text = str::from_utf8(body).map_err(|_| bad("strings must be encoded in UTF-8"))?;
                values.extend(pairs(text));
            }
            "multipart/form-data" => {
                let boundary = form::boundary(content_type).ok_or_else(|| bad("boundary not found"))?;
                let form = form::read(body, &boundary);
                if is_whole && !form.is_complete {
                    return Err(bad("can't find the end of the form"));
                }
                values.extend(form.values);
                files.extend(form.files);
            }
            _ => {}
        }
        Ok(Self { values, files })
    }

    #[must_use]
    pub fn with(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: values.into_iter().collect(), files: BTreeMap::new() }
    }

    /// A parameter. An empty one counts as absent, as on the server.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All parameters by name, except files.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// An integer. Another value counts as absent.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "1"))
    }

    /// A parameter in JSON. One that cannot be read counts as absent.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.text(name)?).ok()
    }

    /// A file that came with the call.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|file| file.bytes.as_slice())
    }
}

fn bad(why: &str) -> Answer {
    Answer::refused(400, &format!("Bad Request: {why}"))
}

/// The names and values of an encoded query, repeated names included.
pub(super) fn pairs(encoded: &str) -> Vec<(String, String)> {
    let mut url = Url::parse("form:/").expect("a constant address is valid");
    url.set_query(Some(encoded));
    url.query_pairs().into_owned().collect()
}

fn fields(body: &[u8]) -> Result<BTreeMap<String, String>, Answer> {
    let body: Value = serde_json::from_slice(body).map_err(|_| bad("can't parse JSON object"))?;
    let Value::Object(fields) = body else { return Err(bad("JSON object expected")) };
    Ok(fields.into_iter().filter_map(|(name, value)| Some((name, as_text(value)?))).collect())
}

/// A JSON value as the string that the server makes of it.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; boundary=\"x y\"";

    #[test]
    fn parameters_are_read_from_wherever_they_are() {
        let body = "--x y\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n--x y\r\nContent-Disposition: \
            form-data; name=certificate; filename=c.pem\r\nContent-Type: a/b\r\n\r\nAB\r\n\r\nC\r\n--x y--\r\n";
        for (query, kind, body) in [
            (Some("chat_id=7&text=a+b%26"), "", ""),
            (None, "application/json", r#"{"chat_id":7,"text":"a b&","none":null}"#),
            (Some("text=other"), "application/json; charset=utf-8", r#"{"chat_id":"7","text":"a b&"}"#),
            (Some("text=a%20b%26"), "application/x-www-form-urlencoded", "chat_id=7"),
            (Some("text=a%20b%26"), FORM, body),
        ] {
            let params = Params::read(query, kind, body.as_bytes()).unwrap();
            assert_eq!((params.number("chat_id"), params.text("text")), (Some(7), Some("a b&")), "{kind} {body}");
            assert_eq!(params.text("none"), None);
        }
        let params = Params::read(None, FORM, body.as_bytes()).unwrap();
        assert_eq!(params.file("certificate"), Some(b"AB\r\n\r\nC".as_slice()));
        assert_eq!(params.text("certificate"), None);
    }

    #[test]
    fn values_are_read_as_the_type_that_is_asked_for() {
        let body = r#"{"allowed_updates":["message"],"drop":true,"limit":"x","empty":""}"#;
        let params = Params::read(None, "application/json", body.as_bytes()).unwrap();
        assert_eq!(params.json::<Vec<String>>("allowed_updates"), Some(vec!["message".to_owned()]));
        assert!(params.flag("drop") && !params.flag("limit"));
        assert_eq!((params.number("limit"), params.text("empty")), (None, None));
    }

    #[test]
    fn an_incomplete_body_is_refused_or_its_last_part_left_out() {
        let form = "--x y\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n--x y\r\nContent-Disposition: \
            form-data; name=\"photo\"; filename=\"a\"\r\n\r\nAB";
        for (kind, body) in [("application/json", r#"{"chat_id":7"#), ("application/json", "[]"), (FORM, form)] {
            let refused = Params::read(None, kind, body.as_bytes()).unwrap_err();
            assert_eq!(refused.code(), 400, "{body}");
        }
        let partial = Params::of_beginning(None, FORM, form.as_bytes());
        assert_eq!((partial.number("chat_id"), partial.file("photo")), (Some(7), None));
    }
}
