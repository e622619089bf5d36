//! Jobs of ours in the lanes of customers' messages.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, KommoMessageId},
    time::UnixMillis,
};

/// What we tell Kommo in a conversation, beside what comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboundJob {
    /// A manager is told that the time for an answer in a person's own chat is nearly over.
    Remind(Remind),
    /// A held `/start` goes to Kommo after so long, if nothing has sent it there before.
    #[serde(rename = "hold")]
    ReleaseStartAt(ReleaseStartAt),
    /// A held `/start` goes to Kommo now.
    #[serde(rename = "release")]
    ReleaseStart(ReleaseStart),
    /// A message of Kommo's is marked as deleted.
    #[serde(rename = "deleted")]
    MarkDeleted(MarkDeleted),
}

/// See [`InboundJob::Remind`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remind {
    /// Where.
    pub conversation: Conversation,
    /// Telegram's number of the message that waits.
    pub message: i64,
}

/// See [`InboundJob::ReleaseStartAt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStartAt {
    pub conversation: Conversation,
}

/// See [`InboundJob::ReleaseStart`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStart {
    pub conversation: Conversation,
    /// The customer's phone number, if they have shared it: digits alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// See [`InboundJob::MarkDeleted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkDeleted {
    pub conversation: Conversation,
    /// Kommo's id of the message.
    pub message: KommoMessageId,
    /// When it was learned.
    pub learned_at: UnixMillis,
}
