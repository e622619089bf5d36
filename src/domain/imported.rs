//! Ids that imported messages have in Kommo.

use std::fmt;

use crate::domain::address::{BotId, TelegramChat};

/// A message of an export. Written `tg:{bot}:{owner}/{chat}:i{message}`, which no message of a bot is.
///
/// The export has the numbers of its owner's own account, which are others than those of the bot in the chat with the
/// same customer; hence the owner, and the mark. Kommo takes each id once, so importing an export twice changes
/// nothing.
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
    /// Whether an id of ours is that of an imported message.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let number = text.strip_prefix("tg:").and_then(|rest| rest.rsplit_once(":i"));
        number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

impl fmt::Display for ImportedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg:{}:{}:i{}", self.bot, self.chat, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{MessageId, UserId};

    #[test]
    fn an_imported_message_is_none_of_the_bots() {
        let chat = TelegramChat { owner: Some(UserId(555)), id: 777 };
        let id = ImportedId { bot: BotId(1), chat, message: 42 }.to_string();
        assert_eq!(id, "tg:1:555/777:i42");
        assert!(id.parse::<MessageId>().is_err());
        assert!(ImportedId::is_one(&id));
        let own = MessageId { bot: BotId(1), chat: 777.into(), message: 42, update: None }.to_string();
        for other in [own.as_str(), "tg:1:777:i", "tg:1:777:ix", "i42", ""] {
            assert!(!ImportedId::is_one(other), "{other}");
        }
    }
}
