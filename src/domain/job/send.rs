//! Jobs for the bots.

use serde::{Deserialize, Serialize};

use crate::domain::{address::Conversation, job::Call, message::Outbound};

/// What a customer is to get, or to notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SendJob {
    /// An answer whose hook never came, to be turned into calls.
    Answer(Box<Outbound>),
    /// One Telegram call of an answer.
    Call(Box<Call>),
    /// Calls that send files, of one conversation, which Telegram takes together.
    Album(Album),
    /// What a customer wrote to the owner of a chat of Telegram Business is marked as read. Tried once.
    #[serde(rename = "seen")]
    MarkRead(MarkRead),
}

/// One message group of 2 to 10.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// The calls, in order.
    pub calls: Vec<Call>,
}

/// See [`SendJob::MarkRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// Where.
    pub conversation: Conversation,
    /// Telegram's number of the newest message.
    pub message: i64,
}
