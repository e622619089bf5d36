//! The committer and the index, under every order in which threads may go on that a scheduler finds (shuttle).
//!
//! The committer is the real one: its file is a part of this module as well, where the threads are the scheduler's and
//! the transaction is one whose disk can fail. The index is the real one too. What is claimed is read and settled as
//! the store does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shuttle::{
    future::block_on,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

use self::{
    bridge::Bridge,
    committer::Committer,
    db::Batch,
    disk::{Disk, Row},
    threads::{Mutex, thread},
};
use super::{NOW, lane, model::cases};
use crate::store::{StoreError, index::Index};

mod bridge;
mod channel;
#[expect(clippy::duplicate_mod, reason = "that is what this test is about")]
#[path = "../committer.rs"]
mod committer;
mod disk;
mod write_txn;

mod index {
    pub(super) use crate::store::index::Index;
}

mod db {
    /// Changes that are made together.
    pub(super) type Batch = Vec<super::Row>;
}

mod threads {
    pub(super) use shuttle::{sync::Mutex, thread};

    pub(super) use super::channel as mpsc;
}

/// How many orders of threads are tried of each kind if nothing is said.
const ORDERS: u32 = 300;

/// Tries many orders of threads: any, and those in which few threads are held up at an inopportune moment.
fn try_orders(scenario: impl Fn() + Send + Sync + Clone + 'static) {
    let orders = usize::try_from(cases(ORDERS).cases).unwrap();
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        shuttle::Runner::new(scheduler, shuttle::Config::default()).run(scenario.clone());
    };
    run(Box::new(RandomScheduler::new(orders)));
    run(Box::new(PctScheduler::new(3, orders)));
}

