//! What may be claimed, in memory: one entry per lane that has jobs.
//!
//! It follows the tree and never leads it: entries change after the commit. Leases live here alone, so a restart frees
//! everything.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    domain::{
        time::UnixMillis,
        work::{Lane, Route},
    },
    store::{Due, QueueCount, rows::JobRow},
};

/// The head of a lane: what the index needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) retry_at: Option<UnixMillis>,
    pub(super) sequence: u64,
    pub(super) enqueued_at: UnixMillis,
}

impl Head {
    pub(super) const fn new(sequence: u64, row: &JobRow) -> Self {
        Self { retry_at: row.retry_at, sequence, enqueued_at: row.enqueued_at }
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
    /// The lanes that can be claimed, in turn: whoever has been served goes to the end.
    ready: VecDeque<String>,
    /// The lanes whose heads are to be tried again, by when and then by arrival.
    later: BTreeSet<(UnixMillis, u64, String)>,
    /// The lanes of which nothing can be claimed that has this sequence or a later one.
    held: HashMap<String, u64>,
    /// The lanes whose order is being written anew: whatever is let go of meanwhile, nothing of them can be claimed.
    frozen: HashSet<String>,
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

    /// The head of a lane need not wait for its next try. One that is claimed is tried already.
    pub(super) fn hurried(&mut self, lane: &Lane) {
        let Some(queue) = self.routes.get_mut(&lane.route) else { return };
        let Some(waiting) = queue.lanes.get_mut(&lane.thread) else { return };
        let Some(retry_at) = waiting.head.retry_at else { return };
        if queue.later.remove(&(retry_at, waiting.head.sequence, lane.thread.clone())) {
            waiting.head.retry_at = None;
            let head = waiting.head;
            queue.release(&lane.thread, head);
        }
    }

    /// Whether a job is in a lane, waiting or claimed.
    pub(super) fn has(&self, lane: &Lane) -> bool {
        self.routes.get(&lane.route).is_some_and(|queue| queue.lanes.contains_key(&lane.thread))
    }

    /// Claims the lane whose turn it is.
    pub(super) fn claim(&mut self, route: &Route, now: UnixMillis) -> Option<Lane> {
        let queue = self.routes.get_mut(route)?;
        queue.wake(now);
        let thread = queue.ready.pop_front()?;
        if let Some(waiting) = queue.lanes.get_mut(&thread) {
            waiting.leased = true;
        }
        Some(Lane { route: route.clone(), thread })
    }

    /// Holds lanes of one route: what has the sequence `from` or a later one cannot be claimed until they are let go.
    /// What is claimed already goes on.
    pub(super) fn hold(&mut self, route: &Route, threads: impl IntoIterator<Item = String>, from: u64) {
        let queue = self.routes.entry(route.clone()).or_default();
        let mut withheld = HashSet::new();
        for thread in threads {
            if let Some(waiting) = queue.lanes.get(&thread).filter(|waiting| waiting.head.sequence >= from) {
                if let Some(retry_at) = waiting.head.retry_at {
                    queue.later.remove(&(retry_at, waiting.head.sequence, thread.clone()));
                }
                withheld.insert(thread.clone());
            }
            queue.held.insert(thread, from);
        }
        queue.ready.retain(|thread| !withheld.contains(thread));
    }

    /// Ends the hold of a lane. Tells whether something was withheld by it.
    pub(super) fn let_go(&mut self, lane: &Lane) -> bool {
        let Some(queue) = self.routes.get_mut(&lane.route) else { return false };
        let Some(from) = queue.held.remove(&lane.thread) else { return false };
        let Some(waiting) = queue.lanes.get(&lane.thread) else { return false };
        let (head, withheld) = (waiting.head, !waiting.leased && waiting.head.sequence >= from);
        if withheld {
            queue.release(&lane.thread, head);
        }
        withheld
    }

    /// The lanes that are held.
    pub(super) fn held(&self) -> Vec<Lane> {
        let lane = |route: &Route, thread: &String| Lane { route: route.clone(), thread: thread.clone() };
        self.routes.iter().flat_map(|(route, queue)| queue.held.keys().map(move |thread| lane(route, thread))).collect()
    }

    /// The lanes that are held and have something to claim.
    pub(super) fn withheld(&self) -> Vec<Lane> {
        let waits = |lane: &Lane| {
            self.routes.get(&lane.route).is_some_and(|queue| {
                let from = queue.held.get(&lane.thread);
                let waiting = queue.lanes.get(&lane.thread).filter(|waiting| !waiting.leased);
                waiting.zip(from).is_some_and(|(waiting, from)| waiting.head.sequence >= *from)
            })
        };
        self.held().into_iter().filter(waits).collect()
    }

    /// Freezes a lane of which nothing can be claimed, and nothing is: until it is thawed, that stays so. Tells whether it
    /// is such a lane, and nobody else has frozen it.
    pub(super) fn freeze(&mut self, lane: &Lane) -> bool {
        let Some(queue) = self.routes.get_mut(&lane.route) else { return false };
        let is_leased = queue.lanes.get(&lane.thread).is_some_and(|waiting| waiting.leased);
        let is_still = queue.held.get(&lane.thread) == Some(&0) && !is_leased;
        is_still && queue.frozen.insert(lane.thread.clone())
    }

    /// `came` jobs have been put into a frozen lane, and `head` is first now. If it was let go of meanwhile, it can be
    /// claimed from here on.
    pub(super) fn thaw(&mut self, lane: &Lane, came: usize, head: Option<Head>) {
        let queue = self.routes.entry(lane.route.clone()).or_default();
        queue.frozen.remove(&lane.thread);
        if let Some(head) = head.filter(|_| came > 0) {
            let waiting = Waiting { head, jobs: 0, leased: false };
            let waiting = queue.lanes.entry(lane.thread.clone()).or_insert(waiting);
            waiting.jobs += came;
            waiting.head = head;
        }
        if let Some(head) = queue.lanes.get(&lane.thread).map(|waiting| waiting.head) {
            queue.release(&lane.thread, head);
        }
    }

    pub(super) fn due(&self, route: &Route) -> Option<Due> {
        let queue = self.routes.get(route)?;
        let later = || queue.later.first().map(|(retry_at, ..)| Due::At(*retry_at));
        if queue.ready.is_empty() { later() } else { Some(Due::Now) }
    }

    pub(super) fn woken(&mut self, route: &Route) -> Arc<Notify> {
        Arc::clone(&self.routes.entry(route.clone()).or_default().woken)
    }

    pub(super) fn counts(&self) -> Vec<(Route, QueueCount)> {
        self.routes.iter().map(|(route, queue)| (route.clone(), queue.count())).collect()
    }
}

/// No wait is as long as this: the configuration allows 6 hours, and a fifth is added by chance. A retry that lies
/// further ahead was noted when the clock was wrong, and is due.
const BEYOND_ANY_WAIT: Duration = Duration::from_hours(8);

impl Queue {
    /// Makes ready whatever is due.
    fn wake(&mut self, now: UnixMillis) {
        while self.later.first().is_some_and(|(retry_at, ..)| *retry_at <= now) {
            self.ready.extend(self.later.pop_first().map(|(_, _, thread)| thread));
        }
        while self.later.last().is_some_and(|(retry_at, ..)| now.until(*retry_at) > BEYOND_ANY_WAIT) {
            self.ready.extend(self.later.pop_last().map(|(_, _, thread)| thread));
        }
    }

    fn release(&mut self, thread: &str, head: Head) {
        if self.frozen.contains(thread) || self.held.get(thread).is_some_and(|from| head.sequence >= *from) {
            return;
        }
        match head.retry_at {
            None => self.ready.push_back(thread.to_owned()),
            Some(retry_at) => {
                self.later.insert((retry_at, head.sequence, thread.to_owned()));
            }
        }
        self.woken.notify_one();
    }

    fn count(&self) -> QueueCount {
        QueueCount {
            waiting: self.lanes.values().map(|lane| lane.jobs).sum(),
            oldest_at: self.lanes.values().map(|lane| lane.head.enqueued_at).min(),
        }
    }
}
