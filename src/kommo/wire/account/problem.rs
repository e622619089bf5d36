//! Errors of the REST API: `application/problem+json` ("Error codes").

use std::{fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::kommo::wire::trace::{self, quoted};

/// An error of the REST API. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Such as `Bad Request`.
    pub title: Option<String>,
    pub detail: Option<String>,
    /// The faults of single fields.
    pub faults: Vec<Fault>,
    /// Kommo's id of the request.
    pub trace: Option<String>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Such as `NotSupportedChoice`, `FieldMissing`, `AlreadyExists`, `EntityNotFound`.
    pub code: String,
    /// The path of the field, such as `custom_fields_values.0.field_id`.
    pub path: String,
    pub detail: String,
}

impl Problem {
    /// Reads a response with this status, if it is in Kommo's format: a title and the status, or faults of the request.
    /// A filter's `{"error":"forbidden"}` is not. Cloudflare's errors have the same fields, and a field with its name.
    #[must_use]
    pub fn of_kommo(status: StatusCode, body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let fields = value.as_object()?;
        if fields.keys().any(|key| key.starts_with("cloudflare") || key == "error_name") {
            return None;
        }
        let is_problem = value["title"].is_string() && value["status"].as_u64() == Some(status.as_u16().into());
        let has_faults = value["validation-errors"].is_array() || value["errors"][0]["request_id"].is_string();
        (is_problem || has_faults).then(|| Self::decode(body))
    }

    /// Reads a body. Anything but a JSON object, for instance a page, is an empty problem.
    #[must_use]
    pub fn decode(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let word = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(quoted);
        // The documentation has the first name; a sample of a batch has the second.
        let lists = ["validation-errors", "errors"].map(|name| &value[name]);
        let faults = lists.into_iter().flat_map(faults).collect();
        Self { title: word("title"), detail: word("detail"), faults, trace: value.as_object().and_then(trace::of) }
    }

    /// Whether one of its faults has this code.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.faults.iter().any(|fault| fault.code == code)
    }
}

/// `retry_after` in the body of a 429: seconds, as a number or a string ("Error codes"). It is rounded up.
#[must_use]
pub fn retry_after(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let retry_after = &value["retry_after"];
    let seconds = retry_after.as_f64().or_else(|| retry_after.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

/// The faults of a batch. Each of its requests has a list of faults, or a single one.
fn faults(list: &Value) -> Vec<Fault> {
    let requests = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let inner = requests.iter().flat_map(|request| match &request["errors"] {
        Value::Array(faults) => faults.iter().collect(),
        Value::Object(_) => vec![&request["errors"]],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![request],
    });
    inner.filter_map(fault).collect()
}

fn fault(value: &Value) -> Option<Fault> {
    let word = |name: &str| value[name].as_str().map(quoted).unwrap_or_default();
    let fault = Fault { code: word("code"), path: word("path"), detail: word("detail") };
    (fault != Fault::default()).then_some(fault)
}

impl fmt::Display for Problem {
    /// The faults with their paths, or else the detail, or else the title, and the id of the request; empty if there is
    /// none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
        let of_all = self.detail.as_ref().or(self.title.as_ref()).map_or("", String::as_str);
        let words = if faults.is_empty() { of_all.to_owned() } else { faults.join(", ") };
        f.write_str(trace::behind(&words, self.trace.as_deref()).trim_start())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [&self.path, &self.code].into_iter().filter(|word| !word.is_empty()).cloned();
        f.write_str(&words.collect::<Vec<_>>().join(": "))?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}
