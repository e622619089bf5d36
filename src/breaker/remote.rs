//! The way to one remote, shared by all who use it.

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
pub const PROBE_WITHIN: Duration = Duration::from_secs(3);
/// How long the answer to a probe is good for those who ask meanwhile.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Asks a remote for nothing but an answer.
type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync>;

/// Called when the remote breaks (with the reason) or is free again (without).
type Tell = Box<dyn Fn(Option<&Failure>) + Send + Sync>;

/// The way to one remote, shared by all who use it.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    name: String,
    probe: Probe,
    tell: Tell,
    state: Mutex<RemoteState>,
    /// One at a time asks whether the remote answers.
    asking: tokio::sync::Mutex<Option<(Instant, Result<(), Failure>)>>,
    changed: watch::Sender<u64>,
    /// How many routes are refused.
    refused: AtomicUsize,
    slowest: Duration,
    /// Whether a message may tell whether the remote answers, if the probe fails: it can be repeated.
    may_try: bool,
    is_retired: AtomicBool,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Remote {
    /// The remote `name`, which `probe` asks for an answer. `tell` is told when its way breaks and when it is free
    /// again. No two probes are further apart than `slowest`. Where messages can be repeated, one that `may_try` is
    /// sent now and then if only the probe fails.
    pub fn new<F>(
        name: impl Into<String>,
        (slowest, may_try): (Duration, bool),
        probe: impl Fn() -> F + Send + Sync + 'static,
        tell: impl Fn(Option<&Failure>) + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            name: name.into(),
            probe: Box::new(move || Box::pin(probe())),
            tell: Box::new(tell),
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            changed: watch::channel(0).0,
            refused: AtomicUsize::new(0),
            slowest,
            may_try,
            is_retired: AtomicBool::new(false),
        }))
    }

    /// A new `Remote` replaces this one. It still answers its users, but no longer reports trouble.
    pub fn retire(&self) {
        (self.0.tell)(None);
        self.0.is_retired.store(true, Ordering::Relaxed);
    }

    fn show(&self, failure: Option<&Failure>) {
        if !self.0.is_retired.load(Ordering::Relaxed) {
            (self.0.tell)(failure);
        }
    }

    /// Whether both are the same way, not only to the same remote.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Told whenever what may be done has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Why the way is not free, if it is not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.with(|state| state.why().map(str::to_owned))
    }

    /// Probes the remote for as long as its way is broken. Never ends by itself.
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
            let asked_at = Instant::now();
            match self.ask().await {
                Ok(()) => self.clear(Instant::now()),
                Err(failure) => self.breaks(&failure, asked_at),
            }
        }
    }

    /// Whether the remote answers, now or a moment ago. One probe at a time; whoever asks meanwhile gets its answer.
    pub(super) async fn ask(&self) -> Result<(), Failure> {
        let asked_at = Instant::now();
        let mut last = self.0.asking.lock().await;
        if let Some((at, answer)) = &*last
            && *at + if answer.is_ok() { GOOD_FOR } else { Duration::ZERO } >= asked_at
        {
            return answer.clone();
        }
        let answer = within(PROBE_WITHIN, (self.0.probe)()).await;
        let answer = match answer.unwrap_or_else(|late| Err(Failure::transient(late.to_string()))) {
            // Whoever asks for patience answers.
            Err(Failure::Throttled { .. }) => Ok(()),
            answer => answer,
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    pub(super) fn clear(&self, now: Instant) {
        let outage = self.with(RemoteState::clear);
        if self.0.refused.load(Ordering::Relaxed) == 0 {
            self.show(None);
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
        self.show(Some(failure));
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

    /// A route of it is refused.
    pub(super) fn refuses(&self, failure: &Failure) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            remote = self.0.name,
            why = &*failure.why(),
            "refuses all messages: they wait until it takes one"
        );
        self.changed();
    }

    /// A route of it is not refused any more.
    pub(super) fn takes(&self) {
        self.0.refused.fetch_sub(1, Ordering::Relaxed);
        tracing::info!(remote = self.0.name, "takes messages again: sending what waited");
        self.changed();
    }

    /// A route of it that was refused is there no more.
    pub(super) fn replaced(&self) {
        self.0.refused.fetch_sub(1, Ordering::Relaxed);
        if self.trouble().is_none() {
            self.clear(Instant::now());
        }
    }

    /// Nothing is sent for the time that it asks for.
    pub(super) fn pause(&self, until: Instant) {
        if self.with(|state| state.pause(until)) {
            let wait = duration_in_words(until - Instant::now());
            tracing::warn!(remote = self.0.name, "too many requests (429): nothing is sent for {wait}");
        }
        self.changed();
    }

    /// Lets everybody know what stands in the way.
    pub(super) fn tell(&self, failure: &Failure) {
        self.show(Some(failure));
    }
}
