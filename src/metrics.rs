//! What can be seen of the running bridge: its state, for people and probes, and its counters.
//!
//! Everybody may write here; only the operator's listener reads. Labels hold names of sources and kinds, never a
//! customer's data.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use dashmap::DashMap;
use tokio::time::Instant;

use crate::domain::{
    address::SourceId,
    job::{Lane, Route},
    time::UnixMillis,
};

mod bypass;
mod calls;
mod expected;
mod fetches;
mod figures;
mod hours;
mod messages;
mod noted;
mod problem;
mod recent;
mod text;
mod totals;

use bypass::Bypass;
pub use bypass::Bypassed;
pub use calls::Asked;
pub use expected::Expected;
use fetches::Fetches;
pub(crate) use fetches::{Fetch, TEST_FILE};
use figures::{Figures, labels};
use hours::Hours;
pub use hours::{Hour, Passed};
pub use messages::{DeliveryTimes, Direction};
use problem::Problems;
pub use problem::{BotProblem, Cause, Problem};
use recent::Recent;
pub use recent::{FailedLately, Fate};
pub use text::Form;
use totals::Tally;
pub use totals::Totals;

/// How the polling of one bot goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polling {
    Starting,
    /// The last poll was answered.
    Working,
    /// It fails, and time will heal it.
    Failing(String),
    /// It fails until somebody does something.
    Stopped(BotProblem, String),
}

/// What is measured of the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk {
    pub store_bytes: u64,
    pub dumps_bytes: u64,
    pub free_bytes: u64,
    /// When the newest dump was written.
    pub last_dump: Option<UnixMillis>,
}

