//! Compaction: the store becomes smaller and stays the same, wherever it is interrupted.

use std::{collections::BTreeMap, fs, path::Path};

use super::{samples::fill, *};
use crate::store::{
    compact::{self, finish, has_grown, run},
    lock::lock,
    open::{database, marker},
};

/// All rows, those in chunks as a whole.
fn rows_of(store: &Store) -> BTreeMap<Vec<u8>, Vec<u8>> {
    store.tables().iter().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

fn size(dir: &Path) -> u64 {
    fs::metadata(database(dir).join("db")).unwrap().len()
}

/// What is in the data directory beside the database, its marker and its dumps.
fn left(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !["store", "store.marker", "store.version"].contains(&name.as_str())).collect()
}

#[tokio::test]
async fn a_store_is_compacted_to_what_lives_in_it_and_keeps_every_row() {
    let home = Home::new();
    let (dir, store) = (home.0.path(), home.open());
    let large = "x".repeat(300_000);
    for number in 0..60 {
        push(&store, &lane("gone"), &[&format!("{number}{large}")]).await;
    }
    while let Some(lease) = store.claim(&lane("gone").route, NOW).unwrap() {
        lease.settle(done(), NOW).await.unwrap();
    }
    push(&store, &lane("stays"), &[&large]).await;
    fill(&store).await;
    let (rows, before) = (rows_of(&store), size(dir));
    assert!(matches!(Store::compact(dir), Err(StoreError::Locked(_))), "a bridge has it");
    store.close().await.unwrap();
    let done = Store::compact(dir).unwrap();
    assert_eq!((done.before_bytes, done.after_bytes), (before, size(dir)));
    assert!(done.after_bytes < before / 2, "{done}");
    assert_eq!(left(dir), Vec::<String>::new());
    let store = home.open();
    assert_eq!(rows_of(&store), rows);
    assert_eq!(done.rows, rows.len() as u64);
}

#[tokio::test]
async fn a_cut_between_the_two_names_is_brought_to_its_end_and_one_before_it_changes_nothing() {
    let home = Home::new();
    let dir = home.0.path();
    let store = home.open();
    push(&store, &lane("a"), &["waits"]).await;
    store.close().await.unwrap();
    // The copy is not whole.
    fs::create_dir(dir.join("store.compacting")).unwrap();
    fs::write(dir.join("store.compacting/db"), "half").unwrap();
    let store = home.open();
    assert_eq!(left(dir), Vec::<String>::new());
    push(&store, &lane("a"), &["waits too"]).await;
    store.close().await.unwrap();
    // It is whole, and nothing has the name.
    fs::rename(database(dir), dir.join("store.compacting")).unwrap();
    fs::create_dir(dir.join("store.before-compaction")).unwrap();
    let store = home.open();
    assert_eq!(left(dir), Vec::<String>::new());
    store.close().await.unwrap();
    // It has the name, and the former one is still there.
    fs::create_dir(dir.join("store.before-compaction")).unwrap();
    finish(dir).unwrap();
    assert_eq!(left(dir), Vec::<String>::new());
    // The former one has lost its name, and the fresh one is gone: giving the name back had failed.
    fs::rename(database(dir), dir.join("store.before-compaction")).unwrap();
    let store = home.open();
    assert_eq!((left(dir), drain(&store).await), (Vec::new(), vec!["waits".to_owned(), "waits too".to_owned()]));
}

#[tokio::test]
async fn a_start_compacts_a_file_that_has_grown_and_only_where_there_is_room() {
    let home = Home::new();
    let dir = home.0.path();
    let store = home.open();
    push(&store, &lane("a"), &["waits"]).await;
    store.close().await.unwrap();
    let grow = || fs::OpenOptions::new().write(true).open(database(dir).join("db")).unwrap().set_len(70 << 20).unwrap();
    grow();
    let kept = lock(dir).unwrap();
    let refused = run(dir, u64::MAX, &kept).unwrap_err();
    assert!(refused.to_string().contains("Free some space"), "{refused}");
    assert_eq!((size(dir), left(dir)), (70 << 20, Vec::new()), "nothing was changed");
    drop(kept);
    let store = home.open();
    assert!(size(dir) < 10 << 20, "{}", size(dir));
    let noted: u64 = fs::read_to_string(marker(dir)).unwrap().trim().parse().unwrap();
    assert!(noted > 0 && noted <= size(dir));
    assert_eq!(drain(&store).await, ["waits"]);
    store.close().await.unwrap();
    // It was as large after the last time.
    fs::write(marker(dir), format!("{}\n", 60_u64 << 20)).unwrap();
    grow();
    home.open().close().await.unwrap();
    assert_eq!(fs::read_to_string(marker(dir)).unwrap(), format!("{}\n", 60_u64 << 20));
}

#[test]
fn a_file_has_grown_by_what_it_was_and_a_small_one_never_has() {
    let mebibytes = |number: u64| number << 20;
    for (size, noted, grown) in [(63, 0, false), (64, 0, true), (64, 16, true), (100, 30, false), (120, 30, true)] {
        assert_eq!(has_grown(mebibytes(size), mebibytes(noted)), grown, "{size} {noted}");
    }
    let text = compact::Compaction { before_bytes: mebibytes(90), after_bytes: mebibytes(2), rows: 1 }.to_string();
    assert_eq!(text, "compacted the store from 90 MiB to 2 MiB: 1 row");
}
