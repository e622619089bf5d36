//! The index of claimable jobs, in memory: one entry per lane that has jobs.
//!
//! It follows the tree: entries change after the commit. Leases exist only here, so a restart ends all of them. Nothing
//! here walks all lanes while others wait, except after an outage.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::Notify, time::Instant};

use crate::{
    domain::{
        job::{Lane, Route},
        time::UnixMillis,
    },
    store::{
        Class, Due, QueueCount,
        rows::{self, JobRow},
    },
};

mod queue;

use self::queue::Queue;
pub(super) use self::queue::Upcoming;

/// The head of a lane: what the index needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) retry_at: Option<UnixMillis>,
    pub(super) sequence: u64,
    pub(super) enqueued_at: UnixMillis,
    pub(super) class: Class,
}

impl Head {
    pub(super) fn new(sequence: u64, row: &JobRow) -> Self {
        let is_file = row.job.has_file();
        let class = Class { is_bulk: row.is_bulk, is_file };
        Self { retry_at: row.retry_at, sequence, enqueued_at: row.enqueued_at, class }
    }

    /// The head of a lane from an earlier process. It waits no longer, whatever the clock says.
    pub(super) fn left(sequence: u64, key: &[u8], value: &[u8]) -> Self {
        Self { retry_at: None, ..Self::of(sequence, key, value) }
    }

    /// The head under a key. One that cannot be read is due at once, so that a claim finds it out. It counts as the
    /// newest.
    pub(super) fn of(sequence: u64, key: &[u8], value: &[u8]) -> Self {
        let class = Class { is_bulk: false, is_file: false };
        let unreadable = Self { retry_at: None, sequence, enqueued_at: UnixMillis(i64::MAX), class };
        rows::read(key, value).map_or(unreadable, |row| Self::new(sequence, &row))
    }
}

#[derive(Debug, Default)]
pub(super) struct Index {
    routes: BTreeMap<Route, Queue>,
    /// Parked messages that need a person.
    pub(super) parked: usize,
    /// Parked messages that expire.
    pub(super) reported: usize,
}

impl Index {
    /// A job has joined a lane: as its head if the lane was empty, else behind what is there.
    pub(super) fn joined(&mut self, lane: &Lane, head: Head) {
        self.routes.entry(lane.route.clone()).or_default().joined(&lane.thread, head);
    }

    /// One more job is behind the head of a lane.
    pub(super) fn counted(&mut self, lane: &Lane) {
        if let Some(queue) = self.routes.get_mut(&lane.route) {
            queue.counted(&lane.thread);
        }
    }

    /// A claimed job was settled: `removed` jobs have left the lane, `added` have taken their place, and `head` is the
    /// first now.
    pub(super) fn settled(&mut self, lane: &Lane, removed: usize, added: usize, head: Option<Head>) {
        self.routes.entry(lane.route.clone()).or_default().settled(&lane.thread, (removed, added), head);
    }

    /// A lease was given back without settling: the head is as it was, and is not claimed before `at`.
    pub(super) fn returned(&mut self, lane: &Lane, at: Option<UnixMillis>) {
        if let Some(queue) = self.routes.get_mut(&lane.route) {
            queue.returned(&lane.thread, at);
        }
    }

    /// The head of a lane is due now, unless it is claimed.
    pub(super) fn make_due(&mut self, lane: &Lane) {
        if let Some(queue) = self.routes.get_mut(&lane.route) {
            queue.make_due(&lane.thread);
        }
    }

    /// Sorts the lanes that are due by the arrival of their heads.
    pub(super) fn sorted(&mut self, route: &Route, now: UnixMillis) {
        if let Some(queue) = self.routes.get_mut(route) {
            queue.sorted(now);
        }
    }

    /// Whether a job is on a route, waiting or claimed.
    pub(super) fn is_used(&self, route: &Route) -> bool {
        self.routes.get(route).is_some_and(|queue| queue.count().waiting > 0)
    }

    /// Whether a job is in a lane, waiting or claimed.
    pub(super) fn has(&self, lane: &Lane) -> bool {
        self.routes.get(&lane.route).is_some_and(|queue| queue.has(&lane.thread))
    }

