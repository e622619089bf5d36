//! Messages, independent of either wire format.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{ContactId, Conversation, KommoUserId, MessageId},
        time::UnixMillis,
        topic::Topic,
    },
    words::{Sentence, kind},
};

mod outbound;
mod quote;

pub use outbound::{Attachment, Outbound, OutboundReaction, Recipient, Typing};
pub use quote::Quote;

/// The other end of a conversation in Telegram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The person, or the group.
    pub id: ContactId,
    /// The name to show; never empty.
    pub name: String,
    /// Their public username, without `@`.
    pub username: Option<String>,
    /// Their own phone number, if they have shared it: digits alone.
    pub phone: Option<String>,
}

/// Who wrote a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Author {
    #[default]
    Customer,
    /// The side of the business, but outside Kommo: the owner on their phone, or the bridge itself. Kommo shows the
    /// message as sent.
    Business {
        /// The name to show.
        name: String,
        /// The author for Kommo; `None` for the channel's bot.
        kommo: Option<KommoUserId>,
    },
}

/// The content of a message. This is a stored format: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Plain text, never empty.
    Text(String),
    Media(Media),
    /// A point on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// The text that came with it.
        caption: Option<String>,
    },
    Contact {
        /// The name; never empty.
        name: String,
        /// The phone number; never empty.
        phone: String,
        /// The text that came with it.
        caption: Option<String>,
    },
    /// Something that this bridge cannot relay yet.
    Unknown {
        /// Its kind in a few words, such as `poll`.
        kind: String,
        /// The text that came with it.
        caption: Option<String>,
    },
}

impl Content {
    /// Its kind, for the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Media(media) => media.kind.name(),
            Self::Location { .. } => "location",
            Self::Contact { .. } => "contact",
            Self::Unknown { .. } => "other",
        }
    }
}

/// A file that a customer sent, as Telegram describes it. The file itself stays there until it is requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// How it is shown.
    pub kind: MediaKind,
    /// Telegram's id of the file, valid only for the bot that received it.
    pub file_id: String,
    /// Its name, or a generated one; never empty, and without slashes and control characters.
    pub file_name: String,
    /// Its type, as the sender's app claims.
    pub mime_type: Option<String>,
    /// Its size, if known.
    pub size_bytes: Option<u64>,
    /// How long it plays.
    pub duration_seconds: Option<u32>,
    /// The text that came with it.
    pub caption: Option<String>,
}

/// How a file is shown. This is a stored format: variants are only ever added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Picture,
    /// A film, with or without sound.
    Video,
    Voice,
    /// Music, or any other sound.
    Audio,
    Sticker,
    File,
}

/// All kinds of messages, as [`Content::kind`] names them.
pub const KINDS: [&str; 10] = [
    "text",
    MediaKind::Picture.name(),
    MediaKind::Video.name(),
    MediaKind::Voice.name(),
    MediaKind::Audio.name(),
    MediaKind::Sticker.name(),
    MediaKind::File.name(),
    "location",
    "contact",
    "other",
];

impl MediaKind {
    /// The name in English.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Video => "video",
            Self::Voice => "voice message",
            Self::Audio => "audio file",
            Self::Sticker => "sticker",
            Self::File => "file",
        }
    }

    /// The name in the language of its reader.
    #[must_use]
    pub fn in_words(self) -> Sentence {
        match self {
            Self::Picture => kind::picture(),
            Self::Video => kind::video(),
            Self::Voice => kind::voice(),
            Self::Audio => kind::audio(),
            Self::Sticker => kind::sticker(),
            Self::File => kind::file(),
        }
    }
}

/// A message for the CRM.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// The thread it belongs to.
    pub conversation: Conversation,
    /// Our id of the message.
    pub id: MessageId,
    /// Whose conversation it is.
    pub customer: Customer,
    pub author: Author,
    /// When, by Telegram's clock.
    pub sent_at: UnixMillis,
    pub content: Content,
    /// The message that it answers.
    pub quote: Option<Quote>,
    /// Whether it is an edit of a message that was sent before.
    pub edited: bool,
    /// The topic of the chat; `None` for what is no message of a person, or if Telegram does not say.
    pub topic: Option<Topic>,
    /// Scheduled, or sent by Telegram for its author: it proves nothing about what the author has read.
    pub unattended: bool,
}

impl Inbound {
    /// The id of the message itself, also of an edit.
    #[must_use]
    pub const fn original(&self) -> MessageId {
        MessageId { update: None, ..self.id }
    }
}

/// A customer's press of a button: a message with the button's label.
#[derive(Clone, Debug, PartialEq)]
pub struct ButtonPress {
    /// Telegram's id of the callback query, which has to be answered.
    pub query: String,
    /// The position of the button in its keyboard, if it is known.
    pub button: Option<usize>,
    /// The id of the choice, for Kommo, if the button has one.
    pub choice: Option<String>,
    /// Whether the button's data is that of the bridge's own keyboards. Another program may have sent others.
    pub is_ours: bool,
    /// The message that it stands for.
    pub inbound: Inbound,
}

impl ButtonPress {
    /// The press as that of a one-time keyboard: each of its buttons answers once, however often it is pressed. If the
    /// button is not known, or every member of a group may press it, each press counts.
    #[must_use]
    pub fn once(mut self) -> Self {
        if matches!(self.inbound.customer.id, ContactId::Group(_)) || self.inbound.id.message == 0 {
            return self;
        }
        // Telegram gives no update a negative number.
        let numbered = self.button.and_then(|button| i64::try_from(button).ok()).map(|button| -1 - button);
        self.inbound.id.update = numbered.or(self.inbound.id.update);
        self
    }
}

/// A reaction to a message, or its removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub conversation: Conversation,
    /// The message that it reacts to.
    pub message: MessageId,
    pub customer: ContactId,
    /// Who reacts.
    pub author: Author,
    /// The emoji; `None` if the reaction was removed.
    pub emoji: Option<String>,
}

/// Why an update is not relayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// It carries no customer's message. Not an error.
    #[error("an update of kind {0} is not relayed")]
    NotAMessage(String),
    /// It is from a group or a channel, and the configuration excludes those. Not an error.
    #[error("the group or channel \"{title}\" is not relayed")]
    Group {
        /// Telegram's id of it.
        chat: i64,
        title: String,
    },
    /// It is from the direct messages of a channel, where an answer needs a topic that Kommo does not have. Not an
    /// error.
    #[error("the direct messages of a channel are not relayed")]
    DirectMessages {
        /// Telegram's id of the chat.
        chat: i64,
    },
    /// It is a reaction of a member of a group. For Kommo the group is one person: it would show only the newest
    /// reaction, and none once one of the members removes theirs. Not an error.
    #[error("reactions of group members are not relayed")]
    OneOfMany,
    /// It is an edit that changes nothing in the message. Not an error.
    #[error("an edit that changes nothing is not relayed")]
    NoNews,
    /// The bot wrote it itself. Not an error.
    #[error("the bot's own message is not relayed")]
    Own,
    /// It claims to be a message but names no chat, sender or number. It is parked for a person to inspect.
    #[error("the update cannot be read as a message")]
    Unreadable,
}
