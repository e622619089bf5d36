//! A disk that keeps what was synced, and fails on demand.

use super::*;

/// A row: its lane, and its number in that.
pub(super) type Row = (u8, u32);

/// The rows by whoever looks, and by what a cut would leave.
#[derive(Debug, Default)]
pub(super) struct Disk(std::sync::Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What the tree shows.
    tree: BTreeSet<Row>,
    durable: BTreeSet<Row>,
    /// What was durable once, be it gone since.
    were_durable: BTreeSet<Row>,
    syncs: usize,
    fails_at: Option<usize>,
    has_failed: bool,
    is_used_after_that: bool,
}

impl Disk {
    pub(super) fn new(fails_at: Option<usize>) -> Self {
        Self(std::sync::Mutex::new(State { fails_at, ..State::default() }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    /// Puts rows in that are not there, and takes those out that are.
    pub(super) fn apply(&self, batch: Batch) {
        self.with(|disk| {
            disk.is_used_after_that |= disk.has_failed;
            for row in batch {
                if !disk.tree.remove(&row) {
                    disk.tree.insert(row);
                }
            }
        });
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.with(|disk| {
            disk.is_used_after_that |= disk.has_failed;
            disk.syncs += 1;
            if disk.fails_at == Some(disk.syncs - 1) {
                disk.has_failed = true;
                return Err(StoreError::Failed("the disk is broken".to_owned()));
            }
            disk.durable.clone_from(&disk.tree);
            disk.were_durable.extend(&disk.tree);
            Ok(())
        })
    }

    /// Whether a row is or was durable.
    pub(super) fn has(&self, row: Row) -> bool {
        self.with(|disk| disk.were_durable.contains(&row))
    }

    /// What is durable.
    pub(super) fn rows(&self) -> BTreeSet<Row> {
        self.with(|disk| disk.durable.clone())
    }

    /// The first row of a lane, but for those.
    pub(super) fn first(&self, lane: u8, but: Option<Row>) -> Option<Row> {
        self.with(|disk| disk.tree.iter().find(|row| row.0 == lane && Some(**row) != but).copied())
    }

    pub(super) fn has_failed(&self) -> bool {
        self.with(|disk| disk.has_failed)
    }

    pub(super) fn was_used_after_it_failed(&self) -> bool {
        self.with(|disk| disk.is_used_after_that)
    }
}
