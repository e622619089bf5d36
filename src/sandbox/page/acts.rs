//! What a visitor does: writes as a customer, answers as a manager.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    fault,
    page::{Trouble, View},
};

/// The longest text that a customer sends at once, in UTF-16 units. What a manager may write is not known.
const LONGEST_TEXT: usize = 4096;

#[derive(Deserialize)]
struct Write {
    source: String,
    customer: i64,
    text: String,
}

/// A customer writes to a bot.
pub(super) async fn write(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Write { source, customer, text } = read(&body)?;
    let token = view.token(&source)?;
    known(&view, customer)?;
    let text = said(&text)?;
    if text.encode_utf16().count() > LONGEST_TEXT {
        return Err(Trouble::bad("A message has at most 4096 characters: send it in parts."));
    }
    Ok(done(&json!({ "message_id": view.telegram.write(token, customer, text) })))
}

#[derive(Deserialize)]
struct Block {
    source: String,
    customer: i64,
    blocked: bool,
}

/// A customer blocks a bot, or takes it back.
pub(super) async fn block(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Block { source, customer, blocked } = read(&body)?;
    let token = view.token(&source)?;
    known(&view, customer)?;
    if view.telegram.messages(token, customer).is_empty() {
        return Err(Trouble::bad("The customer has not started this bot yet."));
    }
    view.telegram.block(token, customer, blocked);
    Ok(done(&json!({})))
}

#[derive(Deserialize)]
struct Press {
    source: String,
    customer: i64,
    message_id: i64,
    row: usize,
    column: usize,
}

/// A customer presses a button.
pub(super) async fn press(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Press { source, customer, message_id, row, column } = read(&body)?;
    let token = view.token(&source)?;
    let messages = view.telegram.messages(token, customer);
    let message = messages.iter().find(|message| message.message_id == message_id);
    let key = message.and_then(|message| message.keyboard.get(row)?.get(column));
    if key.is_none_or(|key| key.data.is_none()) {
        return Err(Trouble::unknown("There is no such button that answers."));
    }
    Ok(done(&json!({ "press_id": view.telegram.press(token, customer, message_id, row, column) })))
}

#[derive(Deserialize)]
struct Reply {
    conversation_id: String,
    author: String,
    text: String,
}

/// A manager answers.
pub(super) async fn reply(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Reply { conversation_id, author, text } = read(&body)?;
    begun(&view, &conversation_id)?;
    if author.trim().is_empty() {
        return Err(Trouble::bad("Say who answers: the author is empty."));
    }
    let text = said(&text)?;
    let (message_id, hook) = view.kommo.reply(&conversation_id, author.trim(), text).await;
    Ok(done(&json!({ "message_id": message_id, "hook_status": hook.status })))
}

#[derive(Deserialize)]
struct Typing {
    conversation_id: String,
}

/// A manager types.
pub(super) async fn typing(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Typing { conversation_id } = read(&body)?;
    begun(&view, &conversation_id)?;
    let hook = view.kommo.typing(&conversation_id).await;
    Ok(done(&json!({ "hook_status": hook.status })))
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body)
        .map_err(|error| Trouble::bad(format!("The body is not what this address takes: {error}.")))
}

pub(super) fn known(view: &View, customer: i64) -> Result<(), Trouble> {
    let known = view.telegram.customers().iter().any(|it| it.id == customer);
    if known { Ok(()) } else { Err(Trouble::unknown(format!("There is no customer {customer}."))) }
}

fn begun(view: &View, conversation_id: &str) -> Result<(), Trouble> {
    let chat = view.kommo.chat(conversation_id);
    chat.map(|_| ()).ok_or_else(|| Trouble::unknown(format!("There is no conversation {conversation_id:?}.")))
}

fn said(text: &str) -> Result<&str, Trouble> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Trouble::bad("The text is empty."));
    }
    Ok(text)
}

fn done(answer: &Value) -> Response {
    fault::json(200, answer.to_string())
}
