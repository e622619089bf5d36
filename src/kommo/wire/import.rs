//! Importing what was written before ("Send, import and edit messages", "Importing messages").

use serde::Serialize;

use crate::kommo::wire::{Message, Sender, Source};

/// The body of `POST /v2/origin/custom/{scope_id}` for a message that was written before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportEvent {
    /// `new_message`.
    pub event_type: &'static str,
    pub payload: ImportedMessage,
}

/// A message that was written before. Kommo takes each `msgid` once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportedMessage {
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Milliseconds since the epoch.
    pub msec_timestamp: i64,
    /// Our id of the message.
    pub msgid: String,
    /// Our id of the conversation.
    pub conversation_id: String,
    /// The line of the channel.
    pub source: Source,
    pub sender: Sender,
    /// The customer, if somebody else wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Sender>,
    pub message: Message,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<OurReply>,
    /// Whether to spare the managers a lead and a notification.
    pub silent: bool,
}

/// The message that another one answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OurReply {
    /// Which one it is.
    pub message: OurMessage,
}

/// A message that Kommo has, by our id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OurMessage {
    pub msgid: String,
}
