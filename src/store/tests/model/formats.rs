//! A store of an older format that is brought up to this one, whatever it holds.

use super::*;
use crate::store::{
    chunks::MOST_BYTES,
    lock::lock,
    open::{SCHEMA, database, open},
};

/// What an older version would have written in its place: format 1 has large values in one piece.
fn take_back(home: &Home) {
    let lock = lock(home.0.path()).unwrap();
    let db = open(&database(home.0.path()), 4 << 20, &lock).unwrap();
    let large = db.iter().map(Result::unwrap).filter(|(_, value)| value.len() > MOST_BYTES);
    for (key, value) in large.collect::<Vec<_>>() {
        db.tree().insert(key, value).unwrap();
    }
    for key in db.tree().scan_prefix(keys::CHUNKS).keys() {
        db.tree().remove(key.unwrap()).unwrap();
    }
    db.tree().insert(keys::SCHEMA, rows::write(&1)).unwrap();
    db.flush().unwrap();
}

/// All rows as whole ones. The note of the format is another thing.
fn all_rows(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = store.tables().iter().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap());
    rows.filter(|(key, _)| key != keys::SCHEMA).collect()
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_store_of_an_older_format_holds_the_same_after_it_was_brought_up(
        acts in vec(act(), 1..60),
        large in vec(1..60_000_usize, 0..4),
    ) {
        block_on(async {
            let mut pair = Pair::new();
            for (number, bytes) in large.into_iter().enumerate() {
                let by = fastrand::Rng::with_seed(number as u64).alphanumeric().to_string().repeat(bytes);
                pair.store.redeem(&format!("{number}"), by, NOW.plus(HOUR * 1000), NOW).await.unwrap();
            }
            for act in acts {
                pair.act(act).await;
            }
            let before = all_rows(&pair.store);
            pair.leases.clear();
            pair.model.reopen();
            pair.store.clone().close().await.unwrap();
            take_back(&pair.home);
            pair.store = pair.home.open();
            assert_eq!(rows::get::<u32>(&pair.store.tables(), keys::SCHEMA).unwrap(), Some(SCHEMA));
            assert_eq!(all_rows(&pair.store), before);
            pair.check();
            pair.finish().await;
        });
    }
}
