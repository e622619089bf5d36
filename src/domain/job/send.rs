//! Jobs for the bots.

use serde::{Deserialize, Serialize};

use crate::domain::{address::Conversation, job::Call, message::Outbound};

/// A call to Telegram for a customer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SendJob {
    /// An answer whose hook never arrived, which becomes calls.
    Answer(Box<Outbound>),
    /// One Telegram call of an answer.
    Call(Box<Call>),
    /// Calls that send files to one conversation as one media group.
    Album(Album),
    /// Marks a customer's messages to the owner of a chat of Telegram Business as read. Tried once.
    #[serde(rename = "seen")]
    MarkRead(MarkRead),
}

/// A media group of 2 to 10 files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// The calls, in order.
    pub calls: Vec<Call>,
}

/// See [`SendJob::MarkRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    pub conversation: Conversation,
    /// Telegram's number of the newest message.
    pub message: i64,
}
