//! Lists to which several facts of one batch may add: what the batch holds of a list cannot be read yet.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Serialize, de::DeserializeOwned};

use crate::store::{
    StoreError,
    db::{Batch, Db},
    rows,
};

/// Each list is read once and written once, by its key.
pub(super) struct Lists<'d, T> {
    db: &'d Db,
    lists: BTreeMap<Vec<u8>, Vec<T>>,
}

impl<'d, T: Serialize + DeserializeOwned> Lists<'d, T> {
    pub(super) const fn new(db: &'d Db) -> Self {
        Self { db, lists: BTreeMap::new() }
    }

    /// The list as it is kept, with what was added since.
    pub(super) fn of(&mut self, key: Vec<u8>) -> Result<&mut Vec<T>, StoreError> {
        match self.lists.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let kept = rows::get(self.db, new.key())?.unwrap_or_default();
                Ok(new.insert(kept))
            }
        }
    }

    pub(super) fn write(self, batch: &mut Batch) {
        for (key, list) in self.lists {
            batch.insert(key, rows::write(&list));
        }
    }
}
