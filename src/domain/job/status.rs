//! Jobs that inform Kommo about answers.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{KommoMessageId, MessageId},
    delivery::DeliveryReport,
    manager_initiated::ManagerInitiatedChat,
};

/// News of an answer, for Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StatusJob {
    /// How its delivery ended.
    #[serde(rename = "report")]
    Delivery(DeliveryReport),
    /// Assigns our id to a message with which a manager has started a chat.
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
    pub opening: ManagerInitiatedChat,
}
