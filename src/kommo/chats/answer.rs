//! Reads responses of the Chats API. Only a response in Kommo's format counts as Kommo's.

use std::time::Duration;

use reqwest::{Response, StatusCode};

use crate::kommo::{
    chats::CallError,
    foreign_answer::{self, ForeignAnswer},
    http::{read_limited, retry_after},
    wire::{Accepted, Answer, ApiError, Connected, EditMessage, History, HistoryItem, KnownChat, account},
};

/// A success with its body, or the error.
pub(super) async fn read(response: Response) -> Result<(StatusCode, Vec<u8>), CallError> {
    let (status, in_header) = (response.status(), retry_after(&response));
    let body = read_limited(response).await?;
    let after = in_header.max(account::retry_after(&body));
    if status.is_success() { Ok((status, body)) } else { Err(refusal(status, &body, after)) }
}

/// Reads a response that is no success.
pub(super) fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> CallError {
    match ApiError::of_kommo(status, body) {
        Some(error) => CallError::Refused { status, error: Box::new(error), after },
        None => CallError::Foreign(ForeignAnswer::new(status, body, after)),
    }
}

/// The accepted message. A response without one may be that to a repetition, or come from a proxy: only the chat's
/// history shows it.
pub(super) fn accepted(status: StatusCode, body: &[u8]) -> Result<Accepted, CallError> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    answer.and_then(|answer| answer.new_message).ok_or_else(|| unexpected(status, body))
}

/// Checks a success without a defined body.
pub(super) fn done(status: StatusCode, body: &[u8]) -> Result<(), CallError> {
    if foreign_answer::says_done(body) { Ok(()) } else { Err(unexpected(status, body)) }
}

/// Checks that a message was edited. A response with another message belongs to another call. It is unknown whether
/// each response has a message.
pub(super) fn edited(status: StatusCode, body: &[u8], edit: &EditMessage) -> Result<(), CallError> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let Some(message) = answer.and_then(|answer| answer.new_message) else { return done(status, body) };
    let differs = |message: &Option<String>, expected: &Option<String>| {
        message
            .as_ref()
            .zip(expected.as_ref())
            .is_some_and(|(message, expected)| !message.is_empty() && message != expected)
    };
    if differs(&message.msgid, &edit.id) || differs(&message.ref_id, &edit.msgid) {
        return Err(unexpected(status, body));
    }
    Ok(())
}

/// Kommo's id of a chat.
pub(super) fn chat(status: StatusCode, body: &[u8]) -> Result<String, CallError> {
    let answer: Option<KnownChat> = serde_json::from_slice(body).ok();
    answer.and_then(|answer| answer.id).ok_or_else(|| unexpected(status, body))
}

/// A page of a history. For a chat without messages, Kommo responds with 204.
pub(super) fn history(status: StatusCode, body: &[u8]) -> Result<Vec<HistoryItem>, CallError> {
    if status == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    let history: Option<History> = serde_json::from_slice(body).ok();
    history.and_then(|history| history.items()).ok_or_else(|| unexpected(status, body))
}

/// The connection, which every version of the server returns.
pub(super) fn connected(status: StatusCode, body: &[u8]) -> Result<Connected, CallError> {
    let connected: Option<Connected> = serde_json::from_slice(body).ok();
    connected.filter(|it| it.scope_id.is_some()).ok_or_else(|| unexpected(status, body))
}

/// A success without the expected body.
fn unexpected(status: StatusCode, body: &[u8]) -> CallError {
    CallError::Foreign(ForeignAnswer::new(status, body, None))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
