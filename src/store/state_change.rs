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

/// Something learnt about either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// What Kommo calls a conversation of ours.
    Chat {
        conversation: Conversation,
        /// Its other side.
        chat: Chat,
    },
    /// Whether the bot is let into a chat.
    Membership {
        conversation: Conversation,
        /// How it is.
        membership: Membership,
    },
    /// A connection of Telegram Business.
    Connection {
        /// The bot that has it.
        bot: BotId,
        /// What it is.
        connection: Connection,
    },
    /// A group is another chat now. Its conversation stays.
    Move {
        /// The conversation of what it was.
        from: Conversation,
        /// Telegram's id of what it is.
        to: i64,
    },
    /// The newest message of a customer, by its number in the chat.
    Newest {
        conversation: Conversation,
        /// Its number.
        message: i64,
    },
    /// A message of Kommo's that the customer of a conversation has got.
    Arrived {
        conversation: Conversation,
        /// Which it is, and when it was written.
        arrived: Arrived,
    },
    /// The latest message of a conversation that Kommo has.
    LastSent {
        conversation: Conversation,
        /// Which it is, and when it was sent.
        last_sent: LastSent,
    },
    /// A message has left its lane without Kommo's id of it, although Kommo may have it.
    Unlinked {
        conversation: Conversation,
        /// Which it is.
        ours: MessageId,
    },
    /// The topic that the newest message of a conversation is in; `None` if it is in none.
    Topic {
        conversation: Conversation,
        /// Telegram's number of the topic.
        topic: Option<i64>,
    },
    /// An answer has begun to arrive in a chat with topics, and there is more of it.
    UnderWay {
        conversation: Conversation,
        /// Kommo's id of the answer.
        answer: KommoMessageId,
        /// Where its beginning is.
        spot: Topic,
    },
    /// Answers have arrived, and nothing shows yet that they were read. One change of an outcome has all of a
    /// conversation's.
    Unread {
        conversation: Conversation,
        /// The answers, in order.
        answers: Vec<UnreadAnswer>,
    },
    /// Answers were read; nothing more is expected of them.
    Read { conversation: Conversation, answers: Vec<UnreadAnswer> },
    /// What Kommo calls a message of Telegram's. An answer of several parts has several.
    Link {
        /// The Telegram message.
        ours: MessageId,
        /// The Kommo message.
        kommo: KommoMessageId,
    },
    /// What a customer has written in a person's own chat waits for an answer; `None` if nothing does any more.
    Question {
        conversation: Conversation,
        /// What waits.
        question: Option<Question>,
    },
    /// A `/start` is held until more is known of the customer; `None` if it is no more.
    Held {
        conversation: Conversation,
        /// The update.
        held: Option<HeldStart>,
    },
    /// A manager has begun a chat with the customer of a conversation.
    ManagerInitiatedChat { conversation: Conversation, chat: Chat },
    /// The customer has answered what a manager had begun.
    Answered {
        conversation: Conversation,
        /// Kommo's id of the chat that was begun.
        chat: KommoChatId,
    },
    /// What Kommo was told of a customer.
    SyncedProfile {
        conversation: Conversation,
        /// What.
        told: SyncedProfile,
    },
    /// A manager has written in a conversation.
    Attended { conversation: Conversation },
}

/// A conversation as Kommo knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    pub chat: KommoChatId,
    /// The customer in it.
    pub user: Option<KommoUserId>,
}

impl Chat {
    /// The same, with the customer that was known in it before: not everything that names the chat names them.
    pub(super) fn with_user_of(self, former: Option<Self>) -> Self {
        let user = former.filter(|former| former.chat == self.chat).and_then(|former| former.user);
        Self { user: self.user.or(user), ..self }
    }
}
