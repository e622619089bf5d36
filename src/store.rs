//! The durable queue, the links between both sides' ids, and the only place that knows sled.
//!
//! Everything lives in one tree under prefixed keys (`keys`), so that one batch is atomic by construction. A single
//! committer thread (`committer`) writes: it applies all waiting changes, flushes and syncs once for all of them, and
//! only then answers the callers. What may be claimed is in memory (`index`), one entry per lane, rebuilt on opening
//! and changed only after the commit.
//!
//! Some of sled is not used: its `flush_async` deadlocks with several callers, its `flush` is no fsync on Linux, its
//! `generate_id` skips numbers, and it opens as empty, without an error, if its snapshot is missing (`open`).

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::domain::{
    address::BotId,
    job::{IdempotencyKey, Job, Lane, Route},
    time::UnixMillis,
};

mod account;
mod attended;
mod avatar;
mod backfill;
mod bulk_loader;
mod chunks;
mod claim;
mod class;
mod committer;
mod compact;
mod customers;
pub mod data_dir;
mod db;
mod disk_space;
mod dump;
pub mod dumps;
pub mod durable;
mod erase;
mod error;
mod expire;
mod forget;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod hex;
mod imported;
mod index;
mod inspect;
mod kept;
mod keys;
mod known_up_to;
mod links;
mod lists;
mod lock;
mod lookup;
mod manager_initiated;
mod membership;
mod open;
mod park;
mod parked_list;
mod programs;
mod push;
mod questions;
mod reader;
mod rebuild;
mod restore;
mod rollback;
mod rows;
mod scan;
mod schema;
mod settle;
mod state_change;
mod table;
mod tables;
mod threads;
mod unread;
mod unreadable;
mod unreadable_jobs;
mod upgrade;
mod waiting;
mod watermark;
mod write_txn;
mod writes;

pub use self::{
    account::AccountFacts,
    backfill::{Backfilled, Missing},
    claim::Lease,
    class::Class,
    compact::Compaction,
    customers::HeldStart,
    disk_space::free_bytes,
    dump::DumpSummary,
    erase::Erased,
    error::{Remedy, StoreError},
    imported::{ImportedChat, ImportedMessage, Imports},
    inspect::DataDirState,
    kept::{Bounds, KeptUpdate, NewKept, Ranges},
    manager_initiated::{ManagerInitiated, OwnNumber},
    open::is_in,
    park::{Parked, ParkedId, Unparked},
    parked_list::ParkedSummary,
    programs::{Confirmed, ProgramRow, Progress, ServedProgram, Webhook},
    push::Pushed,
    restore::{RestoreSummary, former},
    rollback::RollbackOutcome,
    state_change::{Chat, StateChange},
    waiting::{NotChanged, Readiness, WaitingJob, WaitingLane},
    watermark::{IncompleteChat, KnownChat},
};
use self::{committer::Committer, index::Index, kept::SharedMemory, lookup::Lookup, reader::Reader};

/// Where a store is, and how long it keeps its rows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder that holds the database and its marker.
    pub dir: PathBuf,
    /// How much of the database is cached in memory.
    pub cache_bytes: u64,
    /// The free space that must be left on the disk for [`Store::has_room`].
    pub reserve_bytes: u64,
    /// How long a repeated update or hook is recognised.
    pub dedupe_for: Duration,
    /// How long the links between both sides' message ids are kept.
    pub links_for: Duration,
    /// How long a parked message that needs no person is kept.
    pub parked_for: Duration,
}

/// The store of one bridge. Clones are handles to the same store; one process has it open at a time.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    settings: Settings,
    reader: Reader,
    committer: Committer,
    index: Arc<Mutex<Index>>,
    kept: SharedMemory,
    /// The sequence of the first arrival of this process. Lower ones are from earlier processes.
    first_of_run: u64,
    /// Why there is no dump from before this version opened the store, if there should be one.
    undumped: Option<String>,
    /// Locked while a parked message goes back to its queue, and by a dump; see [`dump`].
    moving_back: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.0.settings.dir).finish_non_exhaustive()
    }
}

/// Arrivals that are stored in one commit.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// Jobs for the tails of their lanes.
    pub jobs: Vec<NewJob>,
    /// Where the next poll of a bot starts.
    pub offset: Option<(BotId, i64)>,
}

/// A job to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Recognises a repetition; `None` for a job that follows from another one.
    pub id: Option<IdempotencyKey>,
    /// The lane whose tail it joins.
    pub lane: Lane,
    pub job: Job,
}

