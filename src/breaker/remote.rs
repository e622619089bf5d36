//! The connection to one remote, shared by all its users.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    breaker::remote_state::RemoteState,
    domain::{amount::duration_in_words, retry::Failure},
    rate_limit::within,
};

/// How long a probe may take.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the result of a probe is valid for other callers.
const ANSWER_VALID_FOR: Duration = Duration::from_secs(1);

/// Sends a probe to a remote.
type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync>;

/// Called when the connection breaks (with the reason) or works again (without).
type Report = Box<dyn Fn(Option<&Failure>) + Send + Sync>;

/// The connection to one remote, shared by all its users.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    name: String,
    probe: Probe,
    report: Report,
    state: Mutex<RemoteState>,
    /// The last probe and its result. Locked during a probe: there is one at a time.
    last_probe: tokio::sync::Mutex<Option<(Instant, Result<(), Failure>)>>,
    changed: watch::Sender<u64>,
    /// How many routes are refused.
    refused: AtomicUsize,
    slowest: Duration,
    /// Whether a message may be tried if the probe fails: messages to this remote can be repeated.
    may_try: bool,
    is_retired: AtomicBool,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Remote {
    /// The remote `name` with its `probe`. `report` is called when its connection breaks and when it works again. No
    /// two probes are further apart than `slowest`. If `may_try`, since its messages can be repeated, one message is
    /// tried now and then while only the probe fails.
    pub fn new<F>(
        name: impl Into<String>,
        (slowest, may_try): (Duration, bool),
        probe: impl Fn() -> F + Send + Sync + 'static,
        report: impl Fn(Option<&Failure>) + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            name: name.into(),
            probe: Box::new(move || Box::pin(probe())),
            report: Box::new(report),
            state: Mutex::default(),
            last_probe: tokio::sync::Mutex::default(),
            changed: watch::channel(0).0,
            refused: AtomicUsize::new(0),
            slowest,
            may_try,
            is_retired: AtomicBool::new(false),
        }))
    }

    /// A new `Remote` replaces this one. It still serves its users, but no longer reports problems.
    pub fn retire(&self) {
        (self.0.report)(None);
        self.0.is_retired.store(true, Ordering::Relaxed);
    }

    /// Reports why the connection is broken, or that it works.
    pub(super) fn report(&self, failure: Option<&Failure>) {
        if !self.0.is_retired.load(Ordering::Relaxed) {
            (self.0.report)(failure);
        }
    }

    /// Whether both are handles to the same connection, not only to the same remote.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Notified whenever the gate may have changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Why the connection is broken, if it is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.with(|state| state.why().map(str::to_owned))
    }

    /// Probes the remote as long as its connection is broken. Never ends by itself.
    pub async fn attend(self) {
        let mut changes = self.changes();
        loop {
            let Some(at) = self.with(|state| state.probe_at()) else {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            };
            sleep_until(at).await;
            let started_at = Instant::now();
            match self.ask().await {
                Ok(()) => self.clear(Instant::now()),
                Err(failure) => self.breaks(&failure, started_at),
            }
        }
    }

    /// Whether the remote answers, now or a moment ago. There is one probe at a time; other callers get its result.
    pub(super) async fn ask(&self) -> Result<(), Failure> {
        let started_at = Instant::now();
        let mut last = self.0.last_probe.lock().await;
        if let Some((at, answer)) = &*last
            && *at + if answer.is_ok() { ANSWER_VALID_FOR } else { Duration::ZERO } >= started_at
        {
            return answer.clone();
        }
        let answer = within(PROBE_TIMEOUT, (self.0.probe)()).await;
        let answer = match answer.unwrap_or_else(|late| Err(Failure::transient(late.to_string()))) {
            // A remote that throttles answers.
            Err(Failure::Throttled { .. }) => Ok(()),
            answer => answer,
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    pub(super) fn clear(&self, now: Instant) {
        let outage = self.with(RemoteState::clear);
        if self.0.refused.load(Ordering::Relaxed) == 0 {
            self.report(None);
        }
        let Some(outage) = outage else { return };
        let lasted = duration_in_words(now - outage.since);
        tracing::info!(remote = self.0.name, "answers again after {lasted}: sending what waited");
        self.changed();
    }

    pub(super) fn breaks(&self, failure: &Failure, now: Instant) {
        let (slowest, chance) = (self.0.slowest, fastrand::f64());
        let is_doubtful = self.0.may_try && matches!(failure, Failure::Transient { .. });
        let is_news = self.with(|state| state.breaks(&failure.why(), now, (slowest, is_doubtful), chance));
        self.report(Some(failure));
        if is_news {
            let why = &*failure.why();
            if failure.may_pass() {
                tracing::warn!(remote = self.0.name, why, "does not answer: everything waits until it does");
            } else {
                tracing::error!(remote = self.0.name, why, "paused until somebody fixes this: everything waits");
            }
        }
        self.changed();
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut RemoteState) -> T) -> T {
        act(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn changed(&self) {
        self.0.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// The messages of a route are refused.
    pub(super) fn refuses(&self, failure: &Failure) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            remote = self.0.name,
            why = &*failure.why(),
            "refuses all messages: they wait until it takes one"
        );
        self.changed();
    }

    /// The messages of a route are not refused any more.
    pub(super) fn takes(&self) {
        self.0.refused.fetch_sub(1, Ordering::Relaxed);
        tracing::info!(remote = self.0.name, "takes messages again: sending what waited");
        self.changed();
    }

    /// A refused route has been replaced.
    pub(super) fn replaced(&self) {
        self.0.refused.fetch_sub(1, Ordering::Relaxed);
        if self.trouble().is_none() {
            self.clear(Instant::now());
        }
    }

    /// Nothing is sent for the time that the remote requests.
    pub(super) fn pause(&self, until: Instant) {
        if self.with(|state| state.pause(until)) {
            let wait = duration_in_words(until - Instant::now());
            tracing::warn!(remote = self.0.name, "too many requests (429): nothing is sent for {wait}");
        }
        self.changed();
    }
}
