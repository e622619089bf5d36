//! State changes that a finished job writes in the same commit.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, KommoUserId, MessageId},
        crm::SyncedProfile,
        delivery::UnreadAnswer,
        membership::{Connection, Membership},
        question::Question,
        timestamps::{Arrived, LastSent},
        topic::Topic,
    },
    store::HeldStart,
};

/// A change of what the store knows about either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// Kommo's chat of a conversation.
    Chat { conversation: Conversation, chat: Chat },
    /// Whether the bot has access to a chat.
    Membership { conversation: Conversation, membership: Membership },
    /// A connection of Telegram Business.
    Connection { bot: BotId, connection: Connection },
    /// A group has become a supergroup, with another id. Its conversation stays.
    Move {
        /// The conversation of the group.
        from: Conversation,
        /// Telegram's id of the supergroup.
        to: i64,
    },
    /// The newest message of a customer, by its number in the chat.
    Newest { conversation: Conversation, message: i64 },
    /// A message from Kommo that has reached the customer of a conversation.
    Arrived { conversation: Conversation, arrived: Arrived },
    /// The latest message of a conversation that Kommo has.
    LastSent { conversation: Conversation, last_sent: LastSent },
    /// A message has left its lane without an id from Kommo, although Kommo may have it.
    Unlinked { conversation: Conversation, ours: MessageId },
    /// The topic of the newest message of a conversation, by Telegram's number; `None` if it is in none.
    Topic { conversation: Conversation, topic: Option<i64> },
    /// The first part of an answer has been sent to a chat with topics, and others follow.
    UnderWay { conversation: Conversation, answer: KommoMessageId, spot: Topic },
    /// Answers have arrived, and are not known to be read yet, in order. One change has all answers of an outcome to a
    /// conversation.
    Unread { conversation: Conversation, answers: Vec<UnreadAnswer> },
    /// Answers were read.
    Read { conversation: Conversation, answers: Vec<UnreadAnswer> },
    /// The link of a Telegram message to a Kommo message. An answer of several parts has several.
    Link { ours: MessageId, kommo: KommoMessageId },
    /// The unanswered message in a person's own chat; `None` if it is answered.
    Question { conversation: Conversation, question: Option<Question> },
    /// A `/start` that is held until more is known of the customer; `None` if it is released.
    Held { conversation: Conversation, held: Option<HeldStart> },
    /// A manager has started a chat with the customer of a conversation.
    ManagerInitiatedChat { conversation: Conversation, chat: Chat },
    /// The customer has answered in this chat, which a manager had started.
    Answered { conversation: Conversation, chat: KommoChatId },
    /// What has been recorded in Kommo of a customer.
    SyncedProfile { conversation: Conversation, profile: SyncedProfile },
    /// A manager has written in a conversation.
    Attended { conversation: Conversation },
}

/// Kommo's chat of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    pub chat: KommoChatId,
    /// The customer in it.
    pub user: Option<KommoUserId>,
}

impl Chat {
    /// The chat with its customer from `former`, if it has none: not every response has both.
    pub(super) fn with_user_of(self, former: Option<Self>) -> Self {
        let user = former.filter(|former| former.chat == self.chat).and_then(|former| former.user);
        Self { user: self.user.or(user), ..self }
    }
}
