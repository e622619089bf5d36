//! Jobs of the bridge itself in the lanes of customers' messages.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{Conversation, KommoMessageId},
    time::UnixMillis,
};

/// A message of the bridge itself to Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InboundJob {
    /// Reminds a manager that the time for an answer in a person's own chat is nearly over.
    Remind(Remind),
    /// Sends a held `/start` to Kommo once its time is over, unless it was sent before.
    #[serde(rename = "hold")]
    ReleaseStartAt(ReleaseStartAt),
    /// Sends a held `/start` to Kommo now.
    #[serde(rename = "release")]
    ReleaseStart(ReleaseStart),
    /// Marks a message in Kommo as deleted.
    #[serde(rename = "deleted")]
    MarkDeleted(MarkDeleted),
}

/// See [`InboundJob::Remind`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remind {
    pub conversation: Conversation,
    /// Telegram's number of the unanswered message.
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
    /// When we learnt of the deletion.
    pub learned_at: UnixMillis,
}
