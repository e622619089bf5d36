//! Lists to which several changes of one batch may add: a list in the batch cannot be read back.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::store::{
    StoreError,
    db::{Batch, Db},
    table::{Key, Table},
};

/// Each list of a table is read once and written once.
pub(super) struct Lists<'d, K, T> {
    db: &'d Db,
    table: &'d Table<K, Vec<T>>,
    changed: BTreeMap<K, Vec<T>>,
}

impl<'d, K: Key + Ord + Clone, T: Serialize + DeserializeOwned> Lists<'d, K, T> {
    pub(super) const fn new(db: &'d Db, table: &'d Table<K, Vec<T>>) -> Self {
        Self { db, table, changed: BTreeMap::new() }
    }

    /// The stored list with what was added since.
    pub(super) fn of(&mut self, key: &K) -> Result<&mut Vec<T>, StoreError> {
        if !self.changed.contains_key(key) {
            self.changed.insert(key.clone(), self.table.get(self.db, key)?.unwrap_or_default());
        }
        Ok(self.changed.entry(key.clone()).or_default())
    }

    pub(super) fn write(self, batch: &mut Batch) {
        for (key, list) in self.changed {
            self.table.put(batch, &key, &list);
        }
    }
}
