//! What can be seen of the running bridge: its state, for people and probes, and its counters.
//!
//! Everybody may write here; only the operator's listener reads. Labels hold names of sources and kinds, never a
//! customer's data.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use dashmap::DashMap;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::time::Instant;

use crate::domain::{
    address::SourceId,
    job::{Lane, Route},
    time::UnixMillis,
};

mod bypass;
mod messages;
mod noted;
mod totals;
mod trouble;

use bypass::Bypass;
pub use bypass::Bypassed;
use totals::Tally;
pub use totals::Totals;
use trouble::Troubles;
pub use trouble::{BotTrouble, Cause, Trouble};

/// How the polling of one bot goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polling {
    Starting,
    /// The last poll was answered.
    Working,
    /// It fails, and time will heal it.
    Failing(String),
    /// It fails until somebody does something.
    Stopped(BotTrouble, String),
}

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;

/// State and counters of one bridge.
#[derive(Debug)]
pub struct Metrics {
    bots: DashMap<SourceId, Polling>,
    beats: DashMap<Route, Instant>,
    updates: Counters,
    hooks: Counters,
    jobs: Counters,
    kommo_calls: Counters,
    waiting: Gauges,
    oldest_seconds: Gauges,
    parked: Gauge,
    told: Gauge,
    unreadable_rows: Counter,
    held: Gauge,
    rewound: Counter,
    files: Counters,
    found_answers: Counter,
    bypass: Bypass,
    /// When a hook was last refused because nothing could be stored.
    store_down_at: Mutex<Option<UnixMillis>>,
    troubles: Troubles,
    tally: Tally,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A meter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("telekommo");
        let updates = registered(&mut registry, "updates", "Telegram updates stored");
        let hooks = registered(&mut registry, "hooks", "Kommo hooks answered");
        let jobs = registered(&mut registry, "jobs", "Jobs settled");
        let kommo_calls = registered(&mut registry, "kommo_calls", "Calls to the Chats API");
        let waiting = registered(&mut registry, "waiting_jobs", "Jobs in the queue");
        let oldest_seconds = registered(&mut registry, "oldest_job_seconds", "Age of the oldest job in the queue");
        let parked = registered(&mut registry, "parked_messages", "Messages set aside for a person");
        let told =
            registered(&mut registry, "told_messages", "Messages set aside whose authors were told that they failed");
        let unreadable_rows = registered(&mut registry, "unreadable_rows", "Rows of the store that could not be read");
        let held = registered(&mut registry, "held_conversations", "Conversations whose answers wait for older ones");
        let found_answers = registered(
            &mut registry,
            "found_answers",
            "Answers that a comparison found though their hooks should have come",
        );
        let files = registered(&mut registry, "files", "Customers' files that Kommo has asked for");
        let rewound =
            registered(&mut registry, "store_rewound", "How often the data directory was found to have gone back");
        Self {
            bots: DashMap::new(),
            beats: DashMap::new(),
            updates,
            hooks,
            jobs,
            kommo_calls,
            waiting,
            oldest_seconds,
            parked,
            told,
            unreadable_rows,
            held,
            rewound,
            files,
            found_answers,
            bypass: Bypass::default(),
            store_down_at: Mutex::default(),
            troubles: Troubles::default(),
            tally: Tally::default(),
            registry,
        }
    }

    /// Counts stored updates.
    pub fn updates(&self, source: &SourceId, taken: usize, known: usize) {
        let count = |outcome: &str, by: usize| {
            let labels = vec![("source", source.to_string()), ("outcome", outcome.to_owned())];
            self.updates.get_or_create(&labels).inc_by(by as u64);
        };
        count("stored", taken);
        count("known", known);
    }

    /// Counts an answered hook.
    pub fn hook(&self, outcome: &'static str) {
        self.hooks.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    /// Counts a settled job.
    pub fn job(&self, lane: &Lane, outcome: &'static str) {
        let labels = vec![("route", lane.route.to_string()), ("outcome", outcome.to_owned())];
        self.jobs.get_or_create(&labels).inc();
    }

    /// Counts a call to Kommo.
    pub fn kommo(&self, is_answered: bool) {
        let outcome = if is_answered { "answered" } else { "failed" };
        self.kommo_calls.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    /// A route's loop has come round.
    pub fn beat(&self, route: &Route) {
        self.beats.insert(route.clone(), Instant::now());
    }

    /// The routes whose loops have not come round for longer than `limit`.
    #[must_use]
    pub fn stalled(&self, limit: Duration) -> Vec<Route> {
        self.beats.iter().filter(|beat| beat.elapsed() > limit).map(|beat| beat.key().clone()).collect()
    }

    /// Notes the queue of one route.
    pub fn queue(&self, route: &Route, waiting: usize, oldest: Duration) {
        let labels = vec![("route", route.to_string())];
        self.waiting.get_or_create(&labels).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.oldest_seconds.get_or_create(&labels).set(i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX));
    }

    /// Notes how many messages are parked: those that need a person, and those whose authors were told.
    pub fn parked(&self, for_person: usize, told: usize) {
        self.parked.set(i64::try_from(for_person).unwrap_or(i64::MAX));
        self.told.set(i64::try_from(told).unwrap_or(i64::MAX));
    }

    /// Notes how many rows of the store could not be read so far.
    pub fn unreadable_rows(&self, count: u64) {
        self.unreadable_rows.inner().store(count, Ordering::Relaxed);
    }

    /// Notes in how many conversations answers are held.
    pub fn held(&self, conversations: usize) {
        self.held.set(i64::try_from(conversations).unwrap_or(i64::MAX));
    }

    /// Counts a customer's file that Kommo has asked for, and whether it got it.
    pub fn file(&self, source: &SourceId, is_served: bool) {
        for (outcome, is_so) in [("served", is_served), ("failed", !is_served)] {
            let labels = vec![("source", source.to_string()), ("outcome", outcome.to_owned())];
            // Both are there from the first file on, so that the first failure is an increase.
            self.files.get_or_create(&labels).inc_by(is_so.into());
        }
    }

    /// Counts an answer that a comparison found, although its hook should have come.
    pub fn answer_found(&self, written_at: UnixMillis) {
        self.found_answers.inc();
        self.bypass.found(written_at);
    }

    /// How many such answers there were since hooks came last, if that is news.
    #[must_use]
    pub fn bypassed(&self) -> Option<Bypassed> {
        self.bypass.news()
    }

    /// Notes that a hook has come. Tells whether the operator was told that none do.
    pub fn hook_came(&self) -> bool {
        let was_told = self.bypass.hook_came();
        if was_told {
            self.note(Cause::Hooks, None);
        }
        was_told
    }

    /// All counters in the text form of Prometheus (`OpenMetrics` 1.0).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail; were it to, what is there is better than nothing.
        encode(&mut text, &self.registry).unwrap_or_default();
        text
    }
}

fn registered<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests;
