//! What a customer does in their Telegram.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{done, emoji, read, said};
use crate::sandbox::{
    page::{Trouble, View, files},
    telegram::{ChatMessage, Piece},
};

/// The longest text that a customer sends at once, in UTF-16 units. What a manager may write is not known.
const LONGEST_TEXT: usize = 4096;
/// The longest text that stands with a file.
const LONGEST_CAPTION: usize = 1024;

/// A chat with a bot.
#[derive(Deserialize)]
pub(super) struct Place {
    source: String,
    customer: i64,
}

impl Place {
    /// The bot's token and the customer, both of whom are there.
    fn find<'v>(&self, view: &'v View) -> Result<(&'v str, i64), Trouble> {
        let token = view.token(&self.source)?;
        let known = view.telegram.customers().iter().any(|it| it.id == self.customer);
        let unknown = || Trouble::unknown(format!("There is no customer {}.", self.customer));
        known.then_some((token, self.customer)).ok_or_else(unknown)
    }
}

fn message(view: &View, (token, customer): (&str, i64), id: i64) -> Result<ChatMessage, Trouble> {
    let found = view.telegram.messages(token, customer).into_iter().find(|message| message.message_id == id);
    found.ok_or_else(|| Trouble::unknown(format!("There is no message {id} in this chat.")))
}

