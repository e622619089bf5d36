//! What batches come to: in how many rows they are stored, and how much of the log they take.

use std::{fs, sync::Arc};

use super::{
    large::{MEBIBYTE, chunks, large},
    *,
};
use crate::{
    domain::{address::BotId, job::IdempotencyKey},
    store::{
        db::{Batch, Db},
        write_txn::MOST_UNSYNCED_BYTES,
        writes::{Prepared, Writes},
    },
};

/// A segment of sled's log; what is written between two syncs must be less.
const SEGMENT: usize = 512 * 1024;

#[tokio::test]
async fn updates_that_come_at_once_lie_in_no_chunks_and_each_is_taken_once() {
    let home = Home::new();
    let store = home.open();
    let bot = BotId(7);
    let job = |number: usize| {
        let id = Some(IdempotencyKey(format!("update {number}")));
        NewJob { id, lane: lane("a"), job: large(number, 1_000) }
    };
    // As a crash between two batches leaves it: the first ones are there, and the offset is not.
    store.push(Intake { jobs: (0..30).map(job).collect(), offset: None }, NOW).await.unwrap();
    for (taken, known) in [(70, 30), (0, 100)] {
        let jobs = (0..100).map(job).collect();
        let pushed = store.push(Intake { jobs, offset: Some((bot, 100)) }, NOW).await.unwrap();
        assert_eq!((pushed.taken, pushed.known, pushed.numbers.len()), (taken, known, 100));
    }
    // The last one is known, and may stand alone in the last batch: what came before it is durable all the same.
    let mut next = 100;
    for count in 1..40 {
        let flushes = store.counts().flushes;
        let jobs = (next..next + count).chain([0]).map(job).collect();
        let pushed = store.push(Intake { jobs, offset: None }, NOW).await.unwrap();
        assert_eq!((pushed.taken, pushed.known), (count, 1));
        assert!(store.counts().flushes > flushes, "{count} are not durable");
        next += count;
    }
    assert_eq!(chunks(&store).await, 0);
    store.close().await.unwrap();
    let store = home.open();
    assert_eq!(store.offset(bot).unwrap(), Some(100));
    let lease = claim(&store).unwrap();
    let behind = lease.behind(usize::MAX).unwrap();
    let found: Vec<_> = std::iter::once(lease.job()).chain(behind.iter().map(|(job, _)| job)).cloned().collect();
    assert_eq!(found, (0..next).map(|number| large(number, 1_000)).collect::<Vec<_>>());
}

/// Writes as the committer does, without its syncs, and returns how much of the log the largest step took, by the
/// estimate and by sled.
fn measured(db: &Db, batch: Batch) -> (usize, usize) {
    let Prepared { ahead, rows, .. } = db.prepare(batch).unwrap();
    let steps = ahead.into_iter().chain(rows.steps(MOST_UNSYNCED_BYTES / 2));
    let measure = |step: Writes| {
        let estimate = step.log_bytes();
        db.apply(step).unwrap();
        (estimate, db.tree().flush().unwrap())
    };
    steps.map(measure).max_by_key(|(_, written)| *written).unwrap()
}

#[test]
fn what_is_written_between_two_syncs_stays_below_a_segment() {
    let home = Home::new();
    let tree = sled::Config::new().path(home.0.path().join("tree")).flush_every_ms(None).open().unwrap();
    let lock = Arc::new(fs::File::open(home.0.path()).unwrap());
    let db = Db::new(tree, lock).unwrap();
    let (mut chance, mut over) = (fastrand::Rng::with_seed(7), Vec::new());
    for (rows, bytes) in [(1, MEBIBYTE), (100, 16_000), (100, 4_000), (400, 100), (100, 1_000), (16, 4_090), (1, 300)] {
        for _ in 0..6 {
            let mut batch = Batch::default();
            for _ in 0..rows {
                // Keys all over the tree are the worst: each row has a page of its own to be written.
                batch.insert(format!("j{:08}", chance.u32(..20_000)), vec![b'x'; bytes]);
            }
            let (estimate, written) = measured(&db, batch);
            if written >= SEGMENT {
                over.push(format!("{rows} rows of {bytes}: {written} bytes of log, estimated {estimate}"));
            }
        }
    }
    // Now and then sled moves pages of its own accord, which counts here.
    assert!(over.len() <= 1, "{over:?}");
}

#[test]
fn a_row_that_stays_as_it_is_is_not_written_again() {
    let tree = sled::Config::new().temporary(true).open().unwrap();
    let db = Db::new(tree, Arc::new(tempfile::tempfile().unwrap())).unwrap();
    db.insert("a", "as it is").unwrap();
    let mut batch = Batch::default();
    batch.insert("a", "as it is");
    batch.remove("absent");
    let prepared = db.prepare(batch.clone()).unwrap();
    assert_eq!((prepared.rows, prepared.dead), (Writes::default(), Vec::new()));
    batch.insert("a", "otherwise");
    let mut rows = Writes::default();
    rows.insert(b"a", b"otherwise");
    assert_eq!(db.prepare(batch).unwrap().rows, rows);
}
