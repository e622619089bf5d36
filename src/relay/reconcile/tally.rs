//! What a comparison with Kommo's history came to.

use std::fmt;

/// What a search came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that had not passed, or of which that is not known.
    pub found: usize,
    /// Those that are in their queues now.
    pub sent: usize,
    /// Those that are too old for that.
    pub too_old: usize,
    /// Those that may have passed before the store was restored or made, so that they are not sent.
    pub uncertain: usize,
    /// Conversations whose history could not be read, or not as far back as was wanted.
    pub unread: usize,
    /// Those of them that may be readable later: the next comparison has to begin where this one did.
    pub open: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, sent {}, too old {}", self.found, self.sent, self.too_old)?;
        if self.uncertain > 0 {
            write!(f, ", may have been delivered before the store was restored: {}", self.uncertain)?;
        }
        if self.unread > 0 {
            write!(f, "; {} conversations could not be read", self.unread)?;
        }
        Ok(())
    }
}

impl Tally {
    pub(super) const fn add(&mut self, other: Self) {
        self.found += other.found;
        self.sent += other.sent;
        self.too_old += other.too_old;
        self.uncertain += other.uncertain;
        self.unread += other.unread;
        self.open += other.open;
    }
}
