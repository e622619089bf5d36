//! Topics of a chat.

use serde::{Deserialize, Serialize};

/// The topic of a chat in which a message was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Outside all topics, like every message in a chat without topics.
    Outside,
    /// In a topic, by Telegram's number.
    Topic(i64),
}

impl Topic {
    /// Telegram's number of the topic, if it is in one.
    #[must_use]
    pub const fn number(self) -> Option<i64> {
        match self {
            Self::Outside => None,
            Self::Topic(number) => Some(number),
        }
    }
}
