//! What can be seen of the running bridge: its state, for people and probes, and its counters.
//!
//! Everybody may write here; only the operator's listener reads. Labels hold names of sources and kinds, never a
//! customer's data.

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
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
mod notes;

use bypass::Bypass;
pub use bypass::Bypassed;
pub use notes::Note;
use notes::Notes;

/// How the polling of one bot goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polling {
    Starting,
    /// The last poll was answered.
    Working,
    /// It fails, and time will heal it.
    Failing(String),
    /// It fails until somebody does something.
    Stopped(String),
}

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge>;

/// State and counters of one bridge.
#[derive(Debug)]
pub struct Metrics {
    bots: DashMap<SourceId, Polling>,
    paused: DashMap<Route, String>,
    kommo: Mutex<Option<String>>,
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
    /// Why the channel is not connected.
    unconnected: Mutex<Option<String>>,
    /// Why hooks go elsewhere, as far as connecting the channel has shown.
    elsewhere: Mutex<Option<String>>,
    /// When a hook was last refused because nothing could be stored.
    store_down_at: Mutex<Option<UnixMillis>>,
    notes: Notes,
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
            paused: DashMap::new(),
            kommo: Mutex::new(None),
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
            unconnected: Mutex::default(),
            elsewhere: Mutex::default(),
            store_down_at: Mutex::default(),
            notes: Notes::default(),
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

    /// Whether something stands between us and Kommo.
    #[must_use]
    pub fn is_kommo_away(&self) -> bool {
        self.kommo.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Notes what stands between us and Kommo; `None` if nothing does.
    pub fn between(&self, trouble: Option<String>) {
        *self.kommo.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Notes how a bot's polling goes, and tells whether that is news.
    pub fn polling(&self, source: &SourceId, state: Polling) -> bool {
        self.bots.insert(source.clone(), state.clone()) != Some(state)
    }

    /// Notes that a route has paused, and why, or that it has not. Tells whether that is news.
    pub fn paused(&self, route: &Route, why: Option<String>) -> bool {
        match why {
            Some(why) => self.paused.insert(route.clone(), why).is_none(),
            None => self.paused.remove(route).is_some(),
        }
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

    /// Notes why the channel is not connected to the account, as far as nothing else tells; `None` if it is.
    pub fn unconnected(&self, why: Option<String>) {
        *self.unconnected.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Notes that the channel is connected to another account than the one that is served. A message that Kommo takes
    /// says nothing of where its hooks go, so this stays.
    pub fn connected_elsewhere(&self, why: String) {
        *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
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
            self.note(Note::Hooks, None);
        }
        was_told
    }

    /// Puts a note where the operator sees it, or takes it away. Tells whether there was one.
    pub fn note(&self, note: Note, text: Option<String>) -> bool {
        self.notes.put(note, text).is_some()
    }

    /// Notes why Kommo's history cannot be read, or that it can.
    pub fn unread(&self, why: Option<String>) {
        self.note(Note::Unread, why);
    }

    /// Why Kommo's history cannot be read, if it was asked for and could not be.
    #[must_use]
    pub fn why_unread(&self) -> Option<String> {
        self.notes.of(&Note::Unread)
    }

    /// Notes that the data directory has gone back in time, and what is to be done.
    pub fn rewound(&self, advice: String) {
        self.rewound.inc();
        self.note(Note::Rewound, Some(advice));
    }

    /// What somebody has to look at although the bridge is ready.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        self.notes.advice()
    }

    /// Why the bridge is not ready, one line per reason; empty if it is.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let bots = self.bots.iter().filter_map(|bot| match bot.value() {
            Polling::Working => None,
            Polling::Starting => Some(format!("bot {}: no answer from Telegram yet", bot.key())),
            Polling::Failing(why) | Polling::Stopped(why) => Some(format!("bot {}: {why}", bot.key())),
        });
        let paused = self.paused.iter().map(|entry| format!("{} has paused: {}", entry.key(), entry.value()));
        let kommo = self.kommo.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unconnected = self.unconnected.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let kommo = [kommo, unconnected, elsewhere].into_iter().flatten().map(|why| format!("kommo: {why}"));
        let mut lines: Vec<_> = bots.chain(paused).chain(kommo).collect();
        lines.sort();
        lines
    }

    /// Whether we seem to be cut off: Kommo does not answer as it should, or no bot is polled and not all for reasons
    /// of their own.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let is_failing = |state: &Polling| matches!(state, Polling::Failing(_));
        let is_down = |state: &Polling| matches!(state, Polling::Failing(_) | Polling::Stopped(_));
        let bots =
            self.bots.iter().all(|bot| is_down(bot.value())) && self.bots.iter().any(|bot| is_failing(bot.value()));
        bots || self.kommo.lock().unwrap_or_else(PoisonError::into_inner).is_some()
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
