//! What people write to each other, free of either wire format.

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
    /// Somebody on the side of the business, though not in Kommo: the owner on their phone, the bridge itself. Kommo
    /// shows it as sent.
    Business {
        /// The name to show.
        name: String,
        /// Whom Kommo is to take for the author; `None` for the channel's bot.
        kommo: Option<KommoUserId>,
    },
}

/// What a message says. This is a stored format: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Plain text, never empty.
    Text(String),
    Media(Media),
    /// A place on the map.
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
    /// Something that this bridge cannot carry yet.
    Unknown {
        /// What it is in a few words, such as `poll`.
        kind: String,
        /// The text that came with it.
        caption: Option<String>,
    },
}

impl Content {
    /// What it is, for the log.
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

/// A file that a customer sent, as Telegram tells of it. The file itself stays there until somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// How it is shown.
    pub kind: MediaKind,
    /// Telegram's id of the file, good for the bot that received it alone.
    pub file_id: String,
    /// Its name, or one made up for it; never empty, and without slashes and control characters.
    pub file_name: String,
    /// Its type, as the sender's app claims.
    pub mime_type: Option<String>,
    /// Its size, if Telegram tells it.
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

/// What messages can be called.
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
    /// The name for people.
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

    /// The name in the language of whoever reads it.
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

/// A message on its way to the CRM.
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
    /// Whether it is the new wording of a message that was sent before.
    pub edited: bool,
    /// Where in a chat with topics it was said; `None` for what nobody has said, or where that is not told.
    pub topic: Option<Topic>,
    /// Scheduled, or sent by Telegram for its author: it proves nothing about what the author has read.
    pub unattended: bool,
}

impl Inbound {
    /// The id of the message itself, also where this is the new wording of it.
    #[must_use]
    pub const fn original(&self) -> MessageId {
        MessageId { update: None, ..self.id }
    }
}

/// A customer's press of a button: a message that says what stands on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ButtonPress {
    /// Telegram's id of the press, which wants an answer.
    pub query: String,
    /// The place of the button among all of its keyboard, if it is known.
    pub button: Option<usize>,
    /// What Kommo wants to hear besides the label, if the button carried it.
    pub choice: Option<String>,
    /// Whether the button carries what those of Kommo's messages do. Another program may have sent others.
    pub is_ours: bool,
    /// The message that it stands for.
    pub inbound: Inbound,
}

impl ButtonPress {
    /// The press as that of a keyboard that is used once: each of its buttons says what it says one time, however often
    /// it is pressed. Where the button is not known, or anybody of a group may press it, each press counts.
    #[must_use]
    pub fn once(mut self) -> Self {
        if matches!(self.inbound.customer.id, ContactId::Group(_)) || self.inbound.id.message == 0 {
            return self;
        }
        // Below zero, where Telegram has no updates.
        let numbered = self.button.and_then(|button| i64::try_from(button).ok()).map(|button| -1 - button);
        self.inbound.id.update = numbered.or(self.inbound.id.update);
        self
    }
}

/// A reaction to a message, or the end of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub conversation: Conversation,
    /// The message that it is about.
    pub message: MessageId,
    pub customer: ContactId,
    /// Who reacts.
    pub author: Author,
    /// The emoji; `None` if the reaction was taken back.
    pub emoji: Option<String>,
}

/// Why an update has nothing to bridge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// It carries no customer's message. Not an error.
    #[error("an update of kind {0} is not relayed")]
    NotAMessage(String),
    /// It is from a group or a channel, and those are not wanted. Not an error.
    #[error("the group or channel \"{title}\" is not relayed")]
    Group {
        /// Telegram's id of it.
        chat: i64,
        title: String,
    },
    /// It is from the direct messages of a channel, where an answer needs a topic that Kommo knows nothing of. Not an
    /// error.
    #[error("the direct messages of a channel are not relayed")]
    DirectMessages {
        /// Telegram's id of the chat.
        chat: i64,
    },
    /// It is a reaction of a member of a group. Kommo knows the group as one who reacts: it would show the newest
    /// alone, and nobody's any more when one of them is taken back. Not an error.
    #[error("what one of a group's members reacts with is not relayed")]
    OneOfMany,
    /// It is an edit after which the message says what it said. Not an error.
    #[error("an edit without news is not relayed")]
    NoNews,
    /// The bot wrote it itself. Not an error.
    #[error("the bot's own message is not relayed")]
    Own,
    /// It claims to be a message but names no chat, sender or number. It is kept for a person to look at.
    #[error("the update cannot be read as a message")]
    Unreadable,
}
