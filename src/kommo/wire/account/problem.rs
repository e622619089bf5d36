//! Errors of the REST API: `application/problem+json` ("Error codes").

use std::{fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::kommo::wire::trace::{self, quoted};

/// What is wrong with a request, as Kommo tells it. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Such as `Bad Request`.
    pub title: Option<String>,
    pub detail: Option<String>,
    /// What is wrong with which part of the request.
    pub faults: Vec<Fault>,
    /// Kommo's number of the request.
    pub trace: Option<String>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Such as `NotSupportedChoice`, `FieldMissing`, `AlreadyExists`, `EntityNotFound`.
    pub code: String,
    /// Where it stands, such as `custom_fields_values.0.field_id`.
    pub path: String,
    pub detail: String,
}

impl Problem {
    /// Reads an answer with this status, if it is in Kommo's shape: a title with the status once more, or faults of
    /// what was asked. What a filter writes, such as `{"error":"forbidden"}`, is not; one in the cloud writes the same,
    /// and its own name.
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

    /// Reads an answer. What is no JSON object, an error page for instance, tells nothing.
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

/// How long Kommo asks for patience, as the body of a 429 tells it: `retry_after`, in seconds, a number or a text
/// ("Error codes"). Parts of a second count as a whole one.
#[must_use]
pub fn retry_after(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let told = &value["retry_after"];
    let seconds = told.as_f64().or_else(|| told.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

/// Per request of a batch there is a list of faults, or one of them alone.
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
    /// The faults with their places, else the sentence, else the title, and the number of the request; nothing if there
    /// is none of them.
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
