//! Changes of chats other than messages.

use crate::{
    domain::{
        address::{BotId, ContactId, Conversation, MessageId},
        membership::Membership,
        message::{Author, Content, Customer, Inbound},
        time::UnixMillis,
    },
    words::{Language, notice},
};

/// The bot was blocked in or removed from a chat, or unblocked or added again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipChange {
    pub conversation: Conversation,
    /// Whose conversation it is.
    pub customer: Customer,
    /// The new state.
    pub membership: Membership,
    pub bot: BotId,
}

impl MembershipChange {
    /// The message about it for managers, in `language`.
    #[must_use]
    pub fn notice(self, language: Language) -> Inbound {
        let text = match (self.customer.id, self.membership.shut_out) {
            (ContactId::Person(_), true) => notice::blocked(),
            (ContactId::Person(_), false) => notice::unblocked(),
            (ContactId::Group(_), true) => notice::removed(),
            (ContactId::Group(_), false) => notice::added(),
        };
        // No message in Telegram has this number.
        let (chat, message) = (self.conversation.chat, 0);
        Inbound {
            conversation: self.conversation,
            id: MessageId { bot: self.bot, chat, message, update: Some(self.membership.update) },
            customer: self.customer,
            author: Author::Business { name: "Telegram".to_owned(), kommo: None },
            sent_at: self.membership.changed_at,
            content: Content::Text(text.say(language)),
            quote: None,
            edited: false,
            topic: None,
            unattended: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub conversation: Conversation,
    pub messages: Vec<MessageId>,
    /// When we learnt of it; Telegram does not date deletions.
    pub learnt_at: UnixMillis,
}

/// A group has become a supergroup, which is another chat with another id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub from: Conversation,
    /// Telegram's id of the supergroup.
    pub to: i64,
}
