//! Scanning a table of any size in little memory.
//!
//! sled counts the content of its cache by accesses, 64 at a time in each of 256 shards, and its own iterator reads
//! each page once: up to 16,384 pages stay in memory whatever the cache's limit is, which is hundreds of megabytes.
//! Looking up each next row costs a little more time, but the limit holds.

use sled::IVec;

use crate::store::db::Db;

/// The rows whose keys begin with a prefix, in the order of the keys.
pub(super) struct Scan<'a> {
    db: &'a Db,
    prefix: &'a [u8],
    /// The last key that was returned.
    last: Option<IVec>,
}

/// Scans the rows whose keys begin with `prefix`. It also finds rows that are added behind its current position.
pub(super) const fn scan<'a>(db: &'a Db, prefix: &'a [u8]) -> Scan<'a> {
    Scan { db, prefix, last: None }
}

impl Iterator for Scan<'_> {
    type Item = sled::Result<(IVec, IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match &self.last {
            // No row has the prefix itself as its key.
            None => self.db.next(self.prefix),
            Some(last) => self.db.next(last),
        };
        match next {
            Ok(row) => {
                let row = row.filter(|(key, _)| key.starts_with(self.prefix))?;
                self.last = Some(row.0.clone());
                Some(Ok(row))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_row_of_the_table_and_no_other_is_found_in_order() {
        let tree = sled::Config::new().temporary(true).open().unwrap();
        let db = Db::new(tree, Arc::new(tempfile::tempfile().unwrap())).unwrap();
        let all: Vec<_> = (0..1000_u32).map(|number| [b"j", &number.to_be_bytes()[..]].concat()).collect();
        for key in all.iter().map(Vec::as_slice).chain([&b"i\xff"[..], b"k", b"p1"]) {
            db.insert(key, "x").unwrap();
        }
        let keys = |prefix: &[u8]| scan(&db, prefix).map(|row| row.unwrap().0.to_vec()).collect::<Vec<_>>();
        assert_eq!(keys(b"j"), all);
        assert_eq!(keys(b"p"), [b"p1"]);
        assert_eq!(keys(b"q"), Vec::<Vec<u8>>::new());
        assert_eq!(keys(b"").len(), 1003, "everything");
    }
}
