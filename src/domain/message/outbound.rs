//! Messages and actions of managers, for customers.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, KommoMessageId, MessageId, SourceId},
    keyboard::Keyboard,
    manager_initiated::UnknownRecipient,
    message::{Content, MediaKind, Quote},
    time::UnixMillis,
};

/// An answer from the CRM to a customer. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outbound {
    /// Kommo's id of the message: its delivery status goes there.
    pub id: KommoMessageId,
    /// Its recipient, as far as Kommo names one.
    pub to: Recipient,
    /// The source that Kommo names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its content; with a file, the name and the caption of the file.
    pub content: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Attachment>,
    /// The files of messages that are forwarded with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<Attachment>,
    /// The buttons below it.
    #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
    pub keyboard: Keyboard,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The id that answers share if they were sent at once: several files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When it was written, if Kommo says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<UnixMillis>,
}

/// The recipient of an answer. This is a stored format: variants are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A conversation of ours.
    Known(Conversation),
    /// Kommo named a conversation that we did not mint.
    Foreign(String),
    /// Kommo named none: a manager starts the chat with a phone number.
    UnknownRecipient(UnknownRecipient),
}

/// A manager's reaction to a message, or its removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundReaction {
    pub conversation: Conversation,
    /// Our id of the message, if it has one.
    pub ours: Option<MessageId>,
    /// Kommo's id of the message.
    pub kommo: Option<KommoMessageId>,
    /// The emoji as Kommo has it; `None` if the reaction was removed.
    pub emoji: Option<String>,
}

/// A manager is typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    pub conversation: Conversation,
    /// When it ends.
    pub expires_at: UnixMillis,
}

impl Typing {
    /// The source whose bot shows it.
    #[must_use]
    pub const fn source(&self) -> &SourceId {
        &self.conversation.source
    }
}

/// A file from a manager or a bot in Kommo, as Kommo describes it. The file itself stays there until it is sent. This
/// is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// How it is to be shown.
    pub kind: MediaKind,
    /// Where Kommo has it.
    pub url: String,
    /// Its name, or a generated one; never empty, and without slashes and control characters.
    pub file_name: String,
    /// The text that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}
