//! Messages of an export by the ids that we give them in Kommo.

use std::fmt;

use crate::domain::address::{BotId, TelegramChat};

/// A message of an export. Written `tg:{bot}:{owner}/{chat}:i{message}`, which no message of a bot is.
///
/// The export has the numbers of its owner's own account, which are others than those of the bot in the chat with the same
/// customer; hence the owner, and the mark. Kommo takes each id once, so importing an export twice changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImportedId {
    /// The bot of the conversation that it is imported into.
    pub bot: BotId,
    /// The chat in the account of the export's owner.
    pub chat: TelegramChat,
    /// Telegram's number of the message in that account.
    pub message: i64,
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
    }
}
