//! Going back to a dump, and what is around it.

use std::{fs, path::PathBuf, thread, time::Instant};

use super::*;
use crate::store::{lock::lock, open::marker};

const WITHIN: Duration = Duration::from_secs(30);

/// A closed store with so many messages, and its dump.
async fn dumped(home: &Home, messages: usize) -> PathBuf {
    let (store, dump) = (home.open(), home.0.path().join("dump.jsonl"));
    let names: Vec<_> = (0..messages).map(|number| number.to_string()).collect();
    push(&store, &lane("a"), &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();
    dump
}

/// The names in the data directory that begin with this, in order.
fn names(home: &Home, begin: &str) -> Vec<String> {
    let names = fs::read_dir(home.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(begin)).collect();
    names.sort();
    names
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_store_that_is_being_replaced() {
    let home = Home::new();
    let dump = dumped(&home, 3000).await;
    let (dir, fresh) = (home.0.path().to_owned(), home.0.path().join("store.restoring-1"));
    let restoring = thread::spawn(move || Store::restore(&dir, &dump));
    let begun = Instant::now();
    while !fresh.exists() {
        assert!(begun.elapsed() < WITHIN && !restoring.is_finished(), "it never began to write");
        thread::yield_now();
    }
    // A service that is started again and again meets the restore in the middle.
    let mut acknowledged = 0;
    while !restoring.is_finished() {
        match home.try_open() {
            Ok(store) => {
                push(&store, &lane("b"), &["meanwhile"]).await;
                acknowledged += 1;
                store.close().await.unwrap();
            }
            Err(StoreError::Locked(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    restoring.join().unwrap().unwrap();
    let store = home.open();
    let counts = store.counts().routes;
    assert_eq!(counts[0].1.waiting, 3000 + acknowledged, "all of the dump, and all that was acknowledged since");
}

#[tokio::test]
async fn a_dump_may_begin_with_a_mark_and_one_in_utf_16_is_called_so() {
    let home = Home::new();
    let dump = dumped(&home, 3).await;
    let text = fs::read(&dump).unwrap();
    fs::write(&dump, [b"\xef\xbb\xbf", &text[..]].concat()).unwrap();
    assert_eq!(Store::restore(home.0.path(), &dump).unwrap().waiting, 3);
    fs::write(&dump, text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<_>>()).unwrap();
    let error = Store::restore(home.0.path(), &dump).unwrap_err();
    assert!(error.to_string().contains("it is saved as UTF-16"), "{error}");
}

#[tokio::test]
async fn of_two_dumps_in_one_file_neither_is_restored() {
    let (home, other) = (Home::new(), Home::new());
    let dump = dumped(&home, 3).await;
    let [text, second] = [&dump, &dumped(&other, 5).await].map(|dump| fs::read(dump).unwrap());
    for more in [&second[..], b"{", b"\xff"] {
        fs::write(&dump, [&text, more].concat()).unwrap();
        let error = Store::restore(home.0.path(), &dump).unwrap_err();
        assert!(error.to_string().contains("something stands behind its end"), "{error}");
    }
    assert_eq!(drain(&home.open()).await, ["0", "1", "2"], "the store is as it was");
    // An editor may end a file with empty lines.
    fs::write(&dump, [&text, &b"\n \r\n"[..]].concat()).unwrap();
    assert_eq!(Store::restore(home.0.path(), &dump).unwrap().waiting, 3);
}

#[tokio::test]
async fn who_restores_has_the_data_directory_and_says_how_to_get_it() {
    let home = Home::new();
    let dump = dumped(&home, 1).await;
    let held = lock(home.0.path()).unwrap();
    let refused = [home.try_open().unwrap_err(), Store::restore(home.0.path(), &dump).unwrap_err()];
    for error in refused {
        assert!(matches!(error, StoreError::Locked(_)), "{error}");
        assert!(error.to_string().contains("systemctl stop telekommo"), "{error}");
    }
    // An earlier version locks the database alone.
    drop(held);
    let database = fs::File::open(home.0.path().join("store/db")).unwrap();
    database.lock().unwrap();
    assert!(matches!(Store::restore(home.0.path(), &dump), Err(StoreError::Locked(_))));
}

#[tokio::test]
async fn unfinished_snapshots_are_left_to_whoever_has_the_store() {
    let home = Home::new();
    let store = home.open();
    let unfinished = home.0.path().join("store/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&unfinished, "half").unwrap();
    assert!(matches!(home.try_open(), Err(StoreError::Locked(_))));
    assert!(unfinished.exists(), "somebody else may be writing it");
    store.close().await.unwrap();
    home.open();
    assert!(!unfinished.exists());
    assert_eq!(names(&home, "store."), ["store.marker", "store.version"], "nothing of it is left");
}

#[tokio::test]
async fn a_restore_that_fails_leaves_what_was_there_and_nothing_else() {
    let home = Home::new();
    let dump = dumped(&home, 2).await;
    let unfinished = ["store.restoring-1", "store.restoring-7"];
    for name in unfinished {
        fs::create_dir(home.0.path().join(name)).unwrap();
        fs::write(home.0.path().join(name).join("db"), "half").unwrap();
    }
    fs::create_dir(home.0.path().join("store.restoring-mine")).unwrap();
    // The marker cannot be written.
    fs::remove_file(marker(home.0.path())).unwrap();
    fs::create_dir(marker(home.0.path())).unwrap();
    assert!(Store::restore(home.0.path(), &dump).is_err());
    assert_eq!(names(&home, "store."), ["store.marker", "store.restoring-mine", "store.version"]);
    fs::remove_dir(marker(home.0.path())).unwrap();
    assert_eq!(drain(&home.open()).await, ["0", "1"]);
}

#[tokio::test]
async fn the_newest_former_stores_are_kept_and_all_are_named() {
    let home = Home::new();
    let dump = dumped(&home, 1).await;
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    for (number, older, removed) in [(1, vec![], vec![]), (2, vec!["1"], vec![]), (3, vec!["2", "1"], vec![])] {
        let summary = Store::restore(home.0.path(), &dump).unwrap();
        assert_eq!(name(summary.moved_to.as_ref().unwrap()), number.to_string());
        assert_eq!(summary.older.iter().map(name).collect::<Vec<_>>(), older);
        assert_eq!(summary.removed.iter().map(name).collect::<Vec<_>>(), removed as Vec<&str>);
    }
    // Somebody has taken one away: its number is not given again, or the order would be lost.
    fs::remove_dir_all(home.0.path().join("store.before-restore-2")).unwrap();
    Store::restore(home.0.path(), &dump).unwrap();
    let summary = Store::restore(home.0.path(), &dump).unwrap();
    let former = ["store.before-restore-3", "store.before-restore-4", "store.before-restore-5"];
    assert_eq!(names(&home, "store.before-restore"), former);
    let text = summary.to_string();
    for expected in
        ["the former store is now", "before-restore-5", "still", "before-restore-4", "removed", "before-restore-1"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn a_restore_returns_the_age_and_the_content_of_the_dump() {
    let home = Home::new();
    let dump = dumped(&home, 3).await;
    let summary = Store::restore(home.0.path(), &dump).unwrap();
    assert_eq!((summary.dumped_at, summary.waiting, summary.chats), (Some(NOW), 3, 0));
    assert!(summary.to_string().contains("0 conversations, 3 jobs that wait and 0 parked messages"), "{summary}");
    // A dump of an earlier version has no time: then that of its file counts.
    let text = fs::read_to_string(&dump).unwrap();
    let earlier = text.replacen(&format!(",\"at\":{NOW}"), "", 1);
    assert_ne!(earlier, text);
    fs::write(&dump, earlier).unwrap();
    let written_at = Store::restore(home.0.path(), &dump).unwrap().dumped_at.unwrap();
    assert!(written_at != NOW && written_at.0 > 1_700_000_000_000, "{written_at}");
}

#[tokio::test]
async fn large_and_unreadable_rows_are_restored_as_they_were() {
    let home = Home::new();
    let (store, dump) = (home.open(), home.0.path().join("dump.jsonl"));
    let outbound = Lane::outbound(&"tg:sales:5".parse().unwrap());
    let large = "x".repeat(1 << 20);
    push(&store, &lane("a"), &[&large, "small"]).await;
    push(&store, &outbound, &[&large]).await;
    store.dump(&dump, NOW).unwrap();
    store.close().await.unwrap();
    // An answer that cannot be read may have been delivered since as well.
    let text = fs::read_to_string(&dump).unwrap();
    let unreadable = keys::JobKey { lane: outbound.clone(), sequence: 50, part: 0 }.key();
    let key = hex::hex(&unreadable);
    let (rows, end) = text.trim_end().rsplit_once('\n').unwrap();
    let count: u64 = end.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    let broken = format!("{rows}\n{{\"k\":\"{key}\",\"v\":\"broken\"}}\n{{\"rows\":{}}}\n", count + 1);
    fs::write(&dump, broken).unwrap();
    let summary = Store::restore(home.0.path(), &dump).unwrap();
    assert_eq!((summary.rows, summary.parked, summary.waiting), (count + 1, 1, 2));
    let store = home.open();
    assert_eq!(store.tables().get(keys::aside(50, &unreadable)).unwrap().unwrap(), "broken");
    assert_eq!(drain(&store).await, [large.as_str(), "small"]);
    assert_eq!(store.parked(9).unwrap()[0].jobs, [named_job(&large)]);
    assert_eq!(store.counts().parked, 2);
}
