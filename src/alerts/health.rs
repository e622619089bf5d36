//! The current problems, with those that have to be measured: the store, the disk, the clocks, the queues. `/ready`,
//! `/metrics`, the status page and the alerts use this, so all of them agree.

use std::{
    collections::VecDeque,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    clock,
    config::Config,
    domain::{
        amount::{counted, duration_in_words},
        job::Route,
        time::UnixMillis,
    },
    kommo::time::KommoTime,
    metrics::{Cause, Disk, Expected, Metrics, Problem, Totals},
    store::{Counts, Progress, Store, dumps, free_bytes},
};

/// The period of the share of failures.
const FAILURE_WINDOW: Duration = Duration::from_hours(1);
/// How often the totals are sampled for it.
const SAMPLE_EVERY: Duration = Duration::from_mins(1);
/// The fewest failures for which the share is meaningful.
const MIN_FAILURES: u64 = 5;

/// The limits beyond which something is a problem.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The greatest age of a waiting message.
    pub backlog_after: Duration,
    /// The greatest share of failed messages.
    pub failed_percent: u64,
    /// The least free space.
    pub disk_bytes: u64,
    /// The free space below which bots stop polling.
    pub reserve_bytes: u64,
    /// How long updates are kept for programs, and how many bytes they may take.
    pub kept: (Duration, u64),
}

impl Limits {
    const fn of(config: &Config) -> Self {
        Self {
            backlog_after: config.alerts.backlog_after,
            failed_percent: config.alerts.failed_percent,
            disk_bytes: config.alerts.disk_bytes,
            reserve_bytes: config.store.reserve_bytes,
            kept: (config.gateway.keep, config.gateway.max_bytes),
        }
    }
}

/// Checks one bridge.
pub struct Health {
    store: Store,
    metrics: Arc<Metrics>,
    data_dir: PathBuf,
    limits: Mutex<Limits>,
    /// The labels of its metrics.
    expected: Mutex<Expected>,
    time: OnceLock<KommoTime>,
    totals: Mutex<VecDeque<(Instant, Totals)>>,
}

impl Health {
    #[must_use]
    pub fn new(config: &Config, store: Store, metrics: Arc<Metrics>, expected: Expected) -> Self {
        let (limits, expected) = (Mutex::new(Limits::of(config)), Mutex::new(expected));
        let (time, totals) = (OnceLock::new(), Mutex::default());
        Self { expected, store, metrics, data_dir: config.data_dir.clone(), limits, time, totals }
    }

    /// Compares this machine's clock with Kommo's from now on.
    pub fn set_clock(&self, time: KommoTime) {
        // Set once, when there is a client for Kommo.
        self.time.get_or_init(|| time);
    }

    /// Applies the limits and labels of another configuration.
    pub fn change(&self, config: &Config, expected: Expected) {
        self.metrics.expect(&expected, clock::now());
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = Limits::of(config);
        for removed in self.expected().programs.difference(&expected.programs) {
            self.metrics.note(Cause::Program(removed.clone()), None);
        }
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = expected;
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics of this bridge.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// All current problems.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let (counts, now) = (self.store.counts(), clock::now());
        let disk = self.disk();
        let store = self.store.trouble();
        // A full disk is not reported as nearly full, too.
        self.metrics.note(Cause::Disk, disk.filter(|_| store.is_none()));
        self.metrics.note(Cause::Store, store);
        self.metrics.note(Cause::Clock, self.time.get().and_then(|time| time.objection(now)));
        self.metrics.note(Cause::Parked, parked(&counts));
        self.metrics.note(Cause::Backlog, self.backlog(&counts, now));
        self.metrics.note(Cause::Failures, self.failures());
        for program in self.store.programs() {
            let text = self.unconfirmed(&program, now);
            self.metrics.note(Cause::Program(program.name), text);
        }
        self.metrics.troubles()
    }

    /// Updates the metrics that are measured on demand.
    pub fn measure(&self) {
        let (counts, now) = (self.store.counts(), clock::now());
        for (route, queue) in &counts.routes {
            let oldest = queue.oldest_at.map(|at| at.until(now)).unwrap_or_default();
            self.metrics.queue(route, queue.waiting, oldest);
        }
        self.metrics.parked(counts.parked, counts.reported);
        self.metrics.unreadable_rows(counts.unreadable);
        for program in self.store.programs() {
            let oldest = program.oldest_at.map(|at| at.until(now)).unwrap_or_default();
            let missed = (program.dropped, program.withheld);
            self.metrics.program(&program.name, program.waiting, oldest, missed);
        }
        self.metrics.held(self.store.withheld());
        self.metrics.disk(self.room());
        // This records the problems, which are shown.
        drop(self.problems());
        self.metrics.show_troubles(&self.expected());
    }

