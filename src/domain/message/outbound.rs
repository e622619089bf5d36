//! What managers do, on its way to customers.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, KommoMessageId, MessageId, SourceId},
    keyboard::Keyboard,
    manager_initiated::UnknownRecipient,
    message::{Content, MediaKind, Quote},
    time::UnixMillis,
};

/// An answer from the CRM on its way to a customer. This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outbound {
    /// Kommo's id of the message: its delivery status goes there.
    pub id: KommoMessageId,
    /// Where it is to go, as far as Kommo said.
    pub to: Recipient,
    /// The line of the channel that Kommo names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it says; with a file, what names it.
    pub content: Content,
    /// The file that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Attachment>,
    /// The files of messages that are passed on with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<Attachment>,
    /// What the customer can press.
    #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
    pub keyboard: Keyboard,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// What the answers have in common that were sent as one: several files at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When it was written, if Kommo tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<UnixMillis>,
}

/// Whom an answer is for. This is a stored format: variants are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A conversation of ours.
    Known(Conversation),
    /// Kommo named a conversation that we did not mint.
    Foreign(String),
    /// Kommo named none: a manager writes first, to a phone number.
    UnknownRecipient(UnknownRecipient),
}

/// A manager's reaction to a message, or the end of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundReaction {
    /// Where.
    pub conversation: Conversation,
    /// Our id of the message, if it has one.
    pub ours: Option<MessageId>,
    /// Kommo's id of the message.
    pub kommo: Option<KommoMessageId>,
    /// The emoji as Kommo has it; `None` if the reaction was taken back.
    pub emoji: Option<String>,
}

/// A manager is typing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Where.
    pub conversation: Conversation,
    /// When it is over.
    pub expires_at: UnixMillis,
}

impl Typing {
    /// The source whose bot shows it.
    #[must_use]
    pub const fn source(&self) -> &SourceId {
        &self.conversation.source
    }
}

/// A file that a manager or a bot of Kommo's sends, as Kommo tells of it. The file itself stays there until it is sent.
/// This is a stored format: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// How it is to be shown.
    pub kind: MediaKind,
    /// Where Kommo has it.
    pub url: String,
    /// Its name, or one made up for it; never empty, and without slashes and control characters.
    pub file_name: String,
    /// The text that comes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}
