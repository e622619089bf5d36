//! A request's arguments, read as the server reads them: everything is a string, from wherever it comes.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};

use crate::sandbox::telegram::uploads::{Form, Upload};

/// The arguments of one request.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    values: BTreeMap<String, String>,
    files: BTreeMap<String, Upload>,
    /// As they came, for the log.
    pub(super) shown: Value,
}

impl Arguments {
    /// Reads the query and the body.
    ///
    /// # Errors
    /// A sentence for the answer: the body cannot be read.
    pub(super) fn parse(query: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, &'static str> {
        let mut values = form(query.unwrap_or_default());
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" if !body.is_empty() => {
                let shown: Value = serde_json::from_slice(body).map_err(|_| "Bad Request: can't parse JSON object")?;
                let fields = shown.as_object().ok_or("Bad Request: JSON object expected")?;
                values.extend(fields.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))));
                Ok(Self { values, shown, ..Self::default() })
            }
            "application/x-www-form-urlencoded" => {
                let body = str::from_utf8(body).map_err(|_| "Bad Request: strings must be encoded in UTF-8")?;
                values.extend(form(body));
                Ok(Self { shown: json!(values), values, ..Self::default() })
            }
            _ => Ok(Self { shown: json!(values), values, ..Self::default() }),
        }
    }

    /// The query, and a form that has been read.
    pub(super) fn of_form(query: Option<&str>, form: Form) -> Self {
        let mut values = self::form(query.unwrap_or_default());
        values.extend(form.fields);
        let mut shown = json!(values);
        for (name, Upload { name: file_name, content_type, bytes }) in &form.files {
            shown[name] = json!({ "name": file_name, "content_type": content_type, "size": bytes.len() });
        }
        Self { values, files: form.files, shown }
    }

    /// A file that came with the request.
    pub(super) fn file(&self, field: &str) -> Option<&Upload> {
        self.files.get(field)
    }

    /// An argument; absent and empty are the same, as for the server.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// An integer, or `usual` if it is absent, clamped into the range; what is not an integer reads as 0.
    pub(super) fn integer(&self, name: &str, usual: i64, min: i64, max: i64) -> i64 {
        self.text(name).map_or(usual, |value| value.parse().unwrap_or(0)).clamp(min, max)
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name).map(str::to_ascii_lowercase).as_deref(), Some("true" | "yes" | "1"))
    }
}

fn form(encoded: &str) -> BTreeMap<String, String> {
    let mut url = Url::parse("form:/").expect("a constant address is valid");
    url.set_query(Some(encoded));
    url.query_pairs().into_owned().collect()
}

/// A JSON field as the text that the server makes of it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_three_places_alike() {
        let json =
            Arguments::parse(None, "application/json", r#"{"chat_id":7,"text":"é & ü","a":true,"n":null}"#.as_bytes());
        let form = Arguments::parse(
            Some("a=true"),
            "application/x-www-form-urlencoded; charset=utf-8",
            b"chat_id=7&text=%C3%A9+%26+%C3%BC&n=",
        );
        for arguments in [json, form] {
            let arguments = arguments.unwrap();
            assert_eq!(arguments.integer("chat_id", 0, i64::MIN, i64::MAX), 7);
            assert_eq!(arguments.text("text"), Some("é & ü"));
            assert_eq!(arguments.text("n"), None);
            assert!(arguments.flag("a"));
            assert_eq!(arguments.integer("limit", 100, 1, 100), 100);
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for (content_type, body) in [("application/json", "{"), ("application/json", "[]")] {
            assert!(Arguments::parse(None, content_type, body.as_bytes()).is_err(), "{content_type} {body}");
        }
    }
}
