//! The waiting jobs for the operator, and parking them out of their turn.

use std::collections::BTreeMap;

use crate::{
    domain::{
        job::{Job, Lane, Route},
        time::UnixMillis,
    },
    store::{
        Outcome, ParkedId, Store, StoreError,
        db::Db,
        index::Upcoming,
        keys::{self, JobKey},
        rows::{self, JobRow},
        scan::scan,
    },
};

/// How many lanes are read at once while the index is locked.
const PAGE: usize = 500;

/// When the first job of a lane is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// As soon as a relay claims it.
    Now,
    /// It has failed before, and is tried again then.
    At(UnixMillis),
    /// A relay works on it.
    UnderWay,
    /// The lane is held: missing, older messages are searched first.
    Held,
}

/// A job that waits. Parts of one arrival share its number.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingJob {
    /// The number of its arrival.
    pub id: u64,
    pub since: UnixMillis,
    /// How often it has failed.
    pub attempts: u32,
    /// Its last failure.
    pub why: Option<String>,
    pub job: Job,
}

/// A lane with its first job; `None` if that cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingLane {
    pub lane: Lane,
    /// The number of the first job.
    pub id: u64,
    pub turn: Readiness,
    /// How many jobs there are, including the first.
    pub jobs: usize,
    pub first: Option<WaitingJob>,
}

/// Why a waiting message was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotChanged {
    /// No waiting message has this number.
    Missing,
    /// A relay works on it right now.
    UnderWay,
    /// It waits behind the one with this number.
    Behind(u64),
}

impl Store {
    /// The lanes for which `is_meant` is true, the oldest first: at most `limit`, behind the number `after`. Lanes for
    /// which `may` is false are not even read.
    pub async fn waiting_lanes(
        &self,
        after: Option<u64>,
        limit: usize,
        may: impl Fn(&Lane) -> bool + Send + 'static,
        is_meant: impl Fn(&WaitingLane) -> bool + Send + 'static,
    ) -> Result<Vec<WaitingLane>, StoreError> {
        let store = self.clone();
        self.0
            .reader
            .spawn_blocking(move |db| {
                let mut found = BTreeMap::new();
                for route in store.routes() {
                    let lanes = store.lanes_of(db, &route, after, |lane| may(lane));
                    for lane in lanes.filter(|lane| lane.as_ref().map_or(true, &is_meant)).take(limit) {
                        let lane = lane?;
                        found.insert(lane.id, lane);
                    }
                }
                Ok(found.into_values().take(limit).collect())
            })
            .await
    }

    /// The lanes of a route for which `may` is true, in the order of their first jobs.
    fn lanes_of<'a>(
        &'a self,
        db: &'a Db,
        route: &'a Route,
        mut after: Option<u64>,
        may: impl Fn(&Lane) -> bool + 'a,
    ) -> impl Iterator<Item = Result<WaitingLane, StoreError>> + 'a {
        let mut pages = std::iter::from_fn(move || {
            let page = self.with_index(|index| index.upcoming(route, after, PAGE));
            after = page.last().map(|upcoming| upcoming.id).or(after);
            (!page.is_empty()).then_some(page)
        });
        let mut page = Vec::<Upcoming>::new().into_iter();
        std::iter::from_fn(move || {
            loop {
                match page.next() {
                    Some(upcoming) => {
                        let lane = Lane { route: route.clone(), thread: upcoming.thread.to_string() };
                        if may(&lane) {
                            return Some(read(db, lane, &upcoming));
                        }
                    }
                    None => page = pages.next()?.into_iter(),
                }
            }
        })
    }

    /// The readable ones of the first `limit` jobs of a lane, in order.
    pub async fn waiting_in(&self, lane: Lane, limit: usize) -> Result<Vec<WaitingJob>, StoreError> {
        self.0
            .reader
            .spawn_blocking(move |db| {
                let rows = db.scan_prefix(keys::lane(&lane)).take(limit);
                let jobs = rows.map(|entry| entry.map(|(key, value)| job(&key, &value)).map_err(StoreError::from));
                Ok(jobs.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
            })
            .await
    }

    /// The lane in which the message with a number waits.
    pub async fn lane_of(&self, id: u64) -> Result<Option<Lane>, StoreError> {
        if let Some(lane) = self.with_index(|index| index.lane_of(id)) {
            return Ok(Some(lane));
        }
        self.0
            .reader
            .spawn_blocking(move |db| {
                for entry in scan(db, keys::JOBS) {
                    let (key, _) = entry?;
                    if let Some(place) = JobKey::parse(&key).filter(|place| place.sequence == id) {
                        return Ok(Some(place.lane));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Makes the message with a number due now.
    pub async fn try_now(&self, id: u64) -> Result<Result<(), NotChanged>, StoreError> {
        let Some(lane) = self.lane_of(id).await? else { return Ok(Err(NotChanged::Missing)) };
        Ok(match self.with_index(|index| index.first_of(&lane)) {
            None => Err(NotChanged::Missing),
            Some(first) if first.id != id => Err(NotChanged::Behind(first.id)),
            Some(Upcoming { turn: Readiness::UnderWay, .. }) => Err(NotChanged::UnderWay),
            Some(_) => {
                self.make_due(&lane);
                Ok(())
            }
        })
    }

    /// Parks the message with a number for a person, with all parts of the same answer. The lane goes on with those
    /// behind it.
    pub async fn park_waiting(
        &self,
        id: u64,
        why: &str,
        now: UnixMillis,
    ) -> Result<Result<ParkedId, NotChanged>, StoreError> {
        let Some(lane) = self.lane_of(id).await? else { return Ok(Err(NotChanged::Missing)) };
        match self.with_index(|index| index.first_of(&lane)) {
            None => return Ok(Err(NotChanged::Missing)),
            Some(first) if first.id != id => return Ok(Err(NotChanged::Behind(first.id))),
            Some(_) => {}
        }
        let Some(lease) = self.take(&lane)? else { return Ok(Err(NotChanged::UnderWay)) };
        // It may have been settled in between, and another one have become the head.
        if lease.place.sequence != id {
            return Ok(Err(NotChanged::Missing));
        }
        let parked = Outcome::Park { why: why.to_owned(), then: Vec::new(), needs_person: true };
        Ok(lease.settle(parked, now).await?.ok_or(NotChanged::Missing))
    }
}

fn read(db: &Db, lane: Lane, upcoming: &Upcoming) -> Result<WaitingLane, StoreError> {
    let row = db.scan_prefix(keys::lane(&lane)).next().transpose()?;
    let first = row.and_then(|(key, value)| job(&key, &value));
    Ok(WaitingLane { lane, id: upcoming.id, turn: upcoming.turn, jobs: upcoming.jobs, first })
}

fn job(key: &[u8], value: &[u8]) -> Option<WaitingJob> {
    let (place, row): (_, JobRow) = JobKey::parse(key).zip(rows::read(key, value))?;
    Some(WaitingJob { id: place.sequence, since: row.enqueued_at, attempts: row.failed, why: row.why, job: row.job })
}
