//! Whose turn it is.

/// What kind of job is first in a lane, by which it is decided whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Whether it is one of many that somebody sends at once. Those of people go first.
    pub is_bulk: bool,
    /// Whether it sends a file, which takes its time.
    pub is_file: bool,
}

impl Class {
    /// All of them, in the order in which they go.
    pub const ALL: [Self; 4] = [
        Self { is_bulk: false, is_file: false },
        Self { is_bulk: false, is_file: true },
        Self { is_bulk: true, is_file: false },
        Self { is_bulk: true, is_file: true },
    ];

    /// Its place in that order.
    pub(super) const fn place(self) -> usize {
        (self.is_bulk as usize) * 2 + self.is_file as usize
    }
}
