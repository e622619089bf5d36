//! The result of a comparison with Kommo's history.

use std::fmt;

use crate::domain::amount::counted;

/// The text about an unreadable history.
pub const UNREAD: &str = "could not be read";
/// The text about a history that was not read to its end.
pub const TOO_LONG: &str = "too long to be compared as a whole";

/// The result of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileSummary {
    /// Messages that are missing, or may be.
    pub found: usize,
    /// Those that are in their queues now.
    pub sent: usize,
    /// Those that are too old to be sent.
    pub too_old: usize,
    /// Those that may have been delivered before the store was restored or created, so that they are not sent.
    pub uncertain: usize,
    /// Those without text and file in Kommo's history, so that their managers are informed that they were not sent.
    pub empty: usize,
    /// Conversations whose history is too long to be compared as a whole; no later comparison could.
    pub in_part: usize,
    /// Conversations whose history could not be read.
    pub unread: usize,
    /// Those of them that may be readable later: the next comparison has to start where this one did.
    pub open: usize,
    /// Those of them that were not tried any more, after several failures in a row.
    pub given_up: usize,
}

impl fmt::Display for ReconcileSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, sent {}, too old {}", self.found, self.sent, self.too_old)?;
        if self.uncertain > 0 {
            write!(f, ", may have been delivered before the store was restored: {}", self.uncertain)?;
        }
        if self.empty > 0 {
            write!(f, ", without text and file: {}", self.empty)?;
        }
        if self.in_part > 0 {
            write!(f, "; the history of {} is {TOO_LONG}", counted(self.in_part, "conversation"))?;
        }
        if self.unread > 0 {
            write!(f, "; {} {UNREAD}", counted(self.unread, "conversation"))?;
        }
        Ok(())
    }
}

impl ReconcileSummary {
    pub(super) const fn add(&mut self, other: Self) {
        self.found += other.found;
        self.sent += other.sent;
        self.too_old += other.too_old;
        self.uncertain += other.uncertain;
        self.empty += other.empty;
        self.in_part += other.in_part;
        self.unread += other.unread;
        self.open += other.open;
        self.given_up += other.given_up;
    }
}
