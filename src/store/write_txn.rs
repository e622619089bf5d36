//! The writer's view of the store: the changes that it makes, and how many of them are synced.

use crate::store::{
    StoreError,
    db::{Batch, Db},
    durable::Durable,
    keys, rebuild, rows,
    writes::{Prepared, Writes},
};

/// The most bytes of the log between two syncs; see [`crate::store::writes`].
pub(super) const MOST_UNSYNCED_BYTES: usize = 384 * 1024;

/// The writer's view of the store.
pub(super) struct WriteTxn {
    pub(super) db: Db,
    next_sequence: u64,
    durable: Durable,
    /// An estimate of how much of the log is not synced.
    unsynced_bytes: usize,
    /// The ids of chunks that no row will refer to once everything is synced.
    dead: Vec<u64>,
}

impl WriteTxn {
    /// Opens the writer's view of a database with the files of `durable`, and finishes a change that a crash has
    /// interrupted.
    pub(super) fn open(db: Db, durable: Durable) -> Result<Self, StoreError> {
        let mut txn = Self { db, next_sequence: 0, durable, unsynced_bytes: 0, dead: Vec::new() };
        if let Some(journal) = txn.db.get(keys::JOURNAL)? {
            let changes = Writes::decode(&journal);
            txn.follow(changes.ok_or_else(|| StoreError::Failed("the journal is unreadable".to_owned()))?)?;
            txn.sync()?;
        }
        txn.dead = txn.db.orphans()?;
        txn.next_sequence = rebuild::next_sequence(&txn.db)?;
        Ok(txn)
    }

    /// A number above all that were ever used; 0 if none was.
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// A number above all that were ever used. The batch that uses it must be written.
    pub(super) fn sequence(&mut self, batch: &mut Batch) -> u64 {
        let sequence = self.next_sequence.max(keys::NO_SEQUENCE + 1);
        self.next_sequence = sequence + 1;
        batch.insert(keys::SEQUENCE, rows::write(&self.next_sequence));
        sequence
    }

    /// Applies a batch. It is durable with the next [`WriteTxn::sync`]; a crash before that leaves all of it or
    /// nothing.
    pub(super) fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        let Prepared { ahead, rows, dead } = self.db.prepare(batch)?;
        ahead.into_iter().try_for_each(|step| self.write(step))?;
        if rows.log_bytes() > MOST_UNSYNCED_BYTES {
            self.note_in_journal(&rows)?;
            self.follow(rows)?;
        } else {
            self.write(rows)?;
        }
        self.dead.extend(dead);
        Ok(())
    }

    /// Writes a batch that is too large for one step to the journal, durably, before it is applied in several.
    fn note_in_journal(&mut self, rows: &Writes) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.insert(keys::JOURNAL, rows.encode());
        let Prepared { ahead, rows, .. } = self.db.prepare(batch)?;
        ahead.into_iter().chain([rows]).try_for_each(|step| self.write(step))?;
        self.sync()
    }

    /// Applies the journal, and removes it.
    fn follow(&mut self, changes: Writes) -> Result<(), StoreError> {
        changes.steps(MOST_UNSYNCED_BYTES / 2).into_iter().try_for_each(|step| self.write(step))?;
        let mut batch = Batch::default();
        batch.remove(keys::JOURNAL);
        let Prepared { rows, dead, .. } = self.db.prepare(batch)?;
        self.dead.extend(dead);
        self.write(rows)
    }

    fn write(&mut self, writes: Writes) -> Result<(), StoreError> {
        if self.unsynced_bytes + writes.log_bytes() > MOST_UNSYNCED_BYTES {
            self.sync()?;
        }
        self.unsynced_bytes += writes.log_bytes();
        Ok(self.db.apply(writes)?)
    }

    /// Makes all changes durable.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        self.db.flush()?;
        self.durable.sync()?;
        self.unsynced_bytes = 0;
        Ok(())
    }

    /// Removes chunks that no row refers to any more. If that is lost, the next opening does it.
    pub(super) fn tidy(&mut self) -> Result<(), StoreError> {
        let dead = std::mem::take(&mut self.dead);
        self.db.removal(&dead)?.into_iter().try_for_each(|step| self.write(step))
    }
}
