//! What may be claimed, in memory: one entry per lane that has jobs.
//!
//! It follows the tree and never leads it: entries change after the commit. Leases live here alone, so a restart frees
//! everything.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use tokio::sync::Notify;

use crate::{
    domain::{
        time::UnixMillis,
        work::{Lane, Route},
    },
    store::{QueueCount, rows::JobRow},
};

/// The head of a lane: what the index needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) due_at: UnixMillis,
    pub(super) sequence: u64,
    pub(super) enqueued_at: UnixMillis,
}

impl Head {
    pub(super) const fn new(sequence: u64, row: &JobRow) -> Self {
        Self { due_at: row.due_at, sequence, enqueued_at: row.enqueued_at }
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    routes: BTreeMap<Route, Queue>,
    pub(super) parked: usize,
}

/// The lanes of one route.
#[derive(Debug, Default)]
struct Queue {
    lanes: HashMap<String, Waiting>,
    /// The lanes that nobody has claimed, by when they are due and then by arrival.
    free: BTreeSet<(UnixMillis, u64, String)>,
    woken: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    head: Head,
    jobs: usize,
    leased: bool,
}

impl Index {
    /// A job has joined a lane: as its head if the lane was empty, else behind what is there.
    pub(super) fn joined(&mut self, lane: &Lane, head: Head) {
        let queue = self.routes.entry(lane.route.clone()).or_default();
        if let Some(waiting) = queue.lanes.get_mut(&lane.thread) {
            waiting.jobs += 1;
            return;
        }
        queue.lanes.insert(lane.thread.clone(), Waiting { head, jobs: 1, leased: false });
        queue.release(&lane.thread, head);
    }

    /// One more job lies behind the head of a lane.
    pub(super) fn counted(&mut self, lane: &Lane) {
        let waiting = self.routes.get_mut(&lane.route).and_then(|queue| queue.lanes.get_mut(&lane.thread));
        if let Some(waiting) = waiting {
            waiting.jobs += 1;
        }
    }

    /// A claimed job was settled: `gone` jobs have left the lane, `came` have taken their place, and `head` is first now.
    pub(super) fn settled(&mut self, lane: &Lane, gone: usize, came: usize, head: Option<Head>) {
        let queue = self.routes.entry(lane.route.clone()).or_default();
        let Some(waiting) = queue.lanes.get_mut(&lane.thread) else { return };
        waiting.jobs = (waiting.jobs + came).saturating_sub(gone);
        waiting.leased = false;
        match head {
            Some(head) => {
                waiting.head = head;
                queue.release(&lane.thread, head);
            }
            None => {
                queue.lanes.remove(&lane.thread);
            }
        }
    }

    /// A lease was given back without settling: the head is as it was.
    pub(super) fn returned(&mut self, lane: &Lane) {
        let Some(queue) = self.routes.get_mut(&lane.route) else { return };
        let Some(waiting) = queue.lanes.get_mut(&lane.thread) else { return };
        waiting.leased = false;
        let head = waiting.head;
        queue.release(&lane.thread, head);
    }

    /// Claims the lane that has been due the longest.
    pub(super) fn claim(&mut self, route: &Route, now: UnixMillis) -> Option<Lane> {
        let queue = self.routes.get_mut(route)?;
        if queue.free.first()?.0 > now {
            return None;
        }
        let (_, _, thread) = queue.free.pop_first()?;
        if let Some(waiting) = queue.lanes.get_mut(&thread) {
            waiting.leased = true;
        }
        Some(Lane { route: route.clone(), thread })
    }

    pub(super) fn due_at(&self, route: &Route) -> Option<UnixMillis> {
        self.routes.get(route)?.free.first().map(|(due_at, ..)| *due_at)
    }

    pub(super) fn woken(&mut self, route: &Route) -> Arc<Notify> {
        Arc::clone(&self.routes.entry(route.clone()).or_default().woken)
    }

    pub(super) fn counts(&self) -> Vec<(Route, QueueCount)> {
        self.routes.iter().map(|(route, queue)| (route.clone(), queue.count())).collect()
    }
}

impl Queue {
    fn release(&mut self, thread: &str, head: Head) {
        self.free.insert((head.due_at, head.sequence, thread.to_owned()));
        self.woken.notify_one();
    }

    fn count(&self) -> QueueCount {
        QueueCount {
            waiting: self.lanes.values().map(|lane| lane.jobs).sum(),
            oldest_at: self.lanes.values().map(|lane| lane.head.enqueued_at).min(),
        }
    }
}
