//! Single rows of the tree, of any size: large ones lie in chunks, and nobody above this notices.
//!
//! A lookup takes microseconds, so any thread may make one. What looks through tables takes a [`Db`](super::db::Db).

use std::{fs::File, sync::Arc};

use sled::IVec;

use crate::store::{chunks::Pointer, keys};

/// Finds single rows. While one lives, nobody else has the store.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) tree: sled::Db,
    _lock: Arc<File>,
}

impl Lookup {
    /// The rows of `tree`, which nobody else has as long as `lock` is held.
    pub(super) const fn new(tree: sled::Db, lock: Arc<File>) -> Self {
        Self { tree, _lock: lock }
    }

    /// A row's value, if there is such a row.
    pub(super) fn get(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<IVec>> {
        let value = self.tree.get(&key)?;
        value.map_or(Ok(None), |value| self.whole(key.as_ref(), value))
    }

    /// Whether there is such a row.
    pub(super) fn contains_key(&self, key: impl AsRef<[u8]>) -> sled::Result<bool> {
        self.tree.contains_key(key)
    }

    /// The first rows whose keys begin with `prefix`, at most `limit`.
    pub(super) fn first(&self, prefix: &[u8], limit: usize) -> sled::Result<Vec<(IVec, IVec)>> {
        let (mut rows, mut last) = (Vec::new(), IVec::from(prefix));
        while rows.len() < limit
            && let Some((key, value)) = self.next(&last)?.filter(|(key, _)| key.starts_with(prefix))
        {
            last = key.clone();
            rows.push((key, value));
        }
        Ok(rows)
    }

    /// The first row behind `key`, as a whole.
    pub(super) fn next(&self, key: &[u8]) -> sled::Result<Option<(IVec, IVec)>> {
        let mut last = IVec::from(key);
        while let Some((key, value)) = self.tree.get_gt(&last)? {
            if keys::is_chunk(&key) {
                last = keys::BEHIND_CHUNKS.into();
            } else if let Some(value) = self.whole(&key, value)? {
                return Ok(Some((key, value)));
            } else {
                last = key;
            }
        }
        Ok(None)
    }

    /// How much room the files take.
    pub(super) fn size_on_disk(&self) -> sled::Result<u64> {
        self.tree.size_on_disk()
    }

    /// The value that a row holds or points to; `None` if the row has gone meanwhile.
    pub(super) fn whole(&self, key: &[u8], mut value: IVec) -> sled::Result<Option<IVec>> {
        while let Some(pointer) = Pointer::parse(&value) {
            if self.owns(key, pointer.id)?
                && let Some(whole) = self.collected(pointer)?
            {
                return Ok(Some(whole.into()));
            }
            match self.tree.get(key)? {
                Some(now) if now == value => break,
                Some(now) => value = now,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// Whether these chunks belong to the row with this key. A damaged row that was copied may point to those of
    /// another.
    pub(super) fn owns(&self, key: &[u8], id: u64) -> sled::Result<bool> {
        Ok(self.tree.get(keys::chunks(id))?.is_some_and(|owner| owner == key))
    }

    /// What the chunks make up, if all of them are there.
    fn collected(&self, pointer: Pointer) -> sled::Result<Option<Vec<u8>>> {
        // The length is only compared: in a damaged row it may be any.
        let mut whole = Vec::new();
        for chunk in self.tree.range(keys::chunk(pointer.id, 0)..keys::chunks(pointer.id.saturating_add(1))).values() {
            whole.extend_from_slice(&chunk?);
        }
        Ok((whole.len() == pointer.bytes).then_some(whole))
    }
}
