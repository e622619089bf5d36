//! The calls to Telegram that an answer becomes.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, KommoMessageId},
    delivery::RefusalText,
    keyboard::Keyboard,
    manager_initiated::ManagerInitiatedChat,
    message::MediaKind,
    time::UnixMillis,
};

/// One Telegram call: one of the parts of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The answer that it belongs to.
    pub message: KommoMessageId,
    pub to: Conversation,
    /// Which part it is, from 1.
    pub part: u16,
    /// How many parts the answer has.
    pub parts: u16,
    pub method: Method,
    /// What has been left out of the answer; its author is informed once the rest has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "lost")]
    pub omitted: Option<RefusalText>,
    /// Telegram's id of the chat with the message that it answers, where that is not the conversation's: its group has
    /// moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_in: Option<i64>,
    /// The manager-initiated chat that this begins, in the first part of an answer: Kommo does not know yet which
    /// conversation it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<ManagerInitiatedChat>,
    /// When the answer was written, by Kommo's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<UnixMillis>,
}

impl Call {
    /// Telegram's number of the message that it answers, if that is in the chat `chat_id`: each chat has its own
    /// numbers. A message without a number of its own (0) is answered without a reference.
    #[must_use]
    pub fn reply_to_in(&self, chat_id: i64) -> Option<i64> {
        let is_here = self.answers_in.unwrap_or(self.to.chat.id) == chat_id;
        self.method.reply_to().filter(|number| is_here && *number > 0)
    }

    /// Whether it is the last part of the answer.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.part == self.parts
    }
}

/// A method of the Bot API with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// `sendMessage`; the text has 1 to 4096 UTF-16 units.
    SendText {
        text: String,
        /// The buttons below it.
        #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
        keyboard: Keyboard,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendLocation`.
    SendLocation {
        /// Millionths of a degree north.
        latitude_microdegrees: i64,
        /// Millionths of a degree east.
        longitude_microdegrees: i64,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendContact`.
    SendContact {
        /// The phone number; never empty.
        phone: String,
        /// The name; never empty.
        name: String,
        /// Further phone numbers of the same person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<String>,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
    /// `sendPhoto`, `sendDocument` and so on, whichever takes the file.
    SendFile {
        file: RemoteFile,
        /// The text below it: up to 1024 UTF-16 units, empty for none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        caption: String,
        /// The buttons below it.
        #[serde(default, skip_serializing_if = "Keyboard::is_empty")]
        keyboard: Keyboard,
        /// Telegram's number of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<i64>,
    },
}

/// A file at Kommo that is to be sent to Telegram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// How it is to be shown, if Telegram can.
    pub kind: MediaKind,
    /// Where Kommo has it.
    pub url: String,
    /// The name that the customer sees; never empty.
    pub name: String,
    /// Why it will not be sent. The other files of its album went without it, so it is not tried again: it would arrive
    /// behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<RefusalText>,
}

impl RemoteFile {
    /// A file that has not been requested yet.
    #[must_use]
    pub const fn new(kind: MediaKind, url: String, name: String) -> Self {
        Self { kind, url, name, unavailable: None }
    }
}

impl Method {
    /// What is sent, for the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SendText { .. } => "text",
            Self::SendLocation { .. } => "location",
            Self::SendContact { .. } => "contact",
            Self::SendFile { file, .. } => file.kind.name(),
        }
    }

    /// Telegram's number of the message that it answers.
    #[must_use]
    pub const fn reply_to(&self) -> Option<i64> {
        match self {
            Self::SendText { reply_to, .. }
            | Self::SendFile { reply_to, .. }
            | Self::SendLocation { reply_to, .. }
            | Self::SendContact { reply_to, .. } => *reply_to,
        }
    }
}
