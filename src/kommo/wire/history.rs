//! The history of a chat (the page "Chat history").

use serde_json::value::RawValue;

use crate::{
    kommo::wire::{HookCard, HookLocation},
    lenient::lenient,
};

lenient! {
    /// A page of a chat's history, newest first.
    pub struct History {
        pub messages: Vec<Box<RawValue>>,
    }

    /// One message of a chat's history, with its metadata.
    pub struct HistoryItem {
        /// Seconds since the epoch.
        pub timestamp: i64,
        /// Milliseconds since the epoch.
        pub msec_timestamp: i64,
        pub sender: HistoryPerson,
        /// The recipient; absent for customers' messages.
        pub receiver: HistoryPerson,
        /// The content as raw JSON. [`HistoryMessage`] reads it.
        pub message: Box<RawValue>,
    }

    /// A participant of a chat.
    pub struct HistoryPerson {
        pub id: String,
        /// Our id; users of the account have none.
        pub client_id: String,
        pub name: String,
    }

    /// A message of a chat's history.
    pub struct HistoryMessage {
        pub id: String,
        /// Our id; absent for messages written in Kommo.
        pub client_id: String,
        /// `text`, `picture`, `file` and so on.
        pub r#type: String,
        /// The text, or a caption.
        pub text: String,
        /// The address of a file.
        pub media: String,
        pub file_name: String,
        pub location: HookLocation,
        pub contact: HookCard,
    }
}

impl History {
    /// All its messages. One that cannot be read is empty, and does not affect the others. `None` if it has no list of
    /// them.
    #[must_use]
    pub fn items(&self) -> Option<Vec<HistoryItem>> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_default();
        Some(self.messages.as_ref()?.iter().map(|raw| read(raw)).collect())
    }
}

impl HistoryItem {
    /// The message, as far as it can be read.
    #[must_use]
    pub fn content(&self) -> HistoryMessage {
        self.message.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}
