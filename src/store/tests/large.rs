//! Rows of any size: taken, read, changed and gone as a whole, and never so large in the tree that sled makes a file of
//! them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{reach::apply, *};
use crate::{
    domain::{address::BotId, crm::SyncedProfile, job::Hook},
    store::{chunks::MOST_BYTES, db::Batch, keys::JobKey, open::database, rows::JobRow, writes::Writes},
};

pub(super) const MEBIBYTE: usize = 1 << 20;

/// A distinct hook of so many bytes.
pub(super) fn large(number: usize, bytes: usize) -> Job {
    let text: String = (number..)
        .map(|number| number.to_string())
        .scan(0, |sum, text| {
            *sum += text.len();
            (*sum < bytes + text.len()).then_some(text)
        })
        .collect();
    Job::from(Hook { raw: text[..bytes.min(text.len())].to_owned() })
}

async fn take(store: &Store, jobs: impl IntoIterator<Item = Job>) {
    let job = |job| NewJob { id: None, lane: lane("a"), job };
    store.push(Intake { jobs: jobs.into_iter().map(job).collect(), offset: None }, NOW).await.unwrap();
}

/// How many chunks there are, once everything that was asked for is done.
pub(super) async fn chunks(store: &Store) -> usize {
    store.until_durable().await.unwrap();
    store.until_durable().await.unwrap();
    store.tables().tree().scan_prefix(keys::CHUNKS).count()
}

/// How many files sled has made beside its log.
fn blobs(home: &Home) -> usize {
    fs::read_dir(database(home.0.path()).join("blobs")).unwrap().count()
}

#[tokio::test]
async fn a_job_of_a_mebibyte_goes_all_ways_and_leaves_nothing_behind() {
    let home = Home::new();
    let store = home.open();
    let jobs = [large(1, MEBIBYTE), large(2, MOST_BYTES), large(3, MOST_BYTES + 1), large(4, MEBIBYTE)];
    take(&store, jobs.clone()).await;
    assert!(chunks(&store).await > 2 * MEBIBYTE / MOST_BYTES);
    let lease = claim(&store).unwrap();
    assert_eq!(lease.job(), &jobs[0]);
    assert_eq!(lease.behind(9).unwrap().into_iter().map(|(job, _)| job).collect::<Vec<_>>(), jobs[1..]);
    lease.settle(retry(NOW), NOW).await.unwrap();
    let parts = vec![large(5, MEBIBYTE), large(6, 9)];
    claim(&store).unwrap().settle(Outcome::Replace(parts.clone()), NOW).await.unwrap();
    store.close().await.unwrap();

    let store = home.open();
    let lease = claim(&store).unwrap();
    assert_eq!(lease.job(), &large(5, MEBIBYTE));
    lease.settle(park("test"), NOW).await.unwrap();
    let parked = store.parked(9).unwrap();
    assert_eq!((parked.len(), &parked[0].jobs), (1, &parts));
    assert!(store.unpark(parked[0].id, NOW).await.unwrap());
    let mut left = Vec::new();
    while let Some(lease) = claim(&store) {
        left.push(lease.job().clone());
        lease.settle(done(), NOW).await.unwrap();
    }
    assert_eq!(left, [&jobs[1..], &parts].concat());
    assert_eq!((chunks(&store).await, blobs(&home)), (0, 0));
}

