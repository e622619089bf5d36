//! Chats that a manager starts with a phone number, before the customer has written.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{KommoChatId, KommoUserId},
    message::MediaKind,
};

/// The recipient of a manager's message for which Kommo names no conversation of ours. This is a stored format: fields
/// are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnknownRecipient {
    /// The phone number that the manager chose, as it is written in Kommo.
    pub phone: Option<String>,
    /// The chat that Kommo has made for it.
    pub opening: Option<ManagerInitiatedChat>,
}

/// A chat that exists at Kommo alone so far.
///
/// This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerInitiatedChat {
    /// Kommo's id of the chat.
    pub chat: KommoChatId,
    /// Kommo's id of the customer in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<KommoUserId>,
    /// The text of the message, if an edit can repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<Wording>,
}

/// The text of a message in Kommo. An edit that only assigns an id to the message has to repeat its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// The kind of its file; `None` for a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<MediaKind>,
    /// The text, or the caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
