//! Telegram's updates.
//!
//! These are our own structs, in which every field is optional: a typed library rejects a whole message over one detail
//! that it does not know, and the customer's text would be lost. Field names are those of the Bot API.

use serde::{Deserialize, Deserializer};

use crate::lenient::{Fields, lenient};

mod contents;
mod kinds;
mod raw_object;
mod scan;
mod surrogates;
pub mod vcard;

pub use contents::{Contact, File, Location, Venue};
pub use kinds::{ABOUT, CONTENTS};
use kinds::{FILES, content};
pub use raw_object::{Entity, RawObject};
pub use scan::{first_update, levels, renumbered, update_id};
use surrogates::replace_lone;

#[derive(Clone, Debug)]
pub struct Update {
    /// Its number, which is unique per bot.
    pub update_id: Option<i64>,
    /// The name of its field, such as `message`.
    pub kind: String,
    pub event: Event,
}

/// How deeply the objects and arrays of an update may be nested: the limit of `serde_json`. Telegram's own have some
/// ten levels, an article as many as its author likes.
pub const MAX_LEVELS: usize = 127;

impl Update {
    /// Reads an update; `None` if it is none, or nested too deeply. A quoted message is itself a message, so without
    /// this limit nested quotes could exhaust the stack.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        if levels(raw) > MAX_LEVELS {
            return None;
        }
        serde_json::from_str(&replace_lone(raw)).ok()
    }
}

/// The content of an update.
#[derive(Clone, Debug)]
pub enum Event {
    /// `message`, `channel_post`, `business_message`: somebody wrote.
    Message(Box<Message>),
    /// `edited_message`, `edited_channel_post`, `edited_business_message`: somebody changed what they wrote.
    Edited(Box<Message>),
    /// `callback_query`: somebody pressed a button.
    Pressed(Box<CallbackQuery>),
    /// `message_reaction`: somebody reacted to a message, or took it back.
    Reacted(Box<MessageReaction>),
    /// `my_chat_member`: the bot was added to a chat or removed from it.
    Member(Box<RawObject>),
    /// `business_connection`: somebody has connected the bot to their own chats, or changed its rights there.
    Connected(Box<RawObject>),
    /// `subscription`: somebody has cancelled or resumed a paid subscription, or could not pay.
    Subscription(Box<RawObject>),
    /// `deleted_business_messages`: messages of such a chat were deleted.
    Deleted(Box<RawObject>),
    Other,
}

/// The kinds of updates that are read.
const KINDS: [&str; 12] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_message",
    "edited_business_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "business_connection",
    "deleted_business_messages",
    "subscription",
];

impl<'de> Deserialize<'de> for Update {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let known = KINDS.into_iter().find(|name| fields.is_set(name));
        let other = || fields.names().find(|name| *name != "update_id" && fields.is_set(name));
        let kind = known.or_else(other).unwrap_or("nothing").to_owned();
        let event = match kind.as_str() {
            "message" | "channel_post" | "business_message" => Event::Message(fields.read(&kind).unwrap_or_default()),
            "edited_message" | "edited_channel_post" | "edited_business_message" => {
                Event::Edited(fields.read(&kind).unwrap_or_default())
            }
            "callback_query" => Event::Pressed(fields.read(&kind).unwrap_or_default()),
            "message_reaction" => Event::Reacted(fields.read(&kind).unwrap_or_default()),
            "my_chat_member" => Event::Member(fields.read(&kind).unwrap_or_default()),
            "business_connection" => Event::Connected(fields.read(&kind).unwrap_or_default()),
            "subscription" => Event::Subscription(fields.read(&kind).unwrap_or_default()),
            "deleted_business_messages" => Event::Deleted(fields.read(&kind).unwrap_or_default()),
            _ => Event::Other,
        };
        Ok(Self { update_id: fields.read("update_id"), kind, event })
    }
}

#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its number within the chat.
    pub message_id: Option<i64>,
    /// Seconds since the epoch.
    pub date: Option<i64>,
    /// When it was last edited, in seconds since the epoch.
    pub edit_date: Option<i64>,
    pub from: Option<User>,
    pub chat: Option<Chat>,
    /// The text of a text message.
    pub text: Option<String>,
    pub reply_markup: Option<InlineKeyboard>,
    /// The quoted message.
    pub reply_to_message: Option<Box<Message>>,
    /// The quoted part of that message.
    pub quote: Option<TextQuote>,
    pub caption: Option<String>,
    /// The name of the field that holds the content, such as `photo`; `text` for a text.
    pub content: Option<String>,
    /// The sizes of a photo, smallest first.
    pub photo: Option<Vec<File>>,
    /// The file of any other kind of message.
    pub file: Option<File>,
    pub location: Option<Location>,
    /// A place with a name.
    pub venue: Option<Venue>,
    pub contact: Option<Contact>,
    /// All fields, for those that are read by name.
    pub fields: RawObject,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::deserialize(deserializer).map(Self::from)
    }
}