/// State and counters of one bridge.
#[derive(Debug)]
pub struct Metrics {
    bots: DashMap<SourceId, Polling>,
    beats: DashMap<Route, Instant>,
    bypass: Bypass,
    /// When a hook was last refused because nothing could be stored.
    store_down_at: Mutex<Option<UnixMillis>>,
    troubles: Problems,
    tally: Tally,
    hours: Hours,
    recent: Recent,
    fetches: Fetches,
    figures: Figures,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that have counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bots: DashMap::new(),
            beats: DashMap::new(),
            bypass: Bypass::default(),
            store_down_at: Mutex::default(),
            troubles: Problems::default(),
            tally: Tally::default(),
            hours: Hours::default(),
            recent: Recent::default(),
            fetches: Fetches::default(),
            figures: Figures::new(),
        }
    }

    /// Notes how a file was fetched, if it is one of a test.
    pub(crate) fn fetched(&self, file_name: &str, fetch: Fetch) {
        self.fetches.add(file_name, fetch);
    }

    /// How the file of a test with this name was fetched.
    pub(crate) fn fetches(&self, file_name: &str) -> Vec<Fetch> {
        self.fetches.of(file_name)
    }

    /// Counts stored updates.
    pub fn updates(&self, source: &SourceId, taken: usize, known: usize) {
        for (outcome, by) in [("stored", taken), ("known", known)] {
            let of = labels([("source", source.as_str()), ("outcome", outcome)]);
            self.figures.updates.get_or_create(&of).inc_by(by as u64);
        }
    }

    /// Counts a poll that has ended.
    pub(crate) fn polled(&self, source: &SourceId, state: &Polling) {
        let outcome = match state {
            Polling::Starting | Polling::Working => "answered",
            Polling::Failing(_) => "failed",
            Polling::Stopped(..) => "stopped",
        };
        self.figures.polls.get_or_create(&labels([("source", source.as_str()), ("outcome", outcome)])).inc();
    }

    /// Counts an answered hook.
    pub fn hook(&self, outcome: &'static str) {
        self.figures.hooks.get_or_create(&labels([("outcome", outcome)])).inc();
    }

    /// Counts a settled job.
    pub fn job(&self, lane: &Lane, outcome: &'static str) {
        let of = labels([("route", &lane.route.to_string()), ("outcome", outcome)]);
        self.figures.jobs.get_or_create(&of).inc();
    }

    /// Counts a call to Kommo.
    pub fn kommo(&self, is_answered: bool) {
        let outcome = if is_answered { "answered" } else { "failed" };
        self.figures.kommo_calls.get_or_create(&labels([("outcome", outcome)])).inc();
    }

    /// A route's loop has come round.
    pub fn relay_alive(&self, route: &Route) {
        self.beats.insert(route.clone(), Instant::now());
    }

    /// A route's loop has ended. If another one does its jobs by now, that one comes round again soon.
    pub fn relay_stopped(&self, route: &Route) {
        self.beats.remove(route);
    }

    /// The routes whose loops have not come round for longer than `limit`.
    #[must_use]
    pub fn stalled(&self, limit: Duration) -> Vec<Route> {
        self.beats.iter().filter(|beat| beat.elapsed() > limit).map(|beat| beat.key().clone()).collect()
    }

    /// Notes the queue of one route.
    pub fn queue(&self, route: &Route, waiting: usize, oldest: Duration) {
        let of = labels([("route", &route.to_string())]);
        self.figures.waiting.get_or_create(&of).set(number(waiting as u64));
        self.figures.oldest_seconds.get_or_create(&of).set(number(oldest.as_secs()));
    }

    /// Notes how many messages are parked: those that need a person, and those whose authors were told.
    pub fn parked(&self, for_person: usize, told: usize) {
        self.figures.parked.set(number(for_person as u64));
        self.figures.told.set(number(told as u64));
    }

    /// Notes how far a program has come: what waits for it, for how long, and what it will never get: what was dropped,
    /// and what was withheld for a manager's sake.
    pub fn program(&self, name: &str, waiting: usize, oldest: Duration, (dropped, withheld): (u64, u64)) {
        let of = labels([("program", name)]);
        self.figures.program_waiting.get_or_create(&of).set(number(waiting as u64));
        self.figures.program_oldest_seconds.get_or_create(&of).set(number(oldest.as_secs()));
        self.figures.program_dropped.get_or_create(&of).inner().store(dropped, Ordering::Relaxed);
        self.figures.program_withheld.get_or_create(&of).inner().store(withheld, Ordering::Relaxed);
    }

    /// Notes how many rows of the store could not be read so far.
    pub fn unreadable_rows(&self, count: u64) {
        self.figures.unreadable_rows.inner().store(count, Ordering::Relaxed);
    }

    /// Notes in how many conversations answers are held.
    pub fn held(&self, conversations: usize) {
        self.figures.held.set(number(conversations as u64));
    }

    /// Counts a customer's file that Kommo has asked for, and whether it got it.
    pub fn file(&self, source: &SourceId, is_served: bool) {
        let outcome = if is_served { "served" } else { "failed" };
        self.figures.files.get_or_create(&labels([("source", source.as_str()), ("outcome", outcome)])).inc();
    }

    /// Notes how much room is taken, and left.
    pub fn disk(&self, disk: Disk) {
        self.figures.store_bytes.set(number(disk.store_bytes));
        self.figures.dumps_bytes.set(number(disk.dumps_bytes));
        self.figures.free_bytes.set(number(disk.free_bytes));
        self.figures.last_dump.set(disk.last_dump.map_or(0, UnixMillis::seconds));
    }

    /// Counts a comparison with Kommo's history that has ended.
    pub fn compared(&self, outcome: &'static str) {
        self.figures.comparisons.get_or_create(&labels([("outcome", outcome)])).inc();
    }

    /// Counts a message to a target of alerts.
    pub fn alerted(&self, target: &str, is_sent: bool) {
        let outcome = if is_sent { "sent" } else { "failed" };
        self.figures.alerts.get_or_create(&labels([("target", target), ("outcome", outcome)])).inc();
    }

    /// Counts a call of the heartbeat.
    pub fn heartbeat_sent(&self, is_heard: bool) {
        let outcome = if is_heard { "heard" } else { "failed" };
        self.figures.heartbeats.get_or_create(&labels([("outcome", outcome)])).inc();
    }

    /// Counts an answer that a comparison found, although its hook should have come.
    pub fn answer_found(&self, written_at: UnixMillis) {
        self.figures.found_answers.inc();
        self.bypass.found(written_at);
    }

    /// How many such answers there were since hooks came last, if that is news.
    #[must_use]
    pub fn bypassed(&self) -> Option<Bypassed> {
        self.bypass.news()
    }

    /// Notes that a hook has come. Returns whether the operator was told that none do.
    pub fn hook_came(&self) -> bool {
        let was_told = self.bypass.hook_came();
        if was_told {
            self.note(Cause::Hooks, None);
        }
        was_told
    }
}

/// A gauge has a sign.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
