//! Stores that must not be opened, and commits that are shared.

use std::fs;

use super::*;
use crate::store::open::{SCHEMA, database, marker};

#[tokio::test]
async fn one_process_holds_a_store() {
    let home = Home::new();
    let store = home.open();
    let second = home.try_open().unwrap_err();
    assert!(second.to_string().contains("in use by another telekommo: stop that one first"), "{second}");
    store.close().await.unwrap();
    home.open();
}

#[tokio::test]
async fn nobody_else_may_read_a_new_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let settings = Settings { dir: home.0.path().join("data"), ..home.settings() };
    Store::open(settings.clone()).unwrap();
    assert_eq!(fs::metadata(settings.dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let home = Home::new();
    let store = home.open();
    store.tables().insert(keys::SCHEMA, rows::write(&(SCHEMA + 1))).unwrap();
    store.close().await.unwrap();
    assert!(matches!(home.try_open(), Err(StoreError::NewerSchema { found, known, .. }) if found == known + 1));
}

#[tokio::test]
async fn a_store_that_has_lost_its_contents_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    store.close().await.unwrap();
    let path = database(home.0.path());
    let snapshots: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap."))
        .collect();
    // Right after the first close, so that no later opening can have helped.
    assert!(!snapshots.is_empty(), "a store always has a snapshot, or every start would be refused");
    let aside = home.0.path().join("aside");
    fs::create_dir(&aside).unwrap();
    for snapshot in &snapshots {
        fs::rename(snapshot, aside.join(snapshot.file_name().unwrap())).unwrap();
    }
    assert!(matches!(home.try_open(), Err(StoreError::SilentlyEmpty { .. })));
    for snapshot in &snapshots {
        fs::rename(aside.join(snapshot.file_name().unwrap()), snapshot).unwrap();
    }
    assert_eq!(drain(&home.open()).await, ["a1"], "brought back, it is whole");

    fs::remove_dir_all(&path).unwrap();
    assert!(
        matches!(home.try_open(), Err(StoreError::SilentlyEmpty { .. })),
        "a folder that is gone is no fresh start"
    );
}

#[tokio::test]
async fn a_store_without_its_marker_gets_it_back() {
    let home = Home::new();
    home.open().close().await.unwrap();
    fs::remove_file(marker(home.0.path())).unwrap();
    home.open();
    assert!(marker(home.0.path()).exists());
}

#[tokio::test]
async fn a_snapshot_that_is_cut_is_reported_with_the_remedy() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    store.close().await.unwrap();
    for entry in fs::read_dir(database(home.0.path())).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap.") {
            fs::write(path, b"").unwrap();
        }
    }
    let error = home.try_open().unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("telekommo restore"), "{error}");
}

#[tokio::test]
async fn a_snapshot_that_was_never_finished_does_no_harm() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    store.close().await.unwrap();
    for contents in [&b""[..], b"cut"] {
        let unfinished = database(home.0.path()).join("snap.FFFFFFFFFFFFFFFF.generating");
        fs::write(&unfinished, contents).unwrap();
        let store = home.open();
        assert!(!unfinished.exists());
        drop(claim(&store).expect("everything is there"));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn concurrent_pushes_share_a_flush() {
    let home = Home::new();
    let store = home.open();
    let before = store.counts().flushes;
    let lanes: Vec<_> = (0..128).map(|number| lane(&number.to_string())).collect();
    futures_util::future::join_all(lanes.iter().map(|lane| push(&store, lane, &["x"]))).await;
    let flushes = store.counts().flushes - before;
    assert!((1..32).contains(&flushes), "{flushes} flushes for 128 pushes");
    assert_eq!(drain(&store).await.len(), 128);
}

#[tokio::test]
async fn a_disk_below_its_reserve_has_no_room() {
    let home = Home::new();
    assert!(home.open().has_room());
    let (full, settings) = (Home::new(), |home: &Home| Settings { reserve_bytes: u64::MAX, ..home.settings() });
    assert!(!Store::open(settings(&full)).unwrap().has_room());
}

#[tokio::test]
async fn a_missing_folder_is_not_reported_as_a_damaged_store() {
    let home = Home::new();
    let file = home.0.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = |dir| Store::open(Settings { dir, ..home.settings() }).unwrap_err();
    let is_file = format!("{} is a file, not a folder", file.display());
    for (dir, expected) in [
        (file.clone(), is_file.as_str()),
        (file.join("below"), &is_file),
        ("/proc/telekommo".into(), "nothing can be created in /proc"),
    ] {
        let error = refused(dir);
        assert!(matches!(error, StoreError::Inaccessible { .. }) && !error.to_string().contains("restore"), "{error}");
        assert!(
            error.to_string().contains(expected) && error.to_string().contains("Name a folder in data_dir"),
            "{error}"
        );
    }
    home.open().close().await.unwrap();
    let path = database(home.0.path());
    fs::rename(&path, home.0.path().join("aside")).unwrap();
    fs::write(&path, "").unwrap();
    let error = refused(home.0.path().to_owned());
    assert!(matches!(error, StoreError::Inaccessible { .. }) && !error.to_string().contains("restore"), "{error}");
}

#[tokio::test]
async fn a_store_whose_creation_was_interrupted_is_created_again() {
    let home = Home::new();
    let making = home.0.path().join("store.making");
    fs::create_dir(&making).unwrap();
    for (file, text) in [("conf", "cut"), ("db", "cut"), ("snap.0000000000000000.generating", "")] {
        fs::write(making.join(file), text).unwrap();
    }
    let store = home.open();
    push(&store, &lane("a"), &["a1"]).await;
    assert!(!making.exists());
}
