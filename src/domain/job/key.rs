//! Idempotency keys, by which repeated updates and hooks are recognised.

use serde::{Deserialize, Serialize};

use crate::domain::address::{BotId, KommoMessageId};

/// Recognises an update or a hook that was accepted before. Unique across both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(pub String);

impl IdempotencyKey {
    /// An update, by the bot that received it and its exact id.
    #[must_use]
    pub fn update(bot: BotId, update_id: i64) -> Self {
        Self(format!("update:{bot}:{update_id}"))
    }

    /// A message that an owner's program has sent, by the numbers of the chat and of the message. The connection
    /// distinguishes a chat of Telegram Business from one of the bot itself.
    #[must_use]
    pub fn sent(bot: BotId, connection: Option<&str>, chat: i64, message: i64) -> Self {
        Self(format!("sent:{bot}:{}:{chat}:{message}", connection.unwrap_or_default()))
    }

    /// A hook, by the message it carries.
    #[must_use]
    pub fn hook(message: &KommoMessageId) -> Self {
        Self(format!("hook:{message}"))
    }

    /// The message of a hook, if this is the id of one.
    #[must_use]
    pub fn hook_message(&self) -> Option<KommoMessageId> {
        self.0.strip_prefix("hook:").map(|message| KommoMessageId(message.to_owned()))
    }

    /// A manager's reaction, by the digest of its hook: a reaction has no id, but its hook has the second.
    #[must_use]
    pub fn reaction(digest: &str) -> Self {
        Self(format!("reaction:{digest}"))
    }
}
