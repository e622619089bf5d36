//! Typed tables. All rows about one customer, message or bot are in such tables.

use std::{borrow::Borrow, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::{
        address::{BotId, Conversation, KommoChatId, KommoMessageId, MessageId, UserId},
        job::IdempotencyKey,
    },
    store::{
        StoreError,
        db::{Batch, Db},
        keys::id_bytes,
        lookup::Lookup,
        rows,
        scan::scan,
    },
};

/// The key of a row within its table.
pub(super) trait Key {
    /// Its bytes behind the table's prefix. This is a stored format.
    fn bytes(&self) -> Vec<u8>;
}

/// A key that can be read back from a row.
pub(super) trait ReadKey: Key + Sized {
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Rows with keys of type `K` and values of type `V`.
pub(super) struct Table<K: ?Sized, V> {
    /// The prefix of its keys.
    pub(super) prefix: [u8; 1],
    of: PhantomData<fn(&K) -> V>,
}

impl<K: ?Sized, V> Table<K, V> {
    pub(super) const fn new(prefix: u8) -> Self {
        Self { prefix: [prefix], of: PhantomData }
    }
}

impl<K: Key + ?Sized, V> Table<K, V> {
    /// The whole key of a row.
    pub(super) fn key(&self, key: &K) -> Vec<u8> {
        [&self.prefix[..], &key.bytes()].concat()
    }

    pub(super) fn contains(&self, db: &Lookup, key: &K) -> Result<bool, StoreError> {
        Ok(db.contains_key(self.key(key))?)
    }

    pub(super) fn put<B: Serialize + ?Sized>(&self, batch: &mut Batch, key: &K, value: &B)
    where
        V: Borrow<B>,
    {
        batch.insert(self.key(key), rows::write(value));
    }

    pub(super) fn remove(&self, batch: &mut Batch, key: &K) {
        batch.remove(self.key(key));
    }
}

impl<K: Key + ?Sized, V: DeserializeOwned> Table<K, V> {
    /// The row with a key, if it exists and can be read.
    pub(super) fn get(&self, db: &Lookup, key: &K) -> Result<Option<V>, StoreError> {
        rows::get(db, &self.key(key))
    }
}

impl<K: ReadKey, V> Table<K, V> {
    /// The key of a row, from all of its bytes.
    pub(super) fn read_key(&self, key: &[u8]) -> Option<K> {
        K::read(key.strip_prefix(&self.prefix[..])?)
    }
}

impl<K: ReadKey, V: DeserializeOwned> Table<K, V> {
    /// All rows that can be read, in the order of their keys.
    pub(super) fn rows<'d>(&'d self, db: &'d Db) -> impl Iterator<Item = Result<(K, V), StoreError>> {
        let read = |row: sled::Result<(sled::IVec, sled::IVec)>| match row {
            Ok((key, value)) => self.read_key(&key).zip(rows::read(&key, &value)).map(Ok),
            Err(error) => Some(Err(error.into())),
        };
        scan(db, &self.prefix).filter_map(read)
    }
}

/// One row with a name, about the store itself.
pub(super) struct Single<V> {
    pub(super) key: &'static [u8],
    of: PhantomData<fn() -> V>,
}

impl<V> Single<V> {
    pub(super) const fn new(key: &'static [u8]) -> Self {
        Self { key, of: PhantomData }
    }

    pub(super) fn remove(&self, batch: &mut Batch) {
        batch.remove(self.key);
    }
}

impl<V: Serialize + DeserializeOwned> Single<V> {
    /// The row, if it exists and can be read.
    pub(super) fn get(&self, db: &Lookup) -> Result<Option<V>, StoreError> {
        rows::get(db, self.key)
    }

    pub(super) fn put(&self, batch: &mut Batch, value: &V) {
        batch.insert(self.key, rows::write(value));
    }
}

impl Key for Conversation {
    fn bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl ReadKey for Conversation {
    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl Key for MessageId {
    fn bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Key for BotId {
    fn bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().into()
    }
}

impl ReadKey for BotId {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl Key for UserId {
    fn bytes(&self) -> Vec<u8> {
        self.0.to_be_bytes().into()
    }
}

impl Key for str {
    fn bytes(&self) -> Vec<u8> {
        id_bytes(self)
    }
}

impl Key for String {
    fn bytes(&self) -> Vec<u8> {
        id_bytes(self)
    }
}

impl ReadKey for String {
    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

impl Key for IdempotencyKey {
    fn bytes(&self) -> Vec<u8> {
        id_bytes(&self.0)
    }
}

impl Key for KommoMessageId {
    fn bytes(&self) -> Vec<u8> {
        id_bytes(&self.0)
    }
}

impl Key for KommoChatId {
    fn bytes(&self) -> Vec<u8> {
        id_bytes(&self.0)
    }
}

impl ReadKey for KommoChatId {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(std::str::from_utf8(bytes).ok()?.to_owned()))
    }
}
