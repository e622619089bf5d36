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

/// The exclusive claim to a lane's head. Dropped without settling (a panic, a dropped task), it gives the lane back.
pub struct Lease {
    pub(super) store: Store,
    pub(super) place: JobKey,
    pub(super) row: JobRow,
    pub(super) settled: bool,
    /// When this process first claimed the job.
    pub(super) tried_at: Instant,
    /// When it can be claimed again, if it is given back without being settled.
    pub(super) again_at: Option<UnixMillis>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Store {
    /// Claims the head of the next lane of `route`. It reads the index once and the tree once, however long the queue
    /// is. Lanes take turns, so a long one does not delay the others. A head that cannot be read is set aside; its lane
    /// goes on once that is durable.
    pub fn claim(&self, route: &Route, now: UnixMillis) -> Result<Option<Lease>, StoreError> {
        self.claim_of(route, now, |_| true)
    }

    /// The same for the classes for which `may` is true: people before broadcasts.
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

    /// Claims the head of a lane out of its turn, unless it is claimed already.
    pub(super) fn take(&self, lane: &Lane) -> Result<Option<Lease>, StoreError> {
        let claimed = self.with_index(|index| index.take(lane));
        claimed.map_or(Ok(None), |tried_at| self.lease(lane, tried_at))
    }

    /// The first readable head of those that `claim` returns.
    fn first_lease(&self, claim: impl Fn(&mut Index) -> Option<(Lane, Instant)>) -> Result<Option<Lease>, StoreError> {
        while let Some((lane, tried_at)) = self.with_index(&claim) {
            if let Some(lease) = self.lease(&lane, tried_at)? {
                return Ok(Some(lease));
            }
        }
        Ok(None)
    }

    /// The lease of a claimed lane; `None` if its head cannot be read and is set aside.
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

    /// Makes the head of a lane due now.
    pub fn make_due(&self, lane: &Lane) {
        self.with_index(|index| index.make_due(lane));
    }
}

impl Lease {
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        &self.place.lane
    }

    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.row.job
    }

    /// The jobs behind it in its lane, in order, with the instants at which they arrived; at most `limit`, and none
    /// behind one that cannot be read. While the lane is claimed, others join them only at the end.
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

    /// When this process first tried it; for a job that is claimed for its age, since when it could have been claimed.
    #[must_use]
    pub const fn tried_at(&self) -> Instant {
        self.tried_at
    }

    #[must_use]
    pub fn class(&self) -> Class {
        Class { is_bulk: self.row.is_bulk, is_file: self.row.job.has_file() }
    }

    /// A unique name of the message.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.place.lane.thread, self.place.sequence)
    }

    /// Its number in `telekommo queue`. The parts of one arrival share it.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.place.sequence
    }

    /// Whether it is from an earlier process.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.place.sequence < self.store.0.first_of_run
    }

    /// Whether it is sent again although it may have arrived.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        self.row.is_repeated
    }

    /// Gives it back unchanged, to be claimed again at `at` by the clock that [`Store::claim`] gets.
    pub fn put_off(mut self, at: UnixMillis) {
        self.again_at = Some(at);
    }

    /// When it arrived; for a part, when the whole arrived.
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
