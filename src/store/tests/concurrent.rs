//! Concurrent pushes and settlements that share commits, and callers that are dropped in the middle.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;

const LANES: usize = 5;
const PUSHERS: usize = 3;
const WORKERS: usize = 6;
const EACH: usize = 60;

/// Pushes numbered jobs to every lane in turn.
async fn push_all(store: Store, pusher: usize) {
    for number in 0..EACH {
        let to = lane(&(number % LANES).to_string());
        push(&store, &to, &[&format!("{pusher}/{number:04}")]).await;
    }
}

/// Works until nothing is left, and records what it finished. Some settlements are started and dropped, some leases are
/// dropped, some jobs become parts.
async fn work_off(store: Store, seed: u64, left: &AtomicUsize, done_names: &std::sync::Mutex<Vec<String>>) {
    let mut chance = fastrand::Rng::with_seed(seed);
    while left.load(Ordering::Acquire) > 0 {
        let Some(lease) = claim(&store) else {
            tokio::task::yield_now().await;
            continue;
        };
        let named = name(lease.job()).to_owned();
        match chance.u8(0..8) {
            0 => drop(lease),
            1 => drop(lease.settle(retry(NOW), NOW).await.unwrap()),
            2 if !named.contains('.') => {
                let parts = [format!("{named}.1"), format!("{named}.2")];
                left.fetch_add(1, Ordering::AcqRel);
                lease.settle(Outcome::Replace(parts.iter().map(|part| named_job(part)).collect()), NOW).await.unwrap();
            }
            ending => {
                done_names.lock().unwrap().push(format!("{}:{named}", lease.lane().thread));
                let mut settling = Box::pin(lease.settle(done(), NOW));
                let polled = futures_util::poll!(settling.as_mut());
                // The caller is dropped: a settlement that was started completes all the same.
                if ending > 4 && polled.is_pending() {
                    settling.await.unwrap();
                }
                left.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_out_of_order_however_many_work() {
    let home = Home::new();
    let store = home.open();
    let left = AtomicUsize::new(PUSHERS * EACH);
    let finished = std::sync::Mutex::new(Vec::new());
    let pushing = join_all((0..PUSHERS).map(|pusher| push_all(store.clone(), pusher)));
    let working = join_all((0..WORKERS).map(|seed| work_off(store.clone(), seed as u64, &left, &finished)));
    tokio::time::timeout(Duration::from_mins(1), futures_util::future::join(pushing, working)).await.expect("it ends");

    store.until_durable().await.unwrap();
    assert_eq!(store.counts().routes.iter().map(|(_, queue)| queue.waiting).sum::<usize>(), 0, "by the index");
    assert_eq!(store.tables().scan_prefix(keys::JOBS).count(), 0, "by the tree");
    let finished = finished.into_inner().unwrap();
    let unique: std::collections::BTreeSet<_> = finished.iter().collect();
    assert_eq!(unique.len(), finished.len(), "nothing is done twice");
    for (lane, pusher) in (0..LANES).flat_map(|lane| (0..PUSHERS).map(move |pusher| (lane, pusher))) {
        let of_one = |name: &&String| name.starts_with(&format!("{lane}:{pusher}/"));
        let names: Vec<_> = finished.iter().filter(of_one).collect();
        assert!(!names.is_empty() && names.is_sorted(), "lane {lane}, pusher {pusher}: {names:?}");
    }
}
