//! Idempotency keys: what a repeated arrival is recognised by.

use serde::{Deserialize, Serialize};

use crate::domain::address::{BotId, KommoMessageId};

/// Recognises an arrival that was already taken. Unique across both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(pub String);

impl IdempotencyKey {
    /// An update, by the bot that received it and its exact id.
    #[must_use]
    pub fn update(bot: BotId, update_id: i64) -> Self {
        Self(format!("update:{bot}:{update_id}"))
    }

    /// What a program of the owner's has sent, by the numbers of its chat and of the message itself. A chat of Telegram
    /// Business is told from the bot's own by its connection.
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
    pub fn hooked(&self) -> Option<KommoMessageId> {
        self.0.strip_prefix("hook:").map(|message| KommoMessageId(message.to_owned()))
    }

    /// A manager's reaction. It has no id, so all of its hook, the second of it included, has to do: by its digest.
    #[must_use]
    pub fn reaction(digest: &str) -> Self {
        Self(format!("reaction:{digest}"))
    }
}