    /// Claims the next lane of those for whose heads `may` is true. Returns it with the instant of its head's first
    /// attempt.
    pub(super) fn claim(
        &mut self,
        route: &Route,
        now: UnixMillis,
        may: impl Fn(Class) -> bool,
    ) -> Option<(Lane, Instant)> {
        let (thread, tried_at) = self.routes.get_mut(route)?.claim(now, may)?;
        Some((Lane { route: route.clone(), thread: thread.to_string() }, tried_at))
    }

    /// Claims a lane whose head has waited since `before` or longer and can be claimed.
    pub(super) fn claim_older(&mut self, route: &Route, now: UnixMillis, before: Instant) -> Option<(Lane, Instant)> {
        let (thread, since) = self.routes.get_mut(route)?.claim_older(now, before)?;
        Some((Lane { route: route.clone(), thread: thread.to_string() }, since))
    }

    /// Holds lanes of one route: jobs with the sequence `from` or a later one cannot be claimed until the lanes are
    /// released. A claimed job goes on. A lane that is held already stays held from its former sequence on, too.
    pub(super) fn hold(&mut self, route: &Route, threads: impl IntoIterator<Item = String>, from: u64) {
        self.routes.entry(route.clone()).or_default().hold(threads, from);
    }

    /// Ends the hold of a lane. Returns whether it withheld a job.
    pub(super) fn release_hold(&mut self, lane: &Lane) -> bool {
        self.routes.get_mut(&lane.route).is_some_and(|queue| queue.release_hold(&lane.thread))
    }

    /// The lanes that are held.
    pub(super) fn held(&self) -> Vec<Lane> {
        let lane = |route: &Route, thread: &str| Lane { route: route.clone(), thread: thread.to_owned() };
        self.routes.iter().flat_map(|(route, queue)| queue.held().map(move |thread| lane(route, thread))).collect()
    }

    /// How many lanes are held and have something to claim.
    pub(super) fn withheld(&self) -> usize {
        self.routes.values().map(Queue::withheld).sum()
    }

    /// Whether a lane is held and has something to claim.
    pub(super) fn is_withheld(&self, lane: &Lane) -> bool {
        self.routes.get(&lane.route).is_some_and(|queue| queue.is_withheld(&lane.thread))
    }

    /// Blocks claims while a wholly held, unleased lane is rewritten. Returns false if it is leased, not held, or
    /// already frozen.
    pub(super) fn freeze(&mut self, lane: &Lane) -> bool {
        self.routes.get_mut(&lane.route).is_some_and(|queue| queue.freeze(&lane.thread))
    }

    /// `added` jobs have been put into a frozen lane, and `head` is the first now. If it was released meanwhile, it can
    /// be claimed now.
    pub(super) fn thaw(&mut self, lane: &Lane, added: usize, head: Option<Head>) {
        self.routes.entry(lane.route.clone()).or_default().thaw(&lane.thread, added, head);
    }

    pub(super) fn due(&self, route: &Route, may: impl Fn(Class) -> bool) -> Option<Due> {
        self.routes.get(route)?.due(may)
    }

    pub(super) fn woken(&mut self, route: &Route) -> Arc<Notify> {
        self.routes.entry(route.clone()).or_default().woken()
    }

    /// The lanes of a route in the order of their heads, at most `limit` of those whose heads came after `after`.
    pub(super) fn upcoming(&self, route: &Route, after: Option<u64>, limit: usize) -> Vec<Upcoming> {
        self.routes.get(route).map(|queue| queue.upcoming(after, limit)).unwrap_or_default()
    }

    /// The first job of a lane.
    pub(super) fn first_of(&self, lane: &Lane) -> Option<Upcoming> {
        self.routes.get(&lane.route)?.first_of(&lane.thread)
    }

    /// The lane whose head has a number.
    pub(super) fn lane_of(&self, sequence: u64) -> Option<Lane> {
        let lane = |(route, queue): (&Route, &Queue)| {
            Some(Lane { route: route.clone(), thread: queue.thread_of(sequence)?.to_string() })
        };
        self.routes.iter().find_map(lane)
    }

    /// Claims a lane out of its turn, whatever it waits for. Returns the instant of its head's first attempt.
    pub(super) fn take(&mut self, lane: &Lane) -> Option<Instant> {
        self.routes.get_mut(&lane.route)?.take(&lane.thread)
    }

    pub(super) fn counts(&self) -> Vec<(Route, QueueCount)> {
        self.routes.iter().map(|(route, queue)| (route.clone(), queue.count())).collect()
    }
}

#[cfg(test)]
mod tests;
