//! The first start of another version.

use std::{fs, path::PathBuf};

use super::*;
use crate::store::keys::SCHEMA;

/// The dumps that were written before another version opened the store.
fn before_upgrades(home: &Home) -> Vec<PathBuf> {
    let all = dumps::before_upgrades(&dumps::dir(home.0.path())).unwrap();
    all.into_iter().map(|(_, file)| file).collect()
}

/// Makes the store one that a version has left.
fn left_by(home: &Home, version: Option<&str>) {
    let file = home.0.path().join("store.version");
    match version {
        Some(version) => fs::write(file, version).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
}

async fn opened_and_closed(home: &Home) -> Option<String> {
    let store = home.open();
    let why = store.undumped().map(str::to_owned);
    store.close().await.unwrap();
    why
}

#[tokio::test]
async fn another_version_dumps_the_store_as_it_was_before_it_changes_anything() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["one", "two"]).await;
    // As the version before had it.
    store.tables().insert(SCHEMA, "2").unwrap();
    store.close().await.unwrap();
    assert_eq!(before_upgrades(&home), Vec::<PathBuf>::new(), "this version has made it");
    left_by(&home, Some("0.0.1"));

    let store = home.open();
    push(&store, &lane("a"), &["three"]).await;
    assert_eq!(store.undumped(), None);
    store.close().await.unwrap();
    let [dump] = before_upgrades(&home).try_into().expect("there is one");
    let text = fs::read_to_string(&dump).unwrap();
    assert!(text.starts_with("{\"format\":\"telekommo-dump\",\"schema\":2}\n"), "{text}");
    assert!(text.contains("two") && !text.contains("three"), "{text}");
    assert_eq!(opened_and_closed(&home).await, None);
    assert_eq!(before_upgrades(&home), std::slice::from_ref(&dump), "only the first start dumps");

    assert_eq!(Store::restore(home.0.path(), &dump).unwrap().waiting, 2);
    assert_eq!(drain(&home.open()).await, ["one", "two"]);
}

#[tokio::test]
async fn a_store_that_cannot_be_dumped_is_opened_all_the_same_and_dumped_when_it_can() {
    let home = Home::new();
    let store = home.open();
    push(&store, &lane("a"), &["one"]).await;
    store.close().await.unwrap();
    left_by(&home, None);
    let in_the_way = dumps::dir(home.0.path());
    fs::write(&in_the_way, "").unwrap();
    for _ in 0..2 {
        let why = opened_and_closed(&home).await.expect("there is no dump");
        assert!(why.contains("dumps"), "{why}");
    }
    let refused = Store::compact(home.0.path()).unwrap_err().to_string();
    assert!(refused.contains("dumps"), "what nothing brings back is not written anew: {refused}");
    let full = Settings { reserve_bytes: u64::MAX / 2, ..home.settings() };
    fs::remove_file(&in_the_way).unwrap();
    let store = Store::open(full).unwrap();
    assert!(store.undumped().is_some_and(|why| why.contains("too little room")), "{:?}", store.undumped());
    store.close().await.unwrap();
    assert_eq!(before_upgrades(&home), Vec::<PathBuf>::new());

    let store = home.open();
    assert_eq!((store.undumped(), before_upgrades(&home).len()), (None, 1));
    assert_eq!(drain(&store).await, ["one"]);
}

#[tokio::test]
async fn the_two_newest_of_these_dumps_are_kept_and_none_of_a_store_that_is_refused() {
    let home = Home::new();
    home.open().close().await.unwrap();
    for version in ["1", "2", "3", "4"] {
        left_by(&home, Some(version));
        assert_eq!(opened_and_closed(&home).await, None);
    }
    let numbers = |home: &Home| dumps::before_upgrades(&dumps::dir(home.0.path())).unwrap();
    assert_eq!(numbers(&home).into_iter().map(|(number, _)| number).collect::<Vec<_>>(), [3, 4]);
    let store = home.open();
    store.tables().insert(SCHEMA, "99").unwrap();
    store.close().await.unwrap();
    left_by(&home, Some("9"));
    assert!(matches!(home.try_open(), Err(StoreError::NewerSchema { .. })));
    assert_eq!(numbers(&home).len(), 2, "nothing was dumped");
}
