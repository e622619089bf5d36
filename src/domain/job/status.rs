//! Jobs that tell Kommo of answers.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{KommoMessageId, MessageId},
    delivery::DeliveryReport,
    manager_initiated::ManagerInitiatedChat,
};

/// What Kommo is told of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StatusJob {
    /// How its delivery ended.
    #[serde(rename = "report")]
    Delivery(DeliveryReport),
    /// A message with which a manager has begun a chat gets its id of ours.
    #[serde(rename = "name")]
    AssignClientId(AssignClientId),
}

/// See [`StatusJob::AssignClientId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignClientId {
    /// Kommo's id of the message.
    pub message: KommoMessageId,
    /// The Telegram message that it became.
    pub ours: MessageId,
    /// The chat.
    pub opening: ManagerInitiatedChat,
}
