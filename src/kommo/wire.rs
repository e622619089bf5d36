//! The JSON of the Chats API. What we send is exact; what we receive is read leniently.
//!
//! Sources: Kommo's pages "Send, import and edit messages", "Update message delivery status", "Chat webhooks" and "Chat
//! history".

use serde::Serialize;

use crate::lenient::lenient;

pub mod account;
mod connect;
mod delivery;
mod error;
mod history;
mod hook;
pub mod trace;

pub use connect::{Connect, Connected, Disconnect};
pub use delivery::{Delivered, DeliveryStatus};
pub use error::ApiError;
pub use history::{History, HistoryItem, HistoryMessage, HistoryPerson};
pub use hook::{
    Hook, HookAction, HookAuthor, HookButton, HookCard, HookContent, HookConversation, HookForwards, HookList,
    HookLocation, HookMarkup, HookMessage, HookQuoted, HookReacted, HookReaction, HookReceiver, HookReply, HookRow,
    HookSection, HookSource, HookTyping,
};

/// The body of `POST /v2/origin/custom/{scope_id}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// `new_message`.
    pub event_type: &'static str,
    pub payload: NewMessage,
}

/// A message to create. Kommo accepts each `msgid` once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewMessage {
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Milliseconds since the epoch.
    pub msec_timestamp: i64,
    /// Our id of the message.
    pub msgid: String,
    /// Our id of the conversation.
    pub conversation_id: String,
    /// Kommo's id of the chat that a manager has begun with the customer; sent with the customer's first message in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_ref_id: Option<String>,
    pub source: Source,
    pub sender: Sender,
    /// The customer, if somebody else wrote the message. It makes the message an outgoing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Sender>,
    pub message: Message,
    /// The quoted message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    /// Whether managers get no lead and no notification.
    pub silent: bool,
}

/// A quoted message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplyTo {
    pub message: KnownMessage,
}

/// A message in Kommo, by one of its two ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownMessage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Our id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msgid: Option<String>,
}

/// The body of an edit ("Send, import and edit messages").
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EditEvent {
    /// `edit_message`.
    pub event_type: &'static str,
    pub payload: EditMessage,
}

/// An edit. Kommo reads no sender, source or quote here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EditMessage {
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// Milliseconds since the epoch.
    pub msec_timestamp: i64,
    /// Kommo's id of the message. With both ids, Kommo adds ours to the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Our id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msgid: Option<String>,
    /// Our id of the conversation; one of the two ids is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// Kommo's id of the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_ref_id: Option<String>,
    /// The new content.
    pub message: Message,
}

/// A source of the channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The source's id, as the operator named it.
    pub external_id: String,
}

/// A participant on our side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sender {
    /// Our id of the person.
    pub id: String,
    /// Kommo's id of the manager or of the channel's bot, which is required for everybody who is no customer; or of a
    /// customer to whom a manager has written first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ref_id: Option<String>,
    /// The name to show.
    pub name: String,
    /// The address of their avatar, which Kommo downloads later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// By this Kommo finds the contact, or fills in a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The address of their profile in the messenger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_link: Option<String>,
}

/// The contact details of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// The phone number, with `+` and the country code.
    pub phone: String,
}

impl Profile {
    /// A profile with a phone number of digits only.
    #[must_use]
    pub fn of(digits: &str) -> Self {
        Self { phone: format!("+{digits}") }
    }
}

/// The content of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Message {
    /// `text`, `picture`, `video`, `voice`, `audio`, `sticker`, `file`, `location` or `contact`.
    pub r#type: &'static str,
    /// The text, or a caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The address of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// A file's name; required for `file`, `video` and `picture`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// A file's size in bytes; required for `file`, `video` and `picture`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// The duration of a file, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Card>,
    /// The id of a choice of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<String>,
    /// The delivery status of a message that was sent elsewhere, so that it needs no call of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<Delivered>,
}

/// A location.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Location {
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    pub name: String,
    pub phone: String,
}

/// The body of `POST …/react` ("Send or remove a reaction").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct React {
    /// Our id of the conversation.
    pub conversation_id: String,
    /// Kommo's id of the message.
    pub id: String,
    pub user: Reactor,
    /// `react` or `unreact`.
    pub r#type: &'static str,
    /// The emoji, only with `react`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reactor {
    /// Our id of the person.
    pub id: String,
    /// Kommo's id of the channel's bot or the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ref_id: Option<String>,
}

/// The body of `POST …/chats`. It creates a chat, or returns the existing one ("Create chat").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewChat {
    /// Our id of the conversation.
    pub conversation_id: String,
    pub source: Source,
    pub user: Sender,
}

lenient! {
    /// The response to an [`Event`].
    pub struct Answer {
        pub new_message: Accepted,
    }

    /// An accepted message. Note that `msgid` is Kommo's id here, and `ref_id` is ours.
    pub struct Accepted {
        /// Kommo's id of the message.
        pub msgid: String,
        /// Our id of the message.
        pub ref_id: String,
        /// Kommo's id of the chat, where it is a UUID.
        pub conversation_id: String,
        /// Kommo's id of the sender, where it is a UUID.
        pub sender_id: String,
        /// Kommo's id of the receiver of a message that was sent, where it is a UUID.
        pub receiver_id: String,
    }

    /// The response to a [`NewChat`].
    pub struct KnownChat {
        /// Kommo's id of the chat.
        pub id: String,
    }
}