    /// How much of the disk is used and free; 0 if that cannot be measured.
    #[must_use]
    pub fn room(&self) -> Disk {
        let (dumps_bytes, last_dump) = dumps(&dumps::dir(&self.data_dir)).unwrap_or_default();
        Disk {
            store_bytes: self.store.size_bytes().unwrap_or_default(),
            dumps_bytes,
            free_bytes: free_bytes(&self.data_dir).unwrap_or_default(),
            last_dump,
        }
    }

    /// The labels of the bridge.
    #[must_use]
    pub fn expected(&self) -> Expected {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn disk(&self) -> Option<String> {
        let Limits { disk_bytes, reserve_bytes, .. } = self.limits();
        let free = free_bytes(&self.data_dir).ok().filter(|free| *free < disk_bytes)?;
        let (free, reserve) = (free >> 20, reserve_bytes >> 20);
        Some(format!(
            "{free} MB are free, and below {reserve} MB (store.reserve_mb) bots stop polling: free some space"
        ))
    }

    fn backlog(&self, counts: &Counts, now: UnixMillis) -> Option<String> {
        let age = |at: UnixMillis| at.until(now);
        let oldest = counts.routes.iter().filter_map(|(route, queue)| Some((route, queue, age(queue.oldest_at?))));
        let (route, queue, age) =
            oldest.max_by_key(|(_, _, age)| *age).filter(|(_, _, age)| *age > self.limits().backlog_after)?;
        let to = match route {
            Route::Inbound => "to Kommo",
            Route::Outbound(_) => "to customers",
            Route::Status => "of delivery to Kommo",
            Route::Crm => "for the account",
            Route::Undeliverable => "without a conversation",
        };
        let jobs = counted(queue.waiting, "job");
        Some(format!(
            "{jobs} {to} ({route}) wait, the oldest for {}. The log says why: look for the route, and for what failed \
             and will be tried again",
            duration_in_words(age)
        ))
    }

    /// Whether unconfirmed updates of a program will be deleted unless a person acts.
    fn unconfirmed(&self, program: &Progress, now: UnixMillis) -> Option<String> {
        let (keep, max_bytes) = self.limits().kept;
        let age = program.oldest_at?.until(now);
        // Deletion depends on the size of all of them together.
        let is_beyond = age > keep / 2 || self.store.kept_bytes() > max_bytes / 2;
        is_beyond.then(|| {
            format!(
                "{} wait for it, the oldest for {}. After {} (gateway.keep), or when more than {} MB are waiting \
                 (gateway.max_mb), the oldest of the bot that has most are deleted. Start the program, or drop them with `telekommo programs \
                 skip {}`",
                counted(program.waiting, "update"),
                duration_in_words(age),
                duration_in_words(keep),
                max_bytes >> 20,
                program.name
            )
        })
    }

    /// Whether too many of the latest messages failed.
    fn failures(&self) -> Option<String> {
        let (now, totals) = (Instant::now(), self.metrics.totals());
        let mut samples = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        while samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= FAILURE_WINDOW) {
            samples.pop_front();
        }
        if samples.back().is_none_or(|(at, _)| now.duration_since(*at) >= SAMPLE_EVERY) {
            samples.push_back((now, totals));
        }
        let lately = samples.front().map(|(_, before)| totals.since(before))?;
        let (failed, all) = (lately.failed, lately.failed + lately.delivered);
        let are_too_many = failed >= MIN_FAILURES && failed * 100 > all * self.limits().failed_percent;
        are_too_many.then(|| {
            format!(
                "{failed} of {all} messages failed within the last hour. `telekommo parked list` shows those that are \
                 parked, with the reasons, and the log names all"
            )
        })
    }
}

/// The size of all dumps, and when the newest was written.
fn dumps(dir: &Path) -> io::Result<(u64, Option<UnixMillis>)> {
    let metadata_of = |dumps: Vec<(u64, PathBuf)>| {
        dumps.into_iter().map(|(_, file)| fs::metadata(file)).collect::<Result<Vec<_>, _>>()
    };
    let (files, kept) = (metadata_of(dumps::all(dir)?)?, metadata_of(dumps::before_upgrades(dir)?)?);
    let newest = files.last().map(|file| UnixMillis::from_seconds(file.mtime()));
    Ok((files.iter().chain(&kept).map(fs::Metadata::len).sum(), newest))
}

fn parked(counts: &Counts) -> Option<String> {
    let number = counts.parked;
    (number > 0).then(|| {
        let (are, need) = if number == 1 { ("is", "needs") } else { ("are", "need") };
        let messages = counted(number, "message");
        format!(
            "{messages} {are} set aside and {need} a person: `telekommo parked list` shows why. Retry or drop them \
             there"
        )
    })
}
