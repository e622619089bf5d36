//! Routes and lanes: where jobs go, and in which queue.

use std::{fmt, str::FromStr};

use crate::domain::address::{AddressError, Conversation, SourceId};

/// Where jobs of one kind go. Each route has its own workers and pauses alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Customers' messages, to Kommo.
    Inbound,
    /// Answers, to the bot of one source.
    Outbound(SourceId),
    /// Answers whose conversation is not ours; they end as a failed delivery.
    Undeliverable,
    /// Delivery statuses, to Kommo.
    Status,
    /// Changes of contacts and leads by the account's REST API.
    Crm,
}

impl fmt::Display for Route {
    /// The name in logs and metrics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbound => f.write_str("inbound"),
            Self::Outbound(source) => write!(f, "outbound:{source}"),
            Self::Undeliverable => f.write_str("stray"),
            Self::Status => f.write_str("report"),
            Self::Crm => f.write_str("account"),
        }
    }
}

impl FromStr for Route {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match (text, text.strip_prefix("outbound:")) {
            ("inbound", _) => Ok(Self::Inbound),
            ("stray", _) => Ok(Self::Undeliverable),
            ("report", _) => Ok(Self::Status),
            ("account", _) => Ok(Self::Crm),
            (_, source) => source.ok_or(AddressError::Source).and_then(SourceId::parse).map(Self::Outbound),
        }
    }
}

/// One conversation's queue on one route: jobs in it are done one at a time, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Where its jobs go.
    pub route: Route,
    /// What its jobs have in common: a conversation's id, or another name of a thread.
    pub thread: String,
}

/// The prefix of lanes in which a held `/start` waits.
const HOLD: &str = "hold:";

impl Lane {
    /// The lane of a conversation's messages to Kommo.
    #[must_use]
    pub fn inbound(conversation: &Conversation) -> Self {
        Self { route: Route::Inbound, thread: conversation.to_string() }
    }

    /// The lane of messages to Kommo from a chat that `source` sees through a connection of Telegram Business.
    #[must_use]
    pub fn connected(source: &SourceId, connection: &str, chat: i64) -> Self {
        Self { route: Route::Inbound, thread: format!("business:{source}:{connection}:{chat}") }
    }

    /// The lane of updates of one source that belong to no chat.
    #[must_use]
    pub fn chatless(source: &SourceId) -> Self {
        Self { route: Route::Inbound, thread: format!("source:{source}") }
    }

    /// The lane of answers to a conversation.
    #[must_use]
    pub fn outbound(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: conversation.to_string() }
    }

    /// The lane of answers to a thread that is not ours. Long names with the same beginning share a lane, which does no
    /// harm, as nothing in it is delivered.
    #[must_use]
    pub fn stray(thread: &str) -> Self {
        Self { route: Route::Undeliverable, thread: thread[..thread.floor_char_boundary(200)].to_owned() }
    }

    /// The lane for marking messages as read, which delays no answer.
    #[must_use]
    pub fn seen(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: format!("seen:{conversation}") }
    }

    /// The lane for assigning our ids to managers' first messages in a conversation, which delays no status.
    #[must_use]
    pub fn names(conversation: &Conversation) -> Self {
        Self { route: Route::Status, thread: format!("names:{conversation}") }
    }

    /// The lane of jobs that link a conversation's chat to a contact. Notes about the customer wait until it is empty.
    #[must_use]
    pub fn links(conversation: &Conversation) -> Self {
        Self { route: Route::Crm, thread: format!("link:{conversation}") }
    }

    /// The lane of updates of the contact of a conversation's customer.
    #[must_use]
    pub fn contact(conversation: &Conversation) -> Self {
        Self { route: Route::Crm, thread: conversation.to_string() }
    }

    /// The lane of updates of the lead of a conversation, which may appear long after its contact.
    #[must_use]
    pub fn lead(conversation: &Conversation) -> Self {
        Self { route: Route::Crm, thread: format!("lead:{conversation}") }
    }

    /// The lane in which a held `/start` waits for its time. It is a message to Kommo, so a failure of the account does
    /// not delay it. It is apart from its conversation's lane, because a message there may release it.
    #[must_use]
    pub fn hold(conversation: &Conversation) -> Self {
        Self { route: Route::Inbound, thread: format!("{HOLD}{conversation}") }
    }

    /// Whether the jobs of a lane with this name wait for a time of their own, so that their age is no problem.
    #[must_use]
    pub fn is_hold(thread: &str) -> bool {
        thread.starts_with(HOLD)
    }

    /// The lane of managers' reactions in a conversation, which delay no answer.
    #[must_use]
    pub fn reactions(conversation: &Conversation) -> Self {
        Self { route: Route::Outbound(conversation.source.clone()), thread: format!("reactions:{conversation}") }
    }

    /// The conversation that it belongs to, if its name has one.
    #[must_use]
    pub fn conversation(&self) -> Option<Conversation> {
        let beside = || self.thread.split_once(':').and_then(|(_, rest)| rest.parse().ok());
        self.thread.parse().ok().or_else(beside)
    }

    /// The lane of the delivery statuses of `self`'s answers.
    #[must_use]
    pub fn reports(&self) -> Self {
        Self { route: Route::Status, thread: self.thread.clone() }
    }
}
