//! Single rows of the tree, of any size: it hides that large ones are in chunks.
//!
//! A lookup takes microseconds, so any thread may make one. A scan of a table takes a [`Db`](super::db::Db).

use std::{fs::File, sync::Arc};

use sled::IVec;

use crate::store::{chunks::Pointer, keys};

/// Reads single rows. While one exists, no other process can open the store.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) tree: sled::Db,
    _lock: Arc<File>,
}

impl Lookup {
    /// The rows of `tree`, which nobody else uses as long as `lock` is held.
    pub(super) const fn new(tree: sled::Db, lock: Arc<File>) -> Self {
        Self { tree, _lock: lock }
    }

    /// A row's value, if the row exists.
    pub(super) fn get(&self, key: impl AsRef<[u8]>) -> sled::Result<Option<IVec>> {
        let value = self.tree.get(&key)?;
        value.map_or(Ok(None), |value| self.whole(key.as_ref(), value))
    }

    /// Whether the row exists.
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

    /// The first row behind `key`.
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

    /// The size of the files.
    pub(super) fn size_on_disk(&self) -> sled::Result<u64> {
        self.tree.size_on_disk()
    }

    /// The value that a row has or points to; `None` if the row has been removed meanwhile.
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

    /// Whether these chunks belong to the row with this key. A copy of a damaged row may point to those of another.
    pub(super) fn owns(&self, key: &[u8], id: u64) -> sled::Result<bool> {
        Ok(self.tree.get(keys::chunks(id))?.is_some_and(|owner| owner == key))
    }

    /// The content of the chunks, if all of them exist.
    fn collected(&self, pointer: Pointer) -> sled::Result<Option<Vec<u8>>> {
        // The length is only compared: in a damaged row it may be any number.
        let mut whole = Vec::new();
        for chunk in self.tree.range(keys::chunk(pointer.id, 0)..keys::chunks(pointer.id.saturating_add(1))).values() {
            whole.extend_from_slice(&chunk?);
        }
        Ok((whole.len() == pointer.bytes).then_some(whole))
    }
}