/// Runs threads side by side until all have ended.
fn side_by_side(threads: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = threads.into_iter().map(thread::spawn).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Pushes two rows one after the other. Whoever is told that a row is stored finds it on the disk.
fn push_two(bridge: &Bridge, to: u8) {
    for number in 0..2 {
        let row = (to, number);
        match block_on(bridge.push(row)) {
            Ok(()) => assert!(bridge.disk.has(row), "{row:?} is acknowledged and not on the disk"),
            Err(error) => assert!(error.to_string().contains("the disk"), "{error}"),
        }
    }
}

#[test]
fn nobody_is_told_that_something_is_stored_before_it_is() {
    try_orders(|| {
        let bridge = Bridge::open(None);
        let pusher = |to: u8| -> Box<dyn FnOnce() + Send> {
            let bridge = bridge.clone();
            Box::new(move || push_two(&bridge, to))
        };
        let gone = bridge.clone();
        // One who asks, and does not wait for the answer.
        let asks: Box<dyn FnOnce() + Send> = Box::new(move || drop(gone.ask((9, 0)).unwrap()));
        side_by_side(vec![pusher(0), pusher(1), pusher(2), asks]);
        block_on(bridge.committer.close()).unwrap();
        assert_eq!(bridge.disk.rows().len(), 7, "whatever was asked for before the end is stored: {:?}", bridge.disk);
        assert_eq!(bridge.waiting(), 7, "and nothing else can be claimed");
        let flushes = bridge.committer.flushes();
        assert!((1..=7).contains(&flushes), "{flushes} flushes for 7 changes");
        assert!(block_on(bridge.push((0, 9))).is_err(), "a closed store takes nothing");
    });
}

#[test]
fn what_was_read_is_durable_once_that_was_waited_for() {
    try_orders(|| {
        let bridge = Bridge::open(None);
        let reader = |bridge: Bridge| -> Box<dyn FnOnce() + Send> {
            Box::new(move || {
                for _ in 0..4 {
                    if let Some(row) = bridge.disk.first(0, None) {
                        block_on(bridge.committer.until_durable()).unwrap();
                        assert!(bridge.disk.has(row), "{row:?} was read and is not durable");
                    }
                    thread::yield_now();
                }
            })
        };
        let pushing = bridge.clone();
        let push: Box<dyn FnOnce() + Send> = Box::new(move || push_two(&pushing, 0));
        side_by_side(vec![push, reader(bridge.clone()), reader(bridge.clone())]);
        block_on(bridge.committer.close()).unwrap();
    });
}

#[test]
fn a_flush_that_fails_is_told_to_all_who_wait_and_all_who_come() {
    for fails_at in 0..4 {
        try_orders(move || {
            let bridge = Bridge::open(Some(fails_at));
            let pusher = |to: u8| -> Box<dyn FnOnce() + Send> {
                let bridge = bridge.clone();
                Box::new(move || push_two(&bridge, to))
            };
            side_by_side(vec![pusher(0), pusher(1), pusher(2)]);
            let has_failed = bridge.disk.has_failed();
            assert_eq!(bridge.failed.get().is_some(), has_failed, "whoever looks knows that it has failed");
            assert_eq!(block_on(bridge.committer.close()).is_err(), has_failed);
            assert!(has_failed || bridge.disk.rows().len() == 6, "{:?}", bridge.disk);
            assert_eq!(bridge.waiting(), bridge.disk.rows().len(), "what can be claimed is durable: {:?}", bridge.disk);
            assert!(!bridge.disk.was_used_after_it_failed(), "what was not written then must not follow later");
            let why = block_on(bridge.push((0, 9))).unwrap_err().to_string();
            assert!(why.contains(if has_failed { "the disk" } else { "closed" }), "{why}");
        });
    }
}

#[test]
fn a_store_that_is_closed_meanwhile_answers_everybody() {
    try_orders(|| {
        let bridge = Bridge::open(None);
        let (pushing, closing) = (bridge.clone(), bridge.clone());
        let push: Box<dyn FnOnce() + Send> = Box::new(move || {
            if block_on(pushing.push((0, 0))).is_ok() {
                assert!(pushing.disk.has((0, 0)));
            }
        });
        let close = |bridge: Bridge| -> Box<dyn FnOnce() + Send> {
            Box::new(move || block_on(bridge.committer.close()).unwrap())
        };
        side_by_side(vec![push, close(closing.clone()), close(closing)]);
        assert_eq!(bridge.waiting(), bridge.disk.rows().len());
        assert!(bridge.failed.get().is_none(), "an end that is wanted is no failure");
    });
}

#[test]
fn a_lane_is_claimed_by_one_and_its_order_is_kept() {
    try_orders(|| {
        let bridge = Bridge::open(None);
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        let pusher = |to: u8| -> Box<dyn FnOnce() + Send> {
            let bridge = bridge.clone();
            Box::new(move || push_two(&bridge, to))
        };
        let worker = |gives_back: bool| -> Box<dyn FnOnce() + Send> {
            let (bridge, done) = (bridge.clone(), Arc::clone(&done));
            Box::new(move || {
                for round in 0..4 {
                    match bridge.claim() {
                        Some(lease) if gives_back && round == 1 => bridge.give_back(lease),
                        Some(lease) => {
                            let row = block_on(bridge.settle(lease));
                            done.lock().unwrap().push(row);
                        }
                        None => thread::yield_now(),
                    }
                }
            })
        };
        side_by_side(vec![pusher(0), pusher(1), worker(true), worker(false)]);
        while let Some(lease) = bridge.claim() {
            let row = block_on(bridge.settle(lease));
            done.lock().unwrap().push(row);
        }
        let done = done.lock().unwrap();
        let of =
            |to: u8| done.iter().filter(move |(lane, _)| *lane == to).map(|(_, number)| *number).collect::<Vec<_>>();
        assert_eq!((of(0), of(1)), (vec![0, 1], vec![0, 1]), "each once, and in order");
        assert_eq!((bridge.waiting(), bridge.disk.rows()), (0, BTreeSet::new()));
        block_on(bridge.committer.close()).unwrap();
    });
}