fn fitting(text: &str, longest: usize) -> Result<&str, Trouble> {
    if text.encode_utf16().count() > longest {
        return Err(Trouble::bad(format!("This text has at most {longest} characters: send it in parts.")));
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Write {
    #[serde(flatten)]
    place: Place,
    text: String,
    reply_to: Option<i64>,
}

/// A customer writes to a bot.
pub(super) async fn write(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Write { place, text, reply_to } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    let text = fitting(said(&text)?, LONGEST_TEXT)?;
    let message_id = match reply_to {
        None => view.telegram.write(token, customer, text),
        Some(quoted) => {
            let quoted = message(&view, (token, customer), quoted)?.message_id;
            view.telegram.write_reply(token, customer, text, quoted)
        }
    };
    Ok(done(&json!({ "message_id": message_id })))
}

#[derive(Deserialize)]
struct Edit {
    #[serde(flatten)]
    place: Place,
    message_id: i64,
    text: String,
}

/// A customer changes a message of theirs.
pub(super) async fn edit(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Edit { place, message_id, text } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    let message = message(&view, (token, customer), message_id)?;
    if message.from_bot || message.piece.is_some() {
        return Err(Trouble::bad("Only what one has written oneself can be changed."));
    }
    let longest = if message.file.is_some() { LONGEST_CAPTION } else { LONGEST_TEXT };
    view.telegram.edit(token, customer, message_id, fitting(said(&text)?, longest)?);
    Ok(done(&json!({})))
}

#[derive(Deserialize)]
struct React {
    #[serde(flatten)]
    place: Place,
    message_id: i64,
    emoji: Option<String>,
}

/// A customer reacts to a message, or takes it back.
pub(super) async fn react(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let React { place, message_id, emoji: wanted } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    let message = message(&view, (token, customer), message_id)?;
    view.telegram.react(token, customer, message.message_id, emoji(wanted.as_deref())?);
    Ok(done(&json!({})))
}

#[derive(Deserialize)]
struct SendFiles {
    #[serde(flatten)]
    place: Place,
    reply_to: Option<i64>,
}

/// A customer sends one file, or several as an album.
pub(super) async fn send_files(State(view): State<Arc<View>>, form: files::Form) -> Result<Response, Trouble> {
    let (SendFiles { place, reply_to }, files) = files::received(form).await?;
    let (token, customer) = place.find(&view)?;
    let quoted = reply_to.map(|id| message(&view, (token, customer), id)).transpose()?.map(|it| it.message_id);
    let caption = fitting(&files.caption, LONGEST_CAPTION)?;
    let files = files::of_customer(files.files, caption);
    let together = if files::is_album(&files) { files.len() } else { 1 };
    let send = |files| view.telegram.send_files(token, customer, files, quoted);
    let ids: Vec<i64> = files.chunks(together).flat_map(send).collect();
    Ok(done(&json!({ "message_ids": ids })))
}

/// A customer has another picture of themselves, or none if there is no file.
pub(super) async fn avatar(State(view): State<Arc<View>>, form: files::Form) -> Result<Response, Trouble> {
    let (place, files) = files::received_any::<Place>(form).await?;
    let (_, customer) = place.find(&view)?;
    view.telegram.set_avatar(customer, files.files.into_iter().next().map(|file| file.bytes));
    Ok(done(&json!({})))
}

#[derive(Deserialize)]
struct SendPiece {
    #[serde(flatten)]
    place: Place,
    piece: Sample,
}

/// What is neither text nor file.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Sample {
    OwnNumber,
    Contact { phone: String, name: String },
    Location { lat: f64, lon: f64 },
    Venue { lat: f64, lon: f64, title: String, address: String },
    Poll { question: String, options: Vec<String> },
    Dice { emoji: String },
}

/// A customer sends a place, a contact, a poll or a throw of dice.
pub(super) async fn send_piece(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let SendPiece { place, piece } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    let piece = match &piece {
        Sample::OwnNumber => {
            let message_id = view.telegram.share_number(token, customer);
            return Ok(done(&json!({ "message_id": message_id })));
        }
        Sample::Contact { phone, name } => Piece::contact(phone, name),
        Sample::Location { lat, lon } => Piece::location(*lat, *lon),
        Sample::Venue { lat, lon, title, address } => Piece::venue(*lat, *lon, title, address),
        Sample::Poll { question, options } => {
            Piece::poll(question, &options.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Sample::Dice { emoji } => Piece::dice(emoji, fastrand::u8(1..=6)),
    };
    Ok(done(&json!({ "message_id": view.telegram.send_piece(token, customer, piece) })))
}

#[derive(Deserialize)]
struct Press {
    #[serde(flatten)]
    place: Place,
    message_id: i64,
    row: usize,
    column: usize,
}

/// A customer presses a button below a message.
pub(super) async fn press(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Press { place, message_id, row, column } = read(&body)?;
    let token = view.token(&place.source)?;
    let messages = view.telegram.messages(token, place.customer);
    let message = messages.iter().find(|message| message.message_id == message_id);
    let key = message.and_then(|message| message.keyboard.get(row)?.get(column));
    if key.is_none_or(|key| key.data.is_none()) {
        return Err(Trouble::unknown("There is no such button that answers."));
    }
    Ok(done(&json!({ "press_id": view.telegram.press(token, place.customer, message_id, row, column) })))
}

#[derive(Deserialize)]
struct PressKey {
    #[serde(flatten)]
    place: Place,
    row: usize,
    column: usize,
}

/// A customer presses a button in place of their keyboard.
pub(super) async fn press_key(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let PressKey { place, row, column } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    let keyboard = view.telegram.reply_keyboard(token, customer);
    if keyboard.is_none_or(|it| it.rows.get(row).and_then(|row| row.get(column)).is_none()) {
        return Err(Trouble::unknown("There is no such button."));
    }
    Ok(done(&json!({ "message_id": view.telegram.press_key(token, customer, row, column) })))
}

#[derive(Deserialize)]
struct Block {
    #[serde(flatten)]
    place: Place,
    blocked: bool,
}

/// A customer blocks a bot, or takes it back.
pub(super) async fn block(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, Trouble> {
    let Block { place, blocked } = read(&body)?;
    let (token, customer) = place.find(&view)?;
    if view.telegram.messages(token, customer).is_empty() {
        return Err(Trouble::bad("The customer has not started this bot yet."));
    }
    view.telegram.block(token, customer, blocked);
    Ok(done(&json!({})))
}
