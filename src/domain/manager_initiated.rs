//! Chats that a manager begins with a phone number, before the customer has written in them.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{KommoChatId, KommoUserId},
    message::MediaKind,
};

/// Whom a manager writes to where Kommo names no conversation of ours. This is a stored format: fields are only ever
/// added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnknownRecipient {
    /// The phone number that the manager chose, as it is written in Kommo.
    pub phone: Option<String>,
    /// The chat that Kommo has made for it.
    pub opening: Option<ManagerInitiatedChat>,
}

/// The beginning of a chat on Kommo's side alone.
///
/// This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerInitiatedChat {
    /// Kommo's id of the chat.
    pub chat: KommoChatId,
    /// Kommo's id of the customer in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<KommoUserId>,
    /// What the message says, if it can be repeated in an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<Wording>,
}

/// What a message of Kommo's says, as Kommo itself has it. An edit that is only to name the message has to repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// The kind of its file; `None` for a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<MediaKind>,
    /// The text, or the caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
