//! The format of the rows, and the conversion of stores with an older one.

use std::{cmp::Ordering, path::Path};

use crate::store::{StoreError, db::Db, keys, open::SCHEMA, rows};

/// Converts the rows of one format into those of the next.
type Step = fn(&Db) -> Result<(), StoreError>;

/// The steps from format 1 on. The first leads to 2, in which large values are in chunks; the second to 3, in which one
/// row may hold the expiries of several others. Older rows can still be read and are replaced in time, so there is
/// nothing to convert; but an older version could not read the new rows.
const STEPS: [Step; SCHEMA as usize - 1] = [|_| Ok(()), |_| Ok(())];

/// Checks the format of the store in `path`: refuses a newer one, and converts an older one.
pub(super) fn bring_up(db: &Db, path: &Path, noted: &[u8]) -> Result<(), StoreError> {
    bring_up_to(SCHEMA, &STEPS, db, path, noted)
}

fn bring_up_to(known: u32, steps: &[Step], db: &Db, path: &Path, noted: &[u8]) -> Result<(), StoreError> {
    let unreadable = |why: &str| StoreError::unreadable(path, why);
    let found: u32 = rows::parse(noted).map_err(|_| unreadable("the row that says its format is damaged"))?;
    if found == 0 {
        return Err(unreadable("it says that it has format 0, which there never was"));
    }
    match found.cmp(&known) {
        Ordering::Greater => Err(StoreError::NewerSchema { dir: path.to_owned(), found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Less => migrate(found, steps, db),
    }
}

/// Takes the steps that are left, and records each: an interrupted step is repeated as a whole.
fn migrate(found: u32, steps: &[Step], db: &Db) -> Result<(), StoreError> {
    for (from, step) in (1..).zip(steps).skip_while(|(from, _)| *from < found) {
        step(db)?;
        db.flush()?;
        db.insert(keys::SCHEMA, rows::write(&(from + 1)))?;
        db.flush()?;
        tracing::info!(from, to = from + 1, "the store was converted to a newer format");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeMap, sync::Arc};

    use proptest::{collection, prelude::*};

    use super::*;
    use crate::store::db::Batch;

    fn note(db: &Db, name: &str) -> Result<(), StoreError> {
        db.insert(name, "done")?;
        Ok(())
    }

    /// Opens a database with the format `noted`; the newest known format is 3.
    fn opened(noted: &str) -> (Result<(), StoreError>, Db) {
        let tree = sled::Config::new().temporary(true).open().unwrap();
        let db = Db::new(tree, Arc::new(tempfile::tempfile().unwrap())).unwrap();
        db.insert(keys::SCHEMA, noted).unwrap();
        let steps: [Step; 2] = [|db| note(db, "to 2"), |db| note(db, "to 3")];
        (bring_up_to(3, &steps, &db, Path::new("/data/store"), noted.as_bytes()), db)
    }

    #[test]
    fn an_older_format_is_brought_up_step_by_step() {
        for (noted, steps) in [("1", vec!["to 2", "to 3"]), ("2", vec!["to 3"]), ("3", vec![])] {
            let (outcome, db) = opened(noted);
            outcome.unwrap();
            assert_eq!(db.get(keys::SCHEMA).unwrap().unwrap(), "3", "from {noted}");
            let taken: Vec<_> = ["to 2", "to 3"].into_iter().filter(|name| db.contains_key(name).unwrap()).collect();
            assert_eq!(taken, steps, "from {noted}");
        }
    }

    #[test]
    fn a_format_that_is_newer_or_none_is_refused_with_what_to_do() {
        for (noted, words) in [
            ("4", "has format 4, and this telekommo knows 3 at most: install the newer version again"),
            ("0", "format 0, which there never was"),
            ("\"two\"", "is damaged"),
            ("2.5", "is damaged"),
        ] {
            let (outcome, db) = opened(noted);
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains(words), "{noted}: {error}");
            assert_eq!(db.get(keys::SCHEMA).unwrap().unwrap(), noted, "nothing is changed");
        }
    }

    thread_local! {
        /// How many rows are moved until the power fails.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Moves each row from one table to another, and appends to its value.
    fn move_rows(db: &Db, [from, to]: [&str; 2]) -> Result<(), StoreError> {
        for row in db.scan_prefix(from).collect::<Vec<_>>() {
            let (key, value) = row?;
            let left = LEFT.get().checked_sub(1).ok_or_else(|| StoreError::Failed("cut".to_owned()))?;
            LEFT.set(left);
            let mut batch = Batch::default();
            batch.remove(&key);
            batch.insert([to.as_bytes(), &key[1..]].concat(), [&value, to.as_bytes()].concat());
            db.apply_batch(batch)?;
        }
        Ok(())
    }

    /// A quarter of what `PROPTEST_CASES` asks for, or of 256.
    fn cases() -> ProptestConfig {
        let default = ProptestConfig::default();
        ProptestConfig { cases: default.cases.div_ceil(4), failure_persistence: None, ..default }
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn a_step_that_is_cut_short_anywhere_is_taken_again(
            rows in collection::btree_map(collection::vec(any::<u8>(), 1..9), 0..9000_usize, 0..9),
            cuts in collection::vec(0..20_usize, 0..5),
            forgets in any::<bool>(),
        ) {
            let steps: [Step; 2] = [|db| move_rows(db, ["a", "b"]), |db| move_rows(db, ["b", "c"])];
            let tree = sled::Config::new().temporary(true).open().unwrap();
            let db = Db::new(tree, Arc::new(tempfile::tempfile().unwrap())).unwrap();
            for (key, bytes) in &rows {
                db.insert([b"a", &key[..]].concat(), vec![b'x'; *bytes]).unwrap();
            }
            db.insert(keys::SCHEMA, "1").unwrap();
            for left in cuts.into_iter().chain([usize::MAX]) {
                LEFT.set(left);
                let noted = db.get(keys::SCHEMA).unwrap().unwrap();
                let _ = bring_up_to(3, &steps, &db, Path::new("/data/store"), &noted);
                if forgets && left < usize::MAX {
                    // The power failed before the last step was recorded.
                    db.insert(keys::SCHEMA, noted.to_vec()).unwrap();
                }
            }
            let end = |(key, bytes): (&Vec<u8>, &usize)| {
                ([b"c", &key[..]].concat(), [vec![b'x'; *bytes], b"bc".to_vec()].concat())
            };
            let mut expected: BTreeMap<_, _> = rows.iter().map(end).collect();
            expected.insert(keys::SCHEMA.to_vec(), b"3".to_vec());
            let found = db.iter().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap());
            prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
        }
    }
}
