//! Classes of jobs, by priority.

/// The class of the first job of a lane, which decides when the lane is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Whether it belongs to a broadcast. Jobs of people go first.
    pub is_bulk: bool,
    /// Whether it sends a file, which takes longer than other calls.
    pub is_file: bool,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [
        Self { is_bulk: false, is_file: false },
        Self { is_bulk: false, is_file: true },
        Self { is_bulk: true, is_file: false },
        Self { is_bulk: true, is_file: true },
    ];

    /// Its index in [`Self::ALL`].
    pub(super) const fn place(self) -> usize {
        (self.is_bulk as usize) * 2 + self.is_file as usize
    }
}
