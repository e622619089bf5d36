//! What a customer does in their Telegram.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;

use super::{
    done, emoji, non_blank,
    place::{Place, Spot},
    read,
};
use crate::sandbox::{
    harness::RIGHTS,
    page::{PageError, View, files},
    telegram::{ChatMessage, Piece, Room},
};

/// The longest text that a customer sends at once, in UTF-16 units. What a manager may write is not known.
const LONGEST_TEXT: usize = 4096;
/// The longest text that stands with a file.
const LONGEST_CAPTION: usize = 1024;

fn fitting(text: &str, longest: usize) -> Result<&str, PageError> {
    if text.encode_utf16().count() > longest {
        return Err(PageError::bad(format!("This text has at most {longest} characters: send it in parts.")));
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

pub(super) async fn write(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Write { place, text, reply_to } = read(&body)?;
    let spot = place.find(&view)?;
    let text = fitting(non_blank(&text)?, LONGEST_TEXT)?.to_owned();
    let message = ChatMessage { text, reply_to: spot.quoted(reply_to)?, ..ChatMessage::default() };
    Ok(done(&json!({ "message_id": view.telegram.say_in(spot.token, spot.room, spot.who, message) })))
}

#[derive(Deserialize)]
struct Edit {
    #[serde(flatten)]
    place: Place,
    message_id: i64,
    text: String,
}

/// A customer changes a message of theirs.
pub(super) async fn edit(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Edit { place, message_id, text } = read(&body)?;
    let spot = place.find(&view)?;
    let message = spot.message(message_id)?;
    if message.from_bot || message.sender != spot.who || message.piece.is_some() {
        return Err(PageError::bad("Only what one has written oneself can be changed."));
    }
    let longest = if message.file.is_some() { LONGEST_CAPTION } else { LONGEST_TEXT };
    view.telegram.edit_in(spot.token, spot.room, message_id, fitting(non_blank(&text)?, longest)?);
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
pub(super) async fn react(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let React { place, message_id, emoji: wanted } = read(&body)?;
    let spot = place.find(&view)?;
    let message = spot.message(message_id)?;
    // Bots learn of reactions elsewhere only as administrators, and never where they look after an account.
    let Room::Private { customer } = spot.room else {
        return Err(PageError::bad("The bot gets reactions in private chats with itself only."));
    };
    view.telegram.react(spot.token, customer, message.message_id, emoji(wanted.as_deref())?);
    Ok(done(&json!({})))
}

#[derive(Deserialize)]
struct SendFiles {
    #[serde(flatten)]
    place: Place,
    reply_to: Option<i64>,
}

/// A customer sends one file, or several as an album.
pub(super) async fn send_files(State(view): State<Arc<View>>, form: files::Form) -> Result<Response, PageError> {
    let (SendFiles { place, reply_to }, files) = files::received(form).await?;
    let spot = place.find(&view)?;
    let quoted = spot.quoted(reply_to)?;
    let caption = fitting(&files.caption, LONGEST_CAPTION)?;
    let files = files::of_customer(files.files, caption);
    let together = if files::is_album(&files) { files.len() } else { 1 };
    let send = |files| view.telegram.send_files_in(spot.token, spot.room, spot.who, files, quoted);
    let ids: Vec<i64> = files.chunks(together).flat_map(send).collect();
    Ok(done(&json!({ "message_ids": ids })))
}

/// A customer has another picture of themselves, or none if there is no file.
pub(super) async fn avatar(State(view): State<Arc<View>>, form: files::Form) -> Result<Response, PageError> {
    let (place, files) = files::received_any::<Place>(form).await?;
    let customer = place.find(&view)?.customer;
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
pub(super) async fn send_piece(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let SendPiece { place, piece } = read(&body)?;
    let spot = place.find(&view)?;
    let piece = match &piece {
        Sample::OwnNumber => Piece::own_number(&spot.person()?),
        Sample::Contact { phone, name } => Piece::contact(phone, name),
        Sample::Location { lat, lon } => Piece::location(*lat, *lon),
        Sample::Venue { lat, lon, title, address } => Piece::venue(*lat, *lon, title, address),
        Sample::Poll { question, options } => {
            Piece::poll(question, &options.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Sample::Dice { emoji } => Piece::dice(emoji, fastrand::u8(1..=6)),
    };
    let message = ChatMessage { piece: Some(piece), ..ChatMessage::default() };
    Ok(done(&json!({ "message_id": view.telegram.say_in(spot.token, spot.room, spot.who, message) })))
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
pub(super) async fn press(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Press { place, message_id, row, column } = read(&body)?;
    let spot = place.find(&view)?;
    let message = spot.message(message_id)?;
    let key = message.keyboard.get(row).and_then(|row| row.get(column));
    if key.is_none_or(|key| key.data.is_none()) {
        return Err(PageError::unknown("There is no such button that answers."));
    }
    if !spot.has_bot {
        return Err(PageError::bad("The bot is not here any more: nobody would answer."));
    }
    let press_id = view.telegram.press_in(spot.token, spot.room, spot.who, message_id, (row, column));
    Ok(done(&json!({ "press_id": press_id })))
}

#[derive(Deserialize)]
struct PressKey {
    #[serde(flatten)]
    place: Place,
    row: usize,
    column: usize,
}

/// A customer presses a button in place of their keyboard.
pub(super) async fn press_key(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let PressKey { place, row, column } = read(&body)?;
    let Spot { token, customer, .. } = place.find(&view)?;
    let keyboard = view.telegram.reply_keyboard(token, customer);
    if keyboard.is_none_or(|it| it.rows.get(row).and_then(|row| row.get(column)).is_none()) {
        return Err(PageError::unknown("There is no such button."));
    }
    Ok(done(&json!({ "message_id": view.telegram.press_key(token, customer, row, column) })))
}

#[derive(Deserialize)]
struct Block {
    #[serde(flatten)]
    place: Place,
    blocked: bool,
}

/// A customer blocks a bot, a member throws it out of the group, an owner takes it away; or they take that back.
pub(super) async fn block(State(view): State<Arc<View>>, body: Bytes) -> Result<Response, PageError> {
    let Block { place, blocked } = read(&body)?;
    let Spot { token, room, who, has_bot, .. } = place.find(&view)?;
    match room {
        Room::Private { customer } if view.telegram.messages(token, customer).is_empty() => {
            return Err(PageError::bad("The customer has not started this bot yet."));
        }
        _ if has_bot != blocked => {}
        Room::Private { customer } => view.telegram.block(token, customer, blocked),
        Room::Group { group } if blocked => view.telegram.kick(token, group, who),
        Room::Group { group } => view.telegram.let_in(token, group, who),
        Room::Desk { owner, .. } if blocked => view.telegram.disconnect_business(token, owner),
        Room::Desk { owner, .. } => {
            view.telegram.connect_business(token, owner, &RIGHTS);
        }
    }
    Ok(done(&json!({})))
}
