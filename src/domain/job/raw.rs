//! Jobs that arrive from outside.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{BotId, SourceId},
    speaker::Speaker,
};

/// An update or a hook as it arrived. It is decoded once, when it is claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Raw {
    /// A Telegram update for Kommo.
    Update(Update),
    /// A hook with a message, which becomes calls to Telegram.
    Hook(Hook),
    /// A hook with a manager's reaction.
    Reaction(Hook),
}

/// A Telegram update as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The source that polled it.
    pub source: SourceId,
    /// The bot of that source at the time.
    pub bot: BotId,
    /// The update's JSON.
    pub raw: String,
    /// The owner's program that has done it; `None` for an update from Telegram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Speaker>,
}

/// A hook as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub raw: String,
}
