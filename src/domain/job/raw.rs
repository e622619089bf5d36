//! Jobs that come from outside.

use serde::{Deserialize, Serialize};

use crate::domain::{
    address::{BotId, SourceId},
    speaker::Speaker,
};

/// What has come in. It is read once, when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Raw {
    /// A Telegram update, to be relayed to Kommo.
    Update(Update),
    /// A message hook, to be turned into calls.
    Hook(Hook),
    /// A hook of a manager's reaction.
    Reaction(Hook),
}

/// A Telegram update as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The source that polled it.
    pub source: SourceId,
    /// The bot of that source at the time.
    pub bot: BotId,
    /// The update's JSON.
    pub raw: String,
    /// The program of the owner's that has done it; `None` for what the bot was told of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Speaker>,
}

/// A hook as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub raw: String,
}