/// How a claimed job ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done.
    Done {
        /// The jobs that follow from it, at the tails of other lanes.
        then: Vec<NewJob>,
        changes: Vec<StateChange>,
    },
    /// Its parts take its place in the lane, in this order. A part can be replaced by parts as well.
    Replace(Vec<Job>),
    /// Other jobs take its place and that of jobs behind it in its lane, in this order.
    Merge {
        /// How many of the jobs that [`Lease::behind`] returns, from the first on.
        behind: usize,
        /// The jobs that take their place.
        jobs: Vec<Job>,
    },
    /// It is tried again, and its lane waits for it.
    Retry {
        /// When, by the clock that [`Store::claim`] gets.
        at: UnixMillis,
        /// Whether this counts as a failed attempt.
        counts: bool,
        /// What happened.
        why: String,
    },
    /// It is tried again at once, although it may have been done. That is recorded, and happens once.
    Repeat,
    /// It is parked for a person, together with the parts of the same answer ([`Job::shares_answer`]) that are not done
    /// yet.
    Park {
        /// What happened.
        why: String,
        /// The jobs that follow from that, at the tails of other lanes.
        then: Vec<NewJob>,
        /// Whether it stays until a person retries or drops it. Otherwise its author has been informed of the failure,
        /// and it is removed after [`Settings::parked_for`].
        needs_person: bool,
    },
}

/// When a job can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At once.
    Now,
    /// When its next attempt is due.
    At(UnixMillis),
}

/// How much is in the store.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// The routes that have been used.
    pub routes: Vec<(Route, QueueCount)>,
    /// Parked messages that need a person.
    pub parked: usize,
    /// Parked messages whose authors have been informed of the failure. They expire.
    pub reported: usize,
    /// Rows that could not be read since the process started.
    pub unreadable: u64,
    /// How often data was synced to the disk.
    pub flushes: u64,
}

/// How much waits on one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCount {
    /// Jobs, including claimed ones.
    pub waiting: usize,
    /// When the oldest of them arrived, without those that wait for a set time.
    pub oldest_at: Option<UnixMillis>,
}

impl Store {
    /// Access to single rows, unless the store has failed or was closed.
    fn db(&self) -> Result<Lookup, StoreError> {
        self.0.reader.lookup()
    }

    fn with_index<T>(&self, act: impl FnOnce(&mut Index) -> T) -> T {
        act(&mut self.0.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the next job of a route can be claimed; `None` if no unclaimed job waits there.
    #[must_use]
    pub fn due(&self, route: &Route) -> Option<Due> {
        self.due_of(route, |_| true)
    }

    /// The same for the classes for which `may` is true.
    #[must_use]
    pub fn due_of(&self, route: &Route, may: impl Fn(Class) -> bool) -> Option<Due> {
        self.with_index(|index| index.due(route, may))
    }

    /// Whether anything is queued on a route, waiting or claimed.
    #[must_use]
    pub fn is_used(&self, route: &Route) -> bool {
        self.with_index(|index| index.is_used(route))
    }

    /// Sorts the jobs that are due at `now` by their arrival.
    pub fn sort(&self, route: &Route, now: UnixMillis) {
        self.with_index(|index| index.sorted(route, now));
    }

    /// Notified whenever a job of a route may have become claimable. Register interest before looking.
    #[must_use]
    pub fn woken(&self, route: &Route) -> Arc<Notify> {
        self.with_index(|index| index.woken(route))
    }

    /// The routes that have waiting jobs, including those of sources that are no longer configured.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let used = self.counts().routes.into_iter();
        used.filter(|(_, queue)| queue.waiting > 0).map(|(route, _)| route).collect()
    }

    /// How much is in the store.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (routes, parked, reported) = self.with_index(|index| (index.counts(), index.parked, index.reported));
        Counts { routes, parked, reported, unreadable: unreadable::count(), flushes: self.0.committer.flushes() }
    }

    /// Why there is no dump of the store as the former version left it, if there should be one.
    #[must_use]
    pub fn undumped(&self) -> Option<&str> {
        self.0.undumped.as_deref()
    }

    /// Why the store cannot be used, if it cannot.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        if let Err(error) = self.db() {
            return Some(error.to_string());
        }
        (!self.has_room()).then(|| "the disk is almost full: free some space".to_owned())
    }

    /// Returns when everything that can be read now is durable, which also proves that the committer runs.
    pub async fn until_durable(&self) -> Result<(), StoreError> {
        self.db()?;
        self.0.committer.until_durable().await
    }

    /// Makes everything durable and closes the store, so that another process can open it. Other handles fail
    /// afterwards.
    ///
    /// # Errors
    /// If the last commit fails.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = self.0.committer.close().await;
        self.0.reader.close();
        closed
    }
}

#[cfg(test)]
mod tests;
