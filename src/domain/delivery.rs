//! What becomes of an answer, as Kommo is told.

use serde::{Deserialize, Serialize};

use crate::domain::address::KommoMessageId;

/// Kommo's error codes of a failed delivery (Chats API, update delivery status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// 901: the customer deleted the conversation. Blocking the bot is Telegram's way to do so.
    ConversationDeleted,
    /// 902: the integration is off on the channel's side.
    IntegrationOff,
    /// 903: an internal error of the channel.
    Internal,
    /// 904: the conversation cannot be created.
    ConversationImpossible,
    /// 905: anything else; the sentence explains.
    Other,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::ConversationDeleted => 901,
            Self::IntegrationOff => 902,
            Self::Internal => 903,
            Self::ConversationImpossible => 904,
            Self::Other => 905,
        }
    }
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Telegram took all of it.
    Delivered,
    /// It will not arrive, or nobody knows whether it did.
    Failed(Refusal),
}

/// Why a message did not arrive, for a program and for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Kommo's code.
    pub code: ErrorCode,
    /// A sentence that a manager understands. Never contains a secret or an address.
    pub sentence: String,
}

impl Refusal {
    /// A refusal with `code`, explained by `sentence`.
    #[must_use]
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

/// The delivery status of one answer, to be told to Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The message it is about.
    pub message: KommoMessageId,
    /// How its delivery ended.
    pub delivery: Delivery,
}
