//! Whether and how a chat can be reached, as far as Telegram has said.

use serde::{Deserialize, Serialize};

use crate::domain::{address::UserId, time::UnixMillis};

/// Whether the bot is let into a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whether it is shut out: blocked by the customer, or removed from the group.
    pub shut_out: bool,
    /// When that changed, by Telegram's clock.
    pub changed_at: UnixMillis,
    /// The update that told so.
    pub update: i64,
    /// When we learnt of it, by our own clock.
    pub learnt_at: UnixMillis,
}

impl Membership {
    /// Whether this is a later word than `other`. Telegram tells seconds; within one, the number of the update decides.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.changed_at, self.update) > (other.changed_at, other.update)
    }

    /// Whether an answer that was enqueued at `enqueued_at`, before we learnt that the bot is shut out, fails at once.
    /// A later one is sent all the same, so that Telegram decides: we may have missed that the bot was let in again.
    #[must_use]
    pub fn blocks_answer_from(&self, enqueued_at: UnixMillis) -> bool {
        self.shut_out && enqueued_at <= self.learnt_at
    }
}

/// A connection of Telegram Business: by it a bot reads and answers in the private chats of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Telegram's id of it; another one whenever the person connects the bot anew.
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
    /// Whether answers can go this way.
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
    fn the_later_word_counts() {
        assert!(membership(2000, 1).is_newer_than(&membership(1000, 9)));
        assert!(membership(1000, 9).is_newer_than(&membership(1000, 8)));
        assert!(!membership(1000, 9).is_newer_than(&membership(1000, 9)));
    }

    #[test]
    fn only_what_was_waiting_is_in_vain() {
        assert!(membership(0, 0).blocks_answer_from(UnixMillis(500)));
        assert!(!membership(0, 0).blocks_answer_from(UnixMillis(501)));
        assert!(!Membership { shut_out: false, ..membership(0, 0) }.blocks_answer_from(UnixMillis(0)));
    }
}
