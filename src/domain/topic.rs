//! Topics of a chat.

use serde::{Deserialize, Serialize};

/// Where in a chat something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Outside of all topics, as everything in a chat without them.
    Outside,
    /// In a topic, by Telegram's number.
    Topic(i64),
}

impl Topic {
    /// Telegram's number of the topic, if it is in one.
    #[must_use]
    pub const fn topic(self) -> Option<i64> {
        match self {
            Self::Outside => None,
            Self::Topic(number) => Some(number),
        }
    }
}