#[tokio::test]
async fn what_is_remembered_may_be_large_as_well() {
    let home = Home::new();
    let store = home.open();
    let conversation: Conversation = "tg:sales:5".parse().unwrap();
    let held = |raw: String| HeldStart { bot: BotId(7), raw, since: NOW };
    let held_fact = |held| StateChange::Held { conversation: conversation.clone(), held };
    let profile = SyncedProfile { username: Some("x".repeat(MEBIBYTE)), ..SyncedProfile::default() };
    apply(&store, vec![held_fact(Some(held("a".repeat(MEBIBYTE))))]).await;
    apply(
        &store,
        vec![
            held_fact(Some(held("b".repeat(MEBIBYTE)))),
            StateChange::SyncedProfile { conversation: conversation.clone(), profile: profile.clone() },
        ],
    )
    .await;
    assert_eq!(store.held(&conversation).unwrap(), Some(held("b".repeat(MEBIBYTE))));
    assert_eq!(store.synced_profile(&conversation).unwrap(), profile);
    assert!(chunks(&store).await < 2 * MEBIBYTE / MOST_BYTES + 9, "what was replaced is gone");
    apply(
        &store,
        vec![
            held_fact(None),
            StateChange::SyncedProfile { conversation: conversation.clone(), profile: SyncedProfile::default() },
        ],
    )
    .await;
    assert_eq!((chunks(&store).await, blobs(&home)), (0, 0));
}

#[tokio::test]
async fn no_burst_makes_sled_write_a_file_of_its_own() {
    for (count, bytes) in [(12, 15_000), (300, 11_000), (300, MOST_BYTES - 100), (40, 60_000), (3, 200_000)] {
        let home = Home::new();
        let store = home.open();
        take(&store, (0..count).map(|number| large(number, bytes))).await;
        for number in 0..count {
            take(&store, [large(number, bytes)]).await;
        }
        assert_eq!(blobs(&home), 0, "{count} of {bytes}");
    }
}

#[tokio::test]
async fn rows_that_an_older_version_has_written_are_read_and_go() {
    let home = Home::new();
    let store = home.open();
    let place = |sequence| JobKey { lane: lane("a"), sequence, part: 0 };
    for sequence in 0..3 {
        let row = rows::write(&JobRow::new(large(7, 200_000), NOW));
        store.tables().tree().insert(place(sequence).key(), row).unwrap();
    }
    store.tables().tree().insert(keys::SEQUENCE, "3").unwrap();
    store.close().await.unwrap();
    let store = home.open();
    for _ in 0..2 {
        let lease = claim(&store).unwrap();
        assert_eq!(lease.job(), &large(7, 200_000));
        lease.settle(done(), NOW).await.unwrap();
    }
    claim(&store).unwrap().settle(retry(NOW), NOW).await.unwrap();
    assert_eq!(claim(&store).unwrap().job(), &large(7, 200_000));
    assert!(chunks(&store).await > 0, "what is written anew is cut to size");
}

#[tokio::test]
async fn chunks_that_belong_to_no_row_are_removed_and_the_others_stay() {
    let home = Home::new();
    let store = home.open();
    take(&store, [large(1, 10 * MOST_BYTES)]).await;
    let whole = chunks(&store).await;
    let tree = store.tables();
    // A crash before the row was written, and one after it had gone.
    for (id, owner) in [(77, Some(&b"jnobody"[..])), (78, None)] {
        owner.map(|owner| tree.tree().insert(keys::chunks(id), owner).unwrap());
        tree.tree().insert(keys::chunk(id, 3), "left behind").unwrap();
    }
    drop(tree);
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(chunks(&store).await, whole);
    take(&store, [large(2, 10 * MOST_BYTES)]).await;
    let lease = claim(&store).unwrap();
    assert_eq!(lease.job(), &large(1, 10 * MOST_BYTES));
    assert_eq!(lease.behind(1).unwrap()[0].0, large(2, 10 * MOST_BYTES));
}

#[tokio::test]
async fn a_row_that_has_lost_a_chunk_is_unreadable_and_not_another_text() {
    let home = Home::new();
    let store = home.open();
    take(&store, [large(1, 3 * MOST_BYTES)]).await;
    let db = store.tables();
    let (key, _) = db.scan_prefix(keys::JOBS).next().unwrap().unwrap();
    let chunk = db.tree().scan_prefix(keys::CHUNKS).keys().nth(2).unwrap().unwrap();
    db.tree().remove(chunk).unwrap();
    let value = db.get(&key).unwrap().unwrap();
    assert!(value.starts_with(b"#"), "{value:?}");
}

