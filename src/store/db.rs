//! The tree with its tables of rows of any size, and the batches that change it.
//!
//! A batch is atomic. A row that is replaced while it is read is read again, since its chunks get new keys each time.
//! A row whose chunks are lost reads as its pointer, which is no JSON: it is unreadable like any other damaged row.

use std::{
    collections::BTreeMap,
    fs::File,
    ops::{Deref, RangeBounds},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sled::IVec;

use crate::store::{
    chunks::{self, MOST_BYTES, Pointer},
    keys,
    lookup::Lookup,
    writes::{Prepared, Writes, open_step},
};

/// A handle to the tree, for threads that may scan tables.
#[derive(Clone, Debug)]
pub(super) struct Db {
    lookup: Lookup,
    next_chunks: Arc<AtomicU64>,
}

impl Deref for Db {
    type Target = Lookup;

    fn deref(&self) -> &Lookup {
        &self.lookup
    }
}

/// The largest value without chunks, in bytes, in a batch with many bytes.
const MOST_BYTES_OF_MANY: usize = 256;

/// Changes that are made atomically.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Batch {
    /// Writes a row, in place of an existing one with this key.
    pub(super) fn insert(&mut self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        self.0.insert(key.as_ref().to_vec(), Some(value.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is so large that most of its values are stored in chunks, which costs several more rows for each.
    fn is_large(&self) -> bool {
        self.bytes() > Writes::STEP_BYTES
    }

    /// Whether the next job belongs into another batch, since it could make this one large.
    pub(super) fn is_filled(&self) -> bool {
        self.bytes() > Writes::STEP_BYTES / 2
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Removes a row, if it exists.
    pub(super) fn remove(&mut self, key: impl AsRef<[u8]>) {
        self.0.insert(key.as_ref().to_vec(), None);
    }
}

impl Db {
    /// The rows of `tree`, which nobody else uses as long as `lock` is held.
    pub(super) fn new(tree: sled::Db, lock: Arc<File>) -> sled::Result<Self> {
        let last = tree.scan_prefix(keys::CHUNKS).keys().next_back().transpose()?;
        let next = last.and_then(|key| keys::chunks_id(&key)).map_or(0, |last| last.saturating_add(1));
        Ok(Self { lookup: Lookup::new(tree, lock), next_chunks: Arc::new(AtomicU64::new(next)) })
    }

    pub(super) fn into_lookup(self) -> Lookup {
        self.lookup
    }

    /// The writes to the tree that a batch needs.
    pub(super) fn prepare(&self, batch: Batch) -> sled::Result<Prepared> {
        let most_bytes = if batch.is_large() { MOST_BYTES_OF_MANY } else { MOST_BYTES };
        let mut prepared = Prepared::default();
        for (key, value) in batch.0 {
            let now = self.tree.get(&key)?;
            if now.as_deref() == value.as_deref() {
                // Every write takes space in the log, and most changes repeat what is stored.
                continue;
            }
            prepared.dead.extend(self.chunks_of(&key, now.as_deref())?);
            match value {
                None => prepared.rows.remove(&key),
                Some(value) if value.len() <= most_bytes => prepared.rows.insert(&key, &value),
                Some(value) => {
                    let id = self.next_chunks.fetch_add(1, Ordering::Relaxed);
                    prepared.chunk(&keys::chunks(id), &key);
                    chunks::split(id, &value).for_each(|(key, chunk)| prepared.chunk(&key, chunk));
                    prepared.rows.insert(&key, &Pointer { id, bytes: value.len() }.write());
                }
            }
        }
        Ok(prepared)
    }

    /// The id of the chunks of the row with this key, which holds this value.
    fn chunks_of(&self, key: &[u8], value: Option<&[u8]>) -> sled::Result<Option<u64>> {
        let Some(pointer) = value.and_then(Pointer::parse) else { return Ok(None) };
        Ok(self.owns(key, pointer.id)?.then_some(pointer.id))
    }

    /// Makes changes in one step. They are durable with the next flush.
    pub(super) fn apply(&self, writes: Writes) -> sled::Result<()> {
        self.tree.apply_batch(writes.batch())
    }

    /// The steps that remove the chunks with these ids.
    pub(super) fn removal(&self, dead: &[u64]) -> sled::Result<Vec<Writes>> {
        let mut steps = Vec::new();
        for id in dead {
            for key in self.tree.scan_prefix(keys::chunks(*id)).keys() {
                open_step(&mut steps, MOST_BYTES).remove(&key?);
            }
        }
        Ok(steps)
    }

    /// The ids of chunks that belong to no row, because of a crash between writing them and their row.
    pub(super) fn orphans(&self) -> sled::Result<Vec<u64>> {
        let (mut orphans, mut next) = (Vec::new(), 0);
        while let Some(key) = self.tree.range(keys::chunks(next)..).keys().next() {
            let Some(id) = keys::chunks_id(&key?) else { break };
            let owner = self.tree.get(keys::chunks(id))?;
            let value = owner.map_or(Ok(None), |owner| self.tree.get(owner))?;
            if value.and_then(|value| Pointer::parse(&value)).is_none_or(|pointer| pointer.id != id) {
                orphans.push(id);
            }
            let Some(behind) = id.checked_add(1) else { break };
            next = behind;
        }
        Ok(orphans)
    }

    /// Applies a batch to a tree that is not in use yet.
    pub(super) fn apply_batch(&self, batch: Batch) -> sled::Result<()> {
        let Prepared { ahead, rows, dead } = self.prepare(batch)?;
        ahead.into_iter().try_for_each(|step| self.apply(step))?;
        self.apply(rows)?;
        self.removal(&dead)?.into_iter().try_for_each(|step| self.apply(step))
    }

    /// Writes one row to such a tree.
    pub(super) fn insert(&self, key: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) -> sled::Result<()> {
        let mut batch = Batch::default();
        batch.insert(key, value);
        self.apply_batch(batch)
    }

    /// The same for a row that does not exist yet, which need not be looked up.
    pub(super) fn insert_new(&self, key: IVec, value: IVec) -> sled::Result<()> {
        if value.len() > MOST_BYTES {
            return self.insert(key, value.to_vec());
        }
        self.tree.insert(key, value).map(drop)
    }

    /// The rows whose keys begin with `prefix`, in the order of the keys.
    pub(super) fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Rows {
        Rows { db: self.clone(), inner: self.tree.scan_prefix(prefix) }
    }

    /// The rows whose keys are in a range, in the order of the keys.
    pub(super) fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Rows {
        Rows { db: self.clone(), inner: self.tree.range(range) }
    }

    /// All rows, in the order of their keys.
    #[cfg(test)]
    pub(super) fn iter(&self) -> Rows {
        Rows { db: self.clone(), inner: self.tree.iter() }
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> &sled::Db {
        &self.tree
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Writes everything to the system's files. [`crate::store::durable`] syncs them.
    pub(super) fn flush(&self) -> sled::Result<()> {
        self.tree.flush().map(drop)
    }
}

/// Rows in the order of their keys, with the content of their chunks.
pub(super) struct Rows {
    db: Db,
    inner: sled::Iter,
}

impl Rows {
    /// Their keys alone, without reading chunks.
    pub(super) fn keys(self) -> impl Iterator<Item = sled::Result<IVec>> {
        self.inner.keys().filter(|key| !key.as_ref().is_ok_and(|key| keys::is_chunk(key)))
    }
}

impl Rows {
    /// A row with its content, unless it is a chunk or has been removed meanwhile.
    fn row(&self, entry: sled::Result<(IVec, IVec)>) -> Option<sled::Result<(IVec, IVec)>> {
        match entry {
            Ok((key, _)) if keys::is_chunk(&key) => None,
            Ok((key, value)) => self.db.whole(&key, value).transpose().map(|value| value.map(|value| (key, value))),
            Err(error) => Some(Err(error)),
        }
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.inner.next_back()?;
            if let Some(row) = self.row(entry) {
                return Some(row);
            }
        }
    }
}

impl Iterator for Rows {
    type Item = sled::Result<(IVec, IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.inner.next()?;
            if let Some(row) = self.row(entry) {
                return Some(row);
            }
        }
    }
}