impl From<Fields> for Message {
    fn from(fields: Fields) -> Self {
        let content = content(&fields);
        Self {
            message_id: fields.read("message_id"),
            date: fields.read("date"),
            edit_date: fields.read("edit_date"),
            from: fields.read("from"),
            chat: fields.read("chat"),
            text: fields.read("text"),
            reply_markup: fields.read("reply_markup"),
            reply_to_message: fields.read("reply_to_message"),
            quote: fields.read("quote"),
            caption: fields.read("caption"),
            photo: fields.read("photo"),
            file: content.filter(|name| FILES.contains(name)).and_then(|name| fields.read(name)),
            location: fields.read("location"),
            venue: fields.read("venue"),
            contact: fields.read("contact"),
            content: content.map(str::to_owned),
            fields: RawObject::from(fields),
        }
    }
}

lenient! {
    /// A quoted part of a message; also of a message from another chat.
    pub struct TextQuote {
        pub text: String,
        /// Whether the author has chosen the part; otherwise Telegram has shortened the message.
        pub is_manual: bool,
    }

    /// A press of a button.
    pub struct CallbackQuery {
        /// The id by which it is answered.
        pub id: String,
        pub from: User,
        /// The message with the button. An old one has only its chat and id, and the date 0.
        pub message: Message,
        /// The message with the button, if it was sent via the bot to another chat, or, with the matching setting of
        /// the bot, if it is one of its own.
        pub inline_message_id: String,
        /// The data of the button.
        pub data: String,
    }

    /// A change of somebody's reactions to a message.
    pub struct MessageReaction {
        pub chat: RawObject,
        pub message_id: i64,
        pub user: User,
        pub old_reaction: Vec<ReactionType>,
        /// Their reactions now; the newest is the last.
        pub new_reaction: Vec<ReactionType>,
    }

    pub struct ReactionType {
        /// The emoji; absent for custom ones and for stars.
        pub emoji: String,
    }

    /// Buttons below a message.
    pub struct InlineKeyboard {
        pub inline_keyboard: Vec<Vec<InlineButton>>,
    }

    /// A button below a message.
    pub struct InlineButton {
        /// Its label.
        pub text: String,
        /// Its data, if it has any.
        pub callback_data: String,
    }

    /// A person or a bot.
    pub struct User {
        /// Unique within Telegram.
        pub id: i64,
        pub first_name: String,
        pub last_name: String,
        /// The public name, without `@`.
        pub username: String,
    }

    pub struct Chat {
        /// Unique within Telegram; a private chat has its person's id.
        pub id: i64,
        /// `private`, `group`, `supergroup` or `channel`.
        pub r#type: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_of(fields: &str) -> Option<String> {
        let raw = format!(r#"{{"update_id":1,"message":{{"message_id":1,"date":1,{fields}}}}}"#);
        match serde_json::from_str::<Update>(&raw).unwrap().event {
            Event::Message(message) => message.content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_content_is_named_by_its_most_specific_field() {
        let cases = [
            (r#""text":"x","link_preview_options":{"is_disabled":true}"#, "text"),
            (r#""photo":[],"caption":"x","caption_entities":[]"#, "photo"),
            (r#""animation":{},"document":{}"#, "animation"),
            (r#""location":{},"venue":{}"#, "venue"),
            (r#""group_chat_created":true,"has_media_spoiler":true"#, "group_chat_created"),
            (r#""a_kind_from_the_future":{"x":1}"#, "a_kind_from_the_future"),
            (r#""a_detail_from_the_future":{"x":1},"voice":{}"#, "voice"),
            (r#""live_photo":{},"photo":[]"#, "live_photo"),
        ];
        for (fields, want) in cases {
            assert_eq!(content_of(fields).as_deref(), Some(want), "{fields}");
        }
        assert_eq!(content_of(r#""photo":null,"delete_chat_photo":false"#), None);
    }

    #[test]
    fn an_update_of_any_kind_is_read() {
        for (raw, kind) in [
            (r#"{"update_id":5,"message_reaction":{}}"#, "message_reaction"),
            (r#"{"update_id":5,"from_the_future":[1]}"#, "from_the_future"),
            (r#"{"update_id":"5"}"#, "nothing"),
            (r#"{"message":7,"update_id":5}"#, "message"),
            (r#"{"context":{},"edited_message":null,"message":{},"update_id":5}"#, "message"),
        ] {
            assert_eq!(serde_json::from_str::<Update>(raw).unwrap().kind, kind);
        }
    }
}
