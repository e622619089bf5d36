//! Writes rows in the order of their keys into a fresh database, so that its pages are full.
//!
//! sled splits a page once it has 17 rows: 9 stay, and 8 start the next one. If rows came in the order of their keys,
//! all pages would stay half empty, and each page takes some 300 bytes of memory and space on the disk. So 7 of 16 rows
//! are written a little later than the others, which by then are in pages of 9.

use std::collections::VecDeque;

use sled::IVec;

use crate::store::{chunks::MOST_BYTES, db::Db};

/// How many of [`OF`] rows are delayed.
const LATER: u64 = 7;
const OF: u64 = 16;
/// How many rows are delayed at most. By then their pages have been split twice.
const WAITING: usize = 64;
/// The number of rows after which the file is flushed, so that sled can reuse its segments.
const ROWS_PER_FLUSH: u64 = 2048;

/// Fills a database that is not in use yet.
pub(super) struct BulkLoader<'d> {
    db: &'d Db,
    waiting: VecDeque<(IVec, IVec)>,
    last: IVec,
    rows: u64,
}

impl<'d> BulkLoader<'d> {
    pub(super) fn new(db: &'d Db) -> Self {
        Self { db, waiting: VecDeque::new(), last: IVec::default(), rows: 0 }
    }

    /// Writes a row, now or later. Of several rows with one key, the last one counts.
    pub(super) fn put(&mut self, key: IVec, value: IVec) -> sled::Result<()> {
        let waits = self.rows * LATER / OF != (self.rows + 1) * LATER / OF;
        self.rows += 1;
        if key <= self.last {
            self.write_waiting(0)?;
            self.db.insert(&key, value.to_vec())?;
        } else if waits && value.len() <= MOST_BYTES {
            self.last.clone_from(&key);
            self.waiting.push_back((key, value));
            self.write_waiting(WAITING)?;
        } else {
            // Large rows would take too much memory while they wait.
            self.last.clone_from(&key);
            self.db.insert_new(key, value)?;
        }
        if self.rows.is_multiple_of(ROWS_PER_FLUSH) { self.db.flush() } else { Ok(()) }
    }

    /// Writes the delayed rows, and returns how many rows there were in all.
    pub(super) fn end(mut self) -> sled::Result<u64> {
        self.write_waiting(0)?;
        Ok(self.rows)
    }

    fn write_waiting(&mut self, left: usize) -> sled::Result<()> {
        while self.waiting.len() > left
            && let Some((key, value)) = self.waiting.pop_front()
        {
            self.db.insert_new(key, value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn db() -> Db {
        let tree = sled::Config::new().temporary(true).open().unwrap();
        Db::new(tree, Arc::new(tempfile::tempfile().unwrap())).unwrap()
    }

    proptest! {
        #[test]
        fn every_row_is_there_in_whatever_order_they_come(
            rows in vec((0..400_u16, 0..3_usize), 0..600), is_sorted in any::<bool>(),
        ) {
            let db = db();
            let mut rows: Vec<_> = rows.into_iter().map(|(key, size)| (key.to_be_bytes(), size)).collect();
            if is_sorted {
                rows.sort_unstable();
            }
            let (mut loader, mut expected) = (BulkLoader::new(&db), BTreeMap::new());
            for (number, (key, size)) in rows.iter().enumerate() {
                let value = vec![u8::try_from(number % 251).unwrap(); [9, MOST_BYTES, MOST_BYTES + 1][*size]];
                let key = [b"j", &key[..]].concat();
                loader.put(key.clone().into(), value.clone().into()).unwrap();
                expected.insert(key, value);
            }
            prop_assert_eq!(loader.end().unwrap(), rows.len() as u64);
            let found = db.iter().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap());
            prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
        }
    }
}