#[tokio::test]
async fn a_row_that_points_to_the_chunks_of_another_neither_shows_nor_removes_them() {
    let home = Home::new();
    let store = home.open();
    take(&store, [large(1, 3 * MOST_BYTES)]).await;
    let db = store.tables();
    let key = db.scan_prefix(keys::JOBS).keys().next().unwrap().unwrap();
    let pointer = db.tree().get(&key).unwrap().unwrap();
    for replacement in [Some("other"), None] {
        db.tree().insert("xcopied", pointer.clone()).unwrap();
        assert!(db.get("xcopied").unwrap().as_ref() == Some(&pointer), "it shows what is another row's");
        let mut batch = Batch::default();
        match replacement {
            Some(text) => batch.insert("xcopied", text),
            None => batch.remove("xcopied"),
        }
        db.apply_batch(batch).unwrap();
        assert_eq!(claim(&store).map(|lease| lease.job().clone()), Some(large(1, 3 * MOST_BYTES)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_has_large_rows_as_a_whole_while_they_come_and_go() {
    let home = Home::new();
    let (store, dump) = (home.open(), home.0.path().join("dump.jsonl"));
    take(&store, (0..20).map(|number| large(number, 20_000))).await;
    let (busy, beside) = (store.clone(), Arc::new(AtomicU64::new(0)));
    let gone = Arc::clone(&beside);
    let dumping = tokio::task::spawn_blocking(move || {
        let mut dumps = 0;
        while dumps < 10 || gone.load(Ordering::Relaxed) < 10 {
            dumps += 1;
            busy.dump(&dump, NOW).unwrap();
            let text = fs::read_to_string(&dump).unwrap();
            assert!(!text.contains("\"v\":\"#"), "a pointer was dumped");
            assert!(text.lines().count() > 12);
        }
    });
    let mut number = 20;
    while !dumping.is_finished() {
        take(&store, [large(number, 20_000)]).await;
        claim(&store).unwrap().settle(done(), NOW).await.unwrap();
        number += 1;
        beside.fetch_add(1, Ordering::Relaxed);
    }
    dumping.await.unwrap();
}

#[tokio::test]
async fn a_batch_that_is_too_much_for_one_step_goes_on_after_a_crash_in_the_middle() {
    let home = Home::new();
    let store = home.open();
    take(&store, (0..1500).map(|number| large(number, 50))).await;
    assert!(store.tables().get(keys::JOURNAL).unwrap().is_none(), "it is done");
    assert_eq!(chunks(&store).await, 0, "nor is anything of the journal left");
    // The crash: the journal is durable, and the first of its rows is written.
    let place = |sequence| JobKey { lane: lane("a"), sequence, part: 0 };
    let mut rows = Writes::default();
    for sequence in 0..1500 {
        rows.remove(&place(sequence + 1).key());
        rows.insert(&place(sequence + 5000).key(), &rows::write(&JobRow::new(named_job(&sequence.to_string()), NOW)));
    }
    rows.insert(keys::SEQUENCE, b"6500");
    let db = store.tables();
    db.insert(keys::JOURNAL, rows.encode()).unwrap();
    db.insert(place(5000).key(), rows::write(&JobRow::new(named_job("0"), NOW))).unwrap();
    let dump = home.0.path().join("dump.jsonl");
    store.dump(&dump, NOW).unwrap();
    assert!(!fs::read_to_string(dump).unwrap().contains(&hex::hex(keys::JOURNAL)), "a dump does not go on with it");
    drop(db);
    store.close().await.unwrap();
    let store = home.open();
    assert!(store.tables().get(keys::JOURNAL).unwrap().is_none());
    let names: Vec<_> = (0..1500).map(|number: i32| number.to_string()).collect();
    let lease = claim(&store).unwrap();
    let behind = lease.behind(usize::MAX).unwrap();
    let found: Vec<_> = std::iter::once(lease.job()).chain(behind.iter().map(|(job, _)| job)).map(name).collect();
    assert_eq!(found, names);
    push(&store, &lane("b"), &["next"]).await;
    assert_eq!(store.next_mark().await.unwrap(), 6501);
    assert_eq!(chunks(&store).await, 0);
}
