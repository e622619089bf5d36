//! The observable state of the running bridge: problems, and metrics. Every module may write here; the operator's side
//! reads. Labels contain names of sources and kinds, never a customer's data.

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
pub use calls::RemoteApi;
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

/// The state of polling one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polling {
    Starting,
    /// The last poll was answered.
    Working,
    /// It fails, and may recover by itself.
    Failing(String),
    /// It fails until a person does something.
    Stopped(BotProblem, String),
}

/// Measurements of the disk.
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
    /// Empty metrics.
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

    /// Records how a file was fetched, if it is a test file.
    pub(crate) fn fetched(&self, file_name: &str, fetch: Fetch) {
        self.fetches.add(file_name, fetch);
    }

    /// How a test file was fetched.
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

    /// A route's loop is alive.
    pub fn relay_alive(&self, route: &Route) {
        self.beats.insert(route.clone(), Instant::now());
    }

    /// A route's loop has ended. If another one has replaced it, that one reports soon.
    pub fn relay_stopped(&self, route: &Route) {
        self.beats.remove(route);
    }

    /// The routes whose loops have not reported for longer than `limit`.
    #[must_use]
    pub fn stalled(&self, limit: Duration) -> Vec<Route> {
        self.beats.iter().filter(|beat| beat.elapsed() > limit).map(|beat| beat.key().clone()).collect()
    }

    /// Sets the queue of one route.
    pub fn queue(&self, route: &Route, waiting: usize, oldest: Duration) {
        let of = labels([("route", &route.to_string())]);
        self.figures.waiting.get_or_create(&of).set(number(waiting as u64));
        self.figures.oldest_seconds.get_or_create(&of).set(number(oldest.as_secs()));
    }

    /// Sets how many messages are parked: those that need a person, and those whose author has been informed.
    pub fn parked(&self, for_person: usize, reported: usize) {
        self.figures.parked.set(number(for_person as u64));
        self.figures.reported.set(number(reported as u64));
    }

    /// Sets the progress of a program: how many updates wait for it and for how long, how many were dropped, and how
    /// many were withheld because a manager had written.
    pub fn program(&self, name: &str, waiting: usize, oldest: Duration, (dropped, withheld): (u64, u64)) {
        let of = labels([("program", name)]);
        self.figures.program_waiting.get_or_create(&of).set(number(waiting as u64));
        self.figures.program_oldest_seconds.get_or_create(&of).set(number(oldest.as_secs()));
        self.figures.program_dropped.get_or_create(&of).inner().store(dropped, Ordering::Relaxed);
        self.figures.program_withheld.get_or_create(&of).inner().store(withheld, Ordering::Relaxed);
    }

    /// Sets how many rows of the store could not be read.
    pub fn unreadable_rows(&self, count: u64) {
        self.figures.unreadable_rows.inner().store(count, Ordering::Relaxed);
    }

    /// Sets in how many conversations answers are held.
    pub fn held(&self, conversations: usize) {
        self.figures.held.set(number(conversations as u64));
    }

    /// Counts a customer's file that Kommo has asked for, and whether it got it.
    pub fn file(&self, source: &SourceId, is_served: bool) {
        let outcome = if is_served { "served" } else { "failed" };
        self.figures.files.get_or_create(&labels([("source", source.as_str()), ("outcome", outcome)])).inc();
    }

    /// Sets how much of the disk is used and free.
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

    /// Counts an answer that a comparison found although its hook should have arrived.
    pub fn answer_found(&self, written_at: UnixMillis) {
        self.figures.found_answers.inc();
        self.bypass.found(written_at);
    }

    /// How many such answers there were since the last hook, if that has not been reported yet.
    #[must_use]
    pub fn bypassed(&self) -> Option<Bypassed> {
        self.bypass.take_news()
    }

    /// A hook has arrived. Returns whether missing hooks had been reported to the operator.
    pub fn hook_came(&self) -> bool {
        let was_reported = self.bypass.hook_came();
        if was_reported {
            self.note(Cause::Hooks, None);
        }
        was_reported
    }
}

/// A gauge is signed.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
