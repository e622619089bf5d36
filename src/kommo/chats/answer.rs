//! Reading what the Chats API answers: only what is in Kommo's shape is Kommo's word.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::kommo::{
    chats::CallError,
    http::{read_limited, retry_after},
    stray::{self, Stray},
    wire::{Accepted, Answer, ApiError, Connected, History, HistoryItem, KnownChat},
};

/// A success with its body, or what stands in its way.
pub(super) async fn read(response: Response) -> Result<(StatusCode, Vec<u8>), CallError> {
    let (status, after) = (response.status(), retry_after(&response));
    let body = read_limited(response).await?;
    if status.is_success() { Ok((status, body)) } else { Err(refusal(status, &body, after)) }
}

/// What an answer means that is no success.
pub(super) fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> CallError {
    match of_kommo(status, body) {
        Some(error) => CallError::Refused { status, error, after },
        None => CallError::Nonsense(Stray::new(status, body, after)),
    }
}

/// Kommo's error, in one of two shapes. The older has a code and a type or a sentence, the newer is the REST API's: title,
/// sentence, and the status once more or a type. A filter's `{"error":"forbidden"}` has neither. One in the cloud writes both at once, and
/// its own name.
fn of_kommo(status: StatusCode, body: &[u8]) -> Option<ApiError> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let fields = value.as_object()?;
    if fields.keys().any(|key| key.starts_with("cloudflare") || key == "error_name") {
        return None;
    }
    let has_text = |name: &str| fields.get(name).is_some_and(Value::is_string);
    let has_code = fields.get("error_code").is_some_and(Value::is_i64);
    let has_type = fields.get("error_type").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let is_older = has_type || (has_code && has_text("error_description"));
    let is_same = |said: &Value| said.as_u64() == Some(status.as_u16().into());
    let is_newer =
        has_text("title") && has_text("detail") && fields.get("status").map_or_else(|| has_text("type"), is_same);
    let error = || ApiError::deserialize(&value).unwrap_or_default();
    match (is_older, is_newer) {
        (true, _) => Some(ApiError { error_type: error().error_type.filter(|text| !text.is_empty()), ..error() }),
        (false, true) => {
            let words = ["title", "detail", "trace_id"].map(|name| fields.get(name).and_then(Value::as_str));
            let words: Vec<_> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
            Some(ApiError { error_description: Some(words.join(" ")), ..ApiError::default() })
        }
        (false, false) => None,
    }
}

/// What was accepted. An answer that names nothing may be that to a repetition, or somebody else's: only the chat's history tells.
pub(super) fn accepted(status: StatusCode, body: &[u8]) -> Result<Accepted, CallError> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    answer.and_then(|answer| answer.new_message).ok_or_else(|| nonsense(status, body))
}

/// That it was done.
pub(super) fn done(status: StatusCode, body: &[u8]) -> Result<(), CallError> {
    if stray::says_done(body) { Ok(()) } else { Err(nonsense(status, body)) }
}

/// Kommo's id of a chat.
pub(super) fn chat(status: StatusCode, body: &[u8]) -> Result<String, CallError> {
    let answer: Option<KnownChat> = serde_json::from_slice(body).ok();
    answer.and_then(|answer| answer.id).ok_or_else(|| nonsense(status, body))
}

/// A page of a history. Of a chat without messages Kommo answers 204.
pub(super) fn history(status: StatusCode, body: &[u8]) -> Result<Vec<HistoryItem>, CallError> {
    if status == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    let history: Option<History> = serde_json::from_slice(body).ok();
    history.and_then(|history| history.items()).ok_or_else(|| nonsense(status, body))
}

/// What was connected: every server, new or old, names it.
pub(super) fn connected(status: StatusCode, body: &[u8]) -> Result<Connected, CallError> {
    let connected: Option<Connected> = serde_json::from_slice(body).ok();
    connected.filter(|it| it.scope_id.is_some()).ok_or_else(|| nonsense(status, body))
}

/// A success without the answer that belongs to it.
fn nonsense(status: StatusCode, body: &[u8]) -> CallError {
    CallError::Nonsense(Stray::new(status, body, None))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
