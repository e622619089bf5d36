//! Ids as types: who mints each, where it is unique, and its text form.
//!
//! | Type | Minted by | Unique within |
//! |---|---|---|
//! | [`SourceId`] | the operator, as a key of `[sources]` | this bridge |
//! | [`BotId`] | Telegram (the number before the colon of a token) | Telegram |
//! | [`UserId`] | Telegram | Telegram |
//! | [`ContactId`] | Telegram | Telegram |
//! | [`TelegramChat`] | Telegram | one bot |
//! | [`Conversation`] | us | the Kommo channel |
//! | [`MessageId`] | us, of Telegram's parts | the Kommo channel |
//! | [`KommoMessageId`], [`KommoChatId`], [`KommoUserId`] | Kommo | Kommo; opaque to us |

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};

/// What was wrong with an id that came from outside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A source id is empty, too long, or has characters Kommo does not take.
    #[error("a source id is 1 to 36 printable ASCII characters")]
    Source,
    /// Not a chat as this bridge writes it.
    #[error("not a chat of this bridge")]
    Chat,
    /// Not a conversation id that this bridge has minted.
    #[error("not a conversation of this bridge")]
    Conversation,
    /// Not a message id that this bridge has minted.
    #[error("not a message id of this bridge")]
    Message,
}

/// One line inside the channel: one bot. Kommo calls it `source.external_id`.
///
/// 1 to 36 printable ASCII characters: Kommo's sources page says 36, its Chats API reference 40; the smaller is safe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl SourceId {
    /// The longest source id, in characters.
    pub const MAX_CHARS: usize = 36;

    /// Reads a source id.
    ///
    /// # Errors
    /// [`AddressError::Source`] if it is empty, longer than 36 characters, or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_CHARS || !printable {
            return Err(AddressError::Source);
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The numeric id of a bot. Public: it is the part of the token that is no secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BotId(pub u64);

impl fmt::Display for BotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person in Telegram, the same one for every bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    /// The form Kommo sees as `sender.id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg-user:{}", self.0)
    }
}

/// The contact in Kommo: a person, or a group, whose members share one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactId {
    Person(UserId),
    /// A group or a channel, by the id of its chat.
    Group(i64),
}

impl fmt::Display for ContactId {
    /// The form Kommo sees as `sender.id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => user.fmt(f),
            Self::Group(chat) => write!(f, "tg-chat:{chat}"),
        }
    }
}

/// A chat that a bot is in, or one of a person for whom it answers. Written `{id}`, or `{owner}/{id}`.
///
/// A customer who writes to the bot and to its owner has two chats with the same id, hence the owner. The owner is
/// named by their user id: Telegram's `business_connection_id` changes whenever they reconnect the bot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TelegramChat {
    /// The person whose own chat it is (Telegram Business); `None` for a chat of the bot itself.
    pub owner: Option<UserId>,
    /// Telegram's id of the chat; in a private chat the customer's user id.
    pub id: i64,
}

impl From<i64> for TelegramChat {
    /// A chat of the bot itself.
    fn from(id: i64) -> Self {
        Self { owner: None, id }
    }
}

impl fmt::Display for TelegramChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owner.map_or(Ok(()), |owner| write!(f, "{}/", owner.0))?;
        self.id.fmt(f)
    }
}

impl fmt::Debug for TelegramChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TelegramChat {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let number = |text| canonical(text).ok_or(AddressError::Chat);
        Ok(match text.split_once('/') {
            None => Self { owner: None, id: number(text)? },
            Some((owner, id)) => Self { owner: Some(UserId(number(owner)?)), id: number(id)? },
        })
    }
}

/// One thread with one customer: a Telegram chat as one source sees it. Written `tg:{source}:{chat}`.
///
/// The source is part of it, so two bots that talk with one customer are two conversations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conversation {
    /// The source whose bot talks in the chat.
    pub source: SourceId,
    pub chat: TelegramChat,
}

impl Conversation {
    /// The thread of `source` in Telegram chat `chat`.
    #[must_use]
    pub fn new(source: SourceId, chat: impl Into<TelegramChat>) -> Self {
        Self { source, chat: chat.into() }
    }

    /// The contact that its chat belongs to.
    #[must_use]
    pub const fn contact(&self) -> ContactId {
        if self.is_group() { ContactId::Group(self.chat.id) } else { ContactId::Person(UserId(self.chat.id)) }
    }

    /// Whether the chat is a group or a channel: Telegram gives those negative ids.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.chat.id < 0
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg:{}:{}", self.source, self.chat)
    }
}

impl FromStr for Conversation {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("tg:").ok_or(AddressError::Conversation)?;
        let (source, chat) = rest.rsplit_once(':').ok_or(AddressError::Conversation)?;
        let source = SourceId::parse(source).map_err(|_| AddressError::Conversation)?;
        Ok(Self { source, chat: chat.parse().map_err(|_| AddressError::Conversation)? })
    }
}

/// A Telegram message by the id we give it in Kommo. Written `tg:{bot}:{chat}:{message}`, followed by `:{update}` if
/// Kommo gets more than one message for the same Telegram message.
///
/// Telegram numbers messages per chat of one bot, hence all three parts. The id has the bot and not the source: when a
/// source gets another bot, the numbers start again, and Kommo accepts each id once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// The bot in whose chat it was written.
    pub bot: BotId,
    pub chat: TelegramChat,
    /// Telegram's number of the message within that chat.
    pub message: i64,
    /// The later update about the message (an edit, a press of a button below it); `None` for the message itself. A
    /// one-time button has its position in the keyboard instead, counted from -1 downwards.
    pub update: Option<i64>,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg:{}:{}:{}", self.bot, self.chat, self.message)?;
        self.update.map_or(Ok(()), |update| write!(f, ":{update}"))
    }
}

impl FromStr for MessageId {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts: Vec<&str> = text.strip_prefix("tg:").ok_or(AddressError::Message)?.split(':').collect();
        let (bot, chat, message, update) = match parts[..] {
            [bot, chat, message] => (bot, chat, message, None),
            [bot, chat, message, update] => (bot, chat, message, Some(update)),
            _ => return Err(AddressError::Message),
        };
        Ok(Self {
            bot: BotId(canonical(bot).ok_or(AddressError::Message)?),
            chat: chat.parse().map_err(|_| AddressError::Message)?,
            message: canonical(message).ok_or(AddressError::Message)?,
            update: update.map(|text| canonical(text).ok_or(AddressError::Message)).transpose()?,
        })
    }
}

/// Whether a text has the form of Kommo's ids. Some of Kommo's responses have ours in their place.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// A number in its canonical form: no `+`, no leading zeros. Otherwise two texts would mean one id.
fn canonical<N: FromStr + ToString>(text: &str) -> Option<N> {
    text.parse::<N>().ok().filter(|number| number.to_string() == text)
}

/// Writes and reads an id in its text form.
macro_rules! serde_as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

serde_as_text!(Conversation MessageId);

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// An id that the other side minted and only the other side can read.
macro_rules! opaque_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

opaque_id! {
    /// A message by Kommo's id: `message.message.id` of a hook, `msgid` of an answer, `{msgid}` of a delivery status.
    KommoMessageId
    /// A thread by Kommo's id: `message.conversation.id` of a hook.
    KommoChatId
    /// A participant by Kommo's id: `ref_id` of a sender.
    KommoUserId
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
