//! Old messages, as an export of Telegram Desktop has them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{BotId, KommoUserId, MessageId, SourceId, TelegramChat, UserId},
    message::MediaKind,
};

/// A message of an export. Written `tg:{bot}:{owner}/{chat}:i{message}`, which no message of a bot is.
///
/// The export has the message numbers of its owner's account, which differ from those that the bot gets in the chat
/// with the same customer; hence the owner and the `i`. Kommo accepts each id once, so importing an export twice
/// changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImportedId {
    /// The bot of the conversation that it is imported into.
    pub bot: BotId,
    /// The chat in the account of the export's owner.
    pub chat: TelegramChat,
    /// Telegram's number of the message in that account.
    pub message: i64,
}

impl ImportedId {
    /// Whether an id of ours belongs to an imported message.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let number = text.strip_prefix("tg:").and_then(|rest| rest.rsplit_once(":i"));
        number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The id that the bot gives the same message, if the owner has connected the bot to their own chats.
    #[must_use]
    pub const fn in_own_chat(self) -> MessageId {
        MessageId { bot: self.bot, chat: self.chat, message: self.message, update: None }
    }
}

impl fmt::Display for ImportedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg:{}:{}:i{}", self.bot, self.chat, self.message)
    }
}

/// A message to import, with everything that decides how it looks in Kommo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Import {
    pub source: SourceId,
    /// The owner of the export.
    pub owner: UserId,
    /// Telegram's id of the customer.
    pub chat: i64,
    /// The name that the owner has given the customer; empty for a deleted account.
    pub customer: String,
    pub message: OldMessage,
    /// Who wrote it; `None` for the customer.
    pub author: Option<ImportAuthor>,
    /// Its file, if it has one.
    pub file: Result<KeptFile, Omitted>,
    /// The quotation before its text, if it answers a message that Kommo does not have.
    pub quoted: String,
    /// How many messages of the chat came within the same second before it.
    pub within_second: i64,
    /// Whether to make no lead and notify nobody.
    pub silent: bool,
    /// The code of the language of managers.
    pub language: String,
    /// Whether it was sent before, and the response was lost or asked to send it again.
    pub is_repeated: bool,
}

/// The author of an imported message that the customer did not write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAuthor {
    /// The name to show.
    pub name: String,
    pub user: KommoUserId,
    /// Whether it is a manager rather than the channel's bot.
    pub is_manager: bool,
}

/// A message as the export has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OldMessage {
    /// Its number in the owner's account.
    pub id: i64,
    /// The author's Telegram id.
    pub author: i64,
    pub author_name: String,
    /// When, in seconds since the epoch.
    pub at_seconds: i64,
    /// The message that it answers, in the same chat.
    pub reply_to: Option<i64>,
    pub content: OldContent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OldContent {
    /// A text; never empty.
    Text(String),
    /// A file, with the text that came with it.
    File(OldFile),
    /// A place, in degrees, with the text that came with it.
    Place {
        latitude: f64,
        longitude: f64,
        text: Option<String>,
    },
    Card {
        name: String,
        phone: String,
    },
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldFile {
    pub kind: MediaKind,
    /// Its path below the export's folder, or the reason in brackets why the export lacks it.
    pub path: String,
    /// The name that the sender gave it.
    pub name: Option<String>,
    pub mime_type: Option<String>,
    pub duration_seconds: Option<u32>,
    pub text: Option<String>,
}

/// A copy of a file, from which Kommo can fetch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its path below the folder of imports.
    pub path: String,
    pub name: String,
    pub size_bytes: u64,
}

/// Why a file is left out, and only its name is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Omitted {
    /// The export does not have it.
    Missing,
    /// It is larger than the import's limit.
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_message_is_none_of_the_bots() {
        let chat = TelegramChat { owner: Some(UserId(555)), id: 777 };
        let imported = ImportedId { bot: BotId(1), chat, message: 42 };
        let id = imported.to_string();
        assert_eq!(id, "tg:1:555/777:i42");
        assert!(id.parse::<MessageId>().is_err());
        assert!(ImportedId::is_one(&id));
        let own = MessageId { bot: BotId(1), chat: 777.into(), message: 42, update: None }.to_string();
        for other in [own.as_str(), "tg:1:777:i", "tg:1:777:ix", "i42", ""] {
            assert!(!ImportedId::is_one(other), "{other}");
        }
        assert_eq!(imported.in_own_chat().to_string(), "tg:1:555/777:42");
    }
}
