//! Whether and how a chat can be reached, by what Telegram has reported.

use serde::{Deserialize, Serialize};

use crate::domain::{address::UserId, time::UnixMillis};

/// Whether the bot has access to a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whether it has none: the customer has blocked it, or it was removed from the group.
    pub shut_out: bool,
    /// When that changed, by Telegram's clock.
    pub changed_at: UnixMillis,
    /// The update that reported it.
    pub update: i64,
    /// When we learnt of it, by our own clock.
    pub learnt_at: UnixMillis,
}

impl Membership {
    /// Whether this is later than `other`. Telegram dates by the second; within one, the number of the update decides.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.changed_at, self.update) > (other.changed_at, other.update)
    }

    /// Whether an answer that was enqueued at `enqueued_at` fails at once, because we learnt afterwards that the bot is
    /// shut out. A later answer is sent all the same, so that Telegram decides: we may have missed that the bot got
    /// access again.
    #[must_use]
    pub fn blocks_answer_from(&self, enqueued_at: UnixMillis) -> bool {
        self.shut_out && enqueued_at <= self.learnt_at
    }
}

/// A connection of Telegram Business, through which a bot reads and answers in the private chats of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Telegram's id of it, which changes whenever the person reconnects the bot.
    pub id: String,
    pub owner: UserId,
    /// Their name; never empty.
    pub name: String,
    pub enabled: bool,
    /// Whether the bot may answer.
    pub can_reply: bool,
    /// Whether the bot may mark messages as read.
    pub can_read: bool,
    /// When it was made, by Telegram's clock.
    pub made_at: UnixMillis,
}

impl Connection {
    /// Whether the bot can answer through it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.enabled && self.can_reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(changed_at: i64, update: i64) -> Membership {
        Membership { shut_out: true, changed_at: UnixMillis(changed_at), update, learnt_at: UnixMillis(500) }
    }

    #[test]
    fn the_later_change_counts() {
        assert!(membership(2000, 1).is_newer_than(&membership(1000, 9)));
        assert!(membership(1000, 9).is_newer_than(&membership(1000, 8)));
        assert!(!membership(1000, 9).is_newer_than(&membership(1000, 9)));
    }

    #[test]
    fn only_answers_that_were_waiting_are_blocked() {
        assert!(membership(0, 0).blocks_answer_from(UnixMillis(500)));
        assert!(!membership(0, 0).blocks_answer_from(UnixMillis(501)));
        assert!(!Membership { shut_out: false, ..membership(0, 0) }.blocks_answer_from(UnixMillis(0)));
    }
}
