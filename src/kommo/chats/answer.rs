//! Reading what the Chats API answers: only what is in Kommo's shape is Kommo's word.

use std::time::Duration;

use reqwest::{Response, StatusCode};

use crate::kommo::{
    chats::CallError,
    foreign_answer::{self, ForeignAnswer},
    http::{read_limited, retry_after},
    wire::{Accepted, Answer, ApiError, Connected, EditMessage, History, HistoryItem, KnownChat, account},
};

/// A success with its body, or what stands in its way.
pub(super) async fn read(response: Response) -> Result<(StatusCode, Vec<u8>), CallError> {
    let (status, in_header) = (response.status(), retry_after(&response));
    let body = read_limited(response).await?;
    let after = in_header.max(account::retry_after(&body));
    if status.is_success() { Ok((status, body)) } else { Err(refusal(status, &body, after)) }
}

/// What an answer means that is no success.
pub(super) fn refusal(status: StatusCode, body: &[u8], after: Option<Duration>) -> CallError {
    match ApiError::of_kommo(status, body) {
        Some(error) => CallError::Refused { status, error: Box::new(error), after },
        None => CallError::Foreign(ForeignAnswer::new(status, body, after)),
    }
}

/// What was accepted. An answer that names nothing may be that to a repetition, or somebody else's: only the chat's
/// history tells.
pub(super) fn accepted(status: StatusCode, body: &[u8]) -> Result<Accepted, CallError> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    answer.and_then(|answer| answer.new_message).ok_or_else(|| nonsense(status, body))
}

/// That it was done.
pub(super) fn done(status: StatusCode, body: &[u8]) -> Result<(), CallError> {
    if foreign_answer::says_done(body) { Ok(()) } else { Err(nonsense(status, body)) }
}

/// That a message was edited. An answer that names another message is not the answer to this edit. Whether each answer
/// names one is unknown.
pub(super) fn edited(status: StatusCode, body: &[u8], edit: &EditMessage) -> Result<(), CallError> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let Some(named) = answer.and_then(|answer| answer.new_message) else { return done(status, body) };
    let differs = |named: &Option<String>, meant: &Option<String>| {
        named.as_ref().zip(meant.as_ref()).is_some_and(|(named, meant)| !named.is_empty() && named != meant)
    };
    if differs(&named.msgid, &edit.id) || differs(&named.ref_id, &edit.msgid) {
        return Err(nonsense(status, body));
    }
    Ok(())
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
    CallError::Foreign(ForeignAnswer::new(status, body, None))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
