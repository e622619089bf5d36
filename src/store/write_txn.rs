//! The writer's view of the store: what it changes, and what of that is on the disk.

use crate::store::{
    StoreError,
    db::{Batch, Db},
    durable::Durable,
    keys, rebuild, rows,
    writes::{Prepared, Writes},
};

/// The most of the log that is written between two syncs; see [`crate::store::writes`].
pub(super) const MOST_UNSYNCED_BYTES: usize = 384 * 1024;

/// The writer's view of the store.
pub(super) struct WriteTxn {
    pub(super) db: Db,
    next_sequence: u64,
    durable: Durable,
    /// About how much of the log is not synced.
    unsynced_bytes: usize,
    /// Chunks that nothing refers to any more, as soon as everything is synced.
    dead: Vec<u64>,
}

impl WriteTxn {
    /// Opens the writer's view of a database whose files are `durable`'s, and brings to its end what a crash has cut
    /// short.
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

    /// A number above all that were ever taken; 0 if none ever was.
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// A number above all that were ever taken. It must be written with the batch that uses it.
    pub(super) fn sequence(&mut self, batch: &mut Batch) -> u64 {
        let sequence = self.next_sequence.max(keys::NO_SEQUENCE + 1);
        self.next_sequence = sequence + 1;
        batch.insert(keys::SEQUENCE, rows::write(&self.next_sequence));
        sequence
    }

    /// Makes the changes of a batch. They are durable with the next [`WriteTxn::sync`]; a crash before that leaves all
    /// or none.
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

    /// Writes down what is too much for one step, durably, before it is done in several.
    fn note_in_journal(&mut self, rows: &Writes) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.insert(keys::JOURNAL, rows.encode());
        let Prepared { ahead, rows, .. } = self.db.prepare(batch)?;
        ahead.into_iter().chain([rows]).try_for_each(|step| self.write(step))?;
        self.sync()
    }

    /// Does what is in the journal, and removes it from there.
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

    /// Makes durable whatever was changed.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        self.db.flush()?;
        self.durable.sync()?;
        self.unsynced_bytes = 0;
        Ok(())
    }

    /// Removes what nothing refers to any more. If that is lost, the next opening does it.
    pub(super) fn tidy(&mut self) -> Result<(), StoreError> {
        let dead = std::mem::take(&mut self.dead);
        self.db.removal(&dead)?.into_iter().try_for_each(|step| self.write(step))
    }
}
