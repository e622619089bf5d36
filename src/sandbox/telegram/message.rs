//! A message as the people in its chat see it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::telegram::{attachments::Attachment, reply_keyboards::ReplyKeyboard};

/// A message in a chat with a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatMessage {
    /// Unique in this chat only.
    pub message_id: i64,
    /// Whether the bot wrote it, or somebody else.
    pub from_bot: bool,
    /// Who wrote it: the id of a customer, a bot or a channel.
    pub sender: i64,
    /// What it says; the caption of a file.
    pub text: String,
    /// Its file, if it has one.
    pub file: Option<Attachment>,
    /// What it has instead of text and file.
    pub piece: Option<Piece>,
    /// What it shares with the other messages of its album.
    pub media_group_id: Option<String>,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// The buttons below it.
    pub keyboard: Keyboard,
    /// The buttons that it puts in place of the customer's keyboard.
    pub reply_keyboard: Option<ReplyKeyboard>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
    /// The topic that it is in, by the number of the message that began it.
    pub topic: Option<i64>,
    /// People's reactions to it, by their ids.
    pub reactions: BTreeMap<i64, String>,
    /// The bot's reaction to it.
    pub bot_reaction: Option<String>,
    /// Whether it was changed since it was sent.
    pub edited: bool,
}

/// A place, a contact, a poll: anything that is neither text nor file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The field of the Bot API's `Message` that holds it: `location`, `contact`, `poll`.
    pub field: String,
    /// What that field holds.
    pub value: Value,
}

pub type Keyboard = Vec<Vec<Key>>;

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What stands on it.
    pub text: String,
    /// Where it leads, if it does.
    pub url: Option<String>,
    /// `callback_data` of one that answers.
    pub data: Option<String>,
}
