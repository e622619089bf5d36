//! Claiming the head of a lane, and giving it back.

use std::fmt;

use tokio::time::Instant;

use crate::{
    domain::{
        job::{Job, Lane, Route},
        retry::Tries,
        time::UnixMillis,
    },
    store::{
        Class, Store, StoreError,
        index::Index,
        keys::{self, JobKey},
        lookup::Lookup,
        rows::{self, JobRow},
    },
};

/// The exclusive hold of a lane's head. Dropped without settling (a panic, a dropped task), it gives the lane back.
pub struct Lease {
    pub(super) store: Store,
    pub(super) place: JobKey,
    pub(super) row: JobRow,
    pub(super) settled: bool,
    /// When this job was claimed first in this run.
    pub(super) tried_at: Instant,
    /// When it can be claimed again, if it is given back without an end.
    pub(super) again_at: Option<UnixMillis>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Claims the head of the lane of `route` whose turn it is. One look at the index and one at the tree, however long
    /// the queue is. Lanes take turns, so a long one does not keep the others waiting. A head that cannot be read is
    /// set aside; its lane goes on once that is durable.
    pub fn claim(&self, route: &Route, now: UnixMillis) -> Result<Option<Lease>, StoreError> {
        self.claim_of(route, now, |_| true)
    }

    /// The same for the classes that `may` go: people before broadcasts.
    pub fn claim_of(
        &self,
        route: &Route,
        now: UnixMillis,
        may: impl Fn(Class) -> bool,
    ) -> Result<Option<Lease>, StoreError> {
        self.first_lease(|index| index.claim(route, now, &may))
    }

    /// Claims the head of a lane that has waited since `before` or longer.
    pub fn claim_older(&self, route: &Route, now: UnixMillis, before: Instant) -> Result<Option<Lease>, StoreError> {
        self.first_lease(|index| index.claim_older(route, now, before))
    }

    /// Claims the head of a lane out of its turn, unless it is claimed.
    pub(super) fn take(&self, lane: &Lane) -> Result<Option<Lease>, StoreError> {
        let taken = self.with_index(|index| index.take(lane));
        taken.map_or(Ok(None), |tried_at| self.lease(lane, tried_at))
    }

    /// The first of the heads that `claim` gives that can be read.
    fn first_lease(&self, claim: impl Fn(&mut Index) -> Option<(Lane, Instant)>) -> Result<Option<Lease>, StoreError> {
        while let Some((lane, tried_at)) = self.with_index(&claim) {
            if let Some(lease) = self.lease(&lane, tried_at)? {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }

    /// The lease of a claimed lane; `None` if its head is set aside, since it cannot be read.
    fn lease(&self, lane: &Lane, tried_at: Instant) -> Result<Option<Lease>, StoreError> {
        let Some((key, value)) = self.db()?.first(&keys::lane(lane), 1)?.pop() else {
            return Err(StoreError::Failed(format!("the lane {} has lost its jobs", lane.thread)));
        };
        let Some((place, row)) = JobKey::parse(&key).zip(rows::read(&key, &value)) else {
            self.set_aside(lane.clone(), &key)?;
            return Ok(None);
        };
        Ok(Some(Lease { store: self.clone(), place, row, settled: false, tried_at, again_at: None }))
    }
}

impl Store {
    /// Whether a job is in a lane, waiting or claimed.
    #[must_use]
    pub fn has(&self, lane: &Lane) -> bool {
        self.with_index(|index| index.has(lane))
    }

    /// Lets the head of a lane be tried at once instead of at its time.
    pub fn make_due(&self, lane: &Lane) {
        self.with_index(|index| index.make_due(lane));
    }
}

impl Lease {
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        &self.place.lane
    }

    /// What is to be done.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.row.job
    }

    /// The jobs that wait behind it in its lane, in order, with the instants at which they arrived; at most `limit`,
    /// and none behind one that cannot be read. While the lane is claimed, others join them at the end alone.
    pub fn behind(&self, limit: usize) -> Result<Vec<(Job, UnixMillis)>, StoreError> {
        let rows = behind(&self.store.db()?, &self.place, limit)?;
        Ok(rows.into_iter().map(|(_, row)| (row.job, row.enqueued_at)).collect())
    }

    /// How many attempts have failed so far.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.row.failed
    }

    /// What is known of earlier attempts.
    #[must_use]
    pub fn tries(&self) -> Tries {
        let is_first = self.row.failed == 0 && self.row.retry_at.is_none() && !self.is_left();
        Tries { failed: self.row.failed, is_first }
    }

    /// When this run first tried it; for a job that is claimed for its age, since when it could have been claimed.
    #[must_use]
    pub const fn tried_at(&self) -> Instant {
        self.tried_at
    }

    /// What kind of job it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class { is_bulk: self.row.is_bulk, is_file: self.row.job.has_file() }
    }

    /// A name for the message that no other has.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.place.lane.thread, self.place.sequence)
    }

    /// By which number `telekommo queue` knows it. The parts of one arrival share it.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.place.sequence
    }

    /// Whether an earlier run has left it.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.place.sequence < self.store.0.first_of_run
    }

    /// Whether it is sent again although it may have arrived.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        self.row.is_repeated
    }

    /// Gives it back as it is, to be claimed again at `at` by the clock that [`Store::claim`] is asked with.
    pub fn put_off(mut self, at: UnixMillis) {
        self.again_at = Some(at);
    }

    /// When it arrived; for a part, when the whole did.
    #[must_use]
    pub const fn enqueued_at(&self) -> UnixMillis {
        self.row.enqueued_at
    }
}

/// The first `limit` jobs behind the head of a lane, with their keys; none behind one that cannot be read.
pub(super) fn behind(db: &Lookup, head: &JobKey, limit: usize) -> Result<Vec<(Vec<u8>, JobRow)>, StoreError> {
    let rows = db.first(&keys::lane(&head.lane), limit.saturating_add(1))?.into_iter().skip(1);
    Ok(rows.map_while(|(key, value)| Some((key.to_vec(), rows::read(&key, &value)?))).collect())
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.settled {
            self.store.with_index(|index| index.returned(&self.place.lane, self.again_at));
        }
    }
}
