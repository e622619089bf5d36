//! Whether the way to a remote is free. A remote that is away is a fact about the way and not about a message: while it is,
//! one probe after the other asks for nothing but an answer, and everything else waits without spending attempts.
//!
//! Two questions, two types. [`way`] knows whether the remote answers at all, by connections that do not come about and by
//! probes that concern no message. [`evidence`] knows whether messages of one route pass: where several fail one after the
//! other although the probe is answered, something refuses all of them, and where others pass, one message fails alone.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use crate::domain::retry::Failure;

mod evidence;
mod way;

use self::{evidence::Evidence, way::Way};

/// How long a probe may take.
pub const PROBE_WITHIN: Duration = Duration::from_secs(3);
/// How long the answer to a probe is good for those who ask meanwhile.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Asks a remote for nothing but an answer.
type Probe = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync>;

/// What is told when the way breaks (by what) or is free again (nothing).
type Tell = Box<dyn Fn(Option<&Failure>) + Send + Sync>;

/// The way to one remote, shared by all who use it.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    name: String,
    probe: Probe,
    tell: Tell,
    way: Mutex<Way>,
    /// One at a time asks whether the remote answers.
    asking: tokio::sync::Mutex<Option<(Instant, Result<(), Failure>)>>,
    changed: watch::Sender<u64>,
    slowest: Duration,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("name", &self.0.name).finish_non_exhaustive()
    }
}

/// What a route may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Whatever it likes.
    Free,
    /// One job, to see whether messages pass again.
    Trial,
    /// Nothing, since then.
    Shut(Instant),
}

/// How a call of a message ended, as far as the way is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The remote answered to it.
    Passed,
    /// It failed.
    Failed(Failure),
}

/// Whom a failure is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The message: it uses up one of its attempts.
    Message,
    /// The way, or nobody knows: no attempt is used up.
    Way,
}

impl Remote {
    /// The remote `name`, which `probe` asks for an answer. `tell` is told when its way breaks and when it is free again.
    /// No two probes are further apart than `slowest`.
    pub fn new<F>(
        name: impl Into<String>,
        slowest: Duration,
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
            way: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            changed: watch::channel(0).0,
            slowest,
        }))
    }

    /// Told whenever what may be done has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Why the way is not free, if it is not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.with(|way| way.why().map(str::to_owned))
    }

    /// Waits until the way is free.
    pub async fn free(&self) {
        let mut changes = self.changes();
        while self.with(|way| way.is_shut(Instant::now())).is_some() {
            let until = self.with(|way| way.next_at());
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(until.unwrap_or_else(|| Instant::now() + PROBE_WITHIN)) => {}
            }
        }
    }

    /// Probes the remote for as long as its way is broken. Never ends by itself.
    pub async fn attend(self) {
        let mut changes = self.changes();
        loop {
            let Some(at) = self.with(|way| way.probe_at()) else {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            };
            sleep_until(at).await;
            let answer = self.ask().await;
            self.probed(answer, Instant::now());
        }
    }

    /// Whether the remote answers, now or a moment ago. One probe at a time; whoever asks meanwhile gets its answer.
    async fn ask(&self) -> Result<(), Failure> {
        let asked_at = Instant::now();
        let mut last = self.0.asking.lock().await;
        if let Some((at, answer)) = &*last
            && *at + GOOD_FOR > asked_at
        {
            return answer.clone();
        }
        let answer = timeout(PROBE_WITHIN, (self.0.probe)()).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::unreachable("no answer in time")));
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    fn probed(&self, answer: Result<(), Failure>, now: Instant) {
        match answer {
            Ok(()) => self.clear(now),
            Err(failure) => self.breaks(&failure, now),
        }
    }

    fn clear(&self, now: Instant) {
        let Some(outage) = self.with(Way::clear) else { return };
        (self.0.tell)(None);
        let lasted = humantime::format_duration(Duration::from_secs((now - outage.since).as_secs()));
        tracing::info!(remote = self.0.name, "answers again after {lasted}: what waited goes on");
        self.changed();
    }

    fn breaks(&self, failure: &Failure, now: Instant) {
        let (slowest, chance) = (self.0.slowest, fastrand::f64());
        let asked = failure.after().unwrap_or_default().min(LONGEST_PAUSE);
        let is_news = self.with(|way| way.breaks(failure.why(), now, (slowest, asked), chance));
        (self.0.tell)(Some(failure));
        if is_news {
            let why = failure.why();
            if failure.may_pass() {
                tracing::warn!(remote = self.0.name, why, "does not answer: everything waits until it does");
            } else {
                tracing::error!(remote = self.0.name, why, "paused until somebody mends this: everything waits");
            }
        }
        self.changed();
    }

    fn with<T>(&self, act: impl FnOnce(&mut Way) -> T) -> T {
        act(&mut self.0.way.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn changed(&self) {
        self.0.changed.send_modify(|version| *version = version.wrapping_add(1));
    }
}

/// What one route knows of the way to its remote.
#[derive(Clone, Debug)]
pub struct Breaker {
    remote: Option<Remote>,
    evidence: Arc<Mutex<Evidence>>,
}

impl Breaker {
    /// The breaker of a route to `remote`; without one, nothing is ever in the way.
    #[must_use]
    pub fn new(remote: Option<Remote>) -> Self {
        Self { remote, evidence: Arc::default() }
    }

    /// Told whenever the way has changed; `None` where there is no remote.
    #[must_use]
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.remote.as_ref().map(Remote::changes)
    }

    /// What may be done now, and when to ask again if that may change by itself. A trial is given once: whoever asks for
    /// it takes it.
    #[must_use]
    pub fn gate(&self, now: Instant) -> (Gate, Option<Instant>) {
        if let Some(remote) = &self.remote
            && let Some(since) = remote.with(|way| way.is_shut(now))
        {
            return (Gate::Shut(since), remote.with(|way| way.next_at()));
        }
        self.with(|evidence| evidence.gate(now))
    }

    /// Whether nothing is in the way.
    #[must_use]
    pub fn is_free(&self, now: Instant) -> bool {
        let is_shut = self.remote.as_ref().is_some_and(|remote| remote.with(|way| way.is_shut(now)).is_some());
        !is_shut && self.with(|evidence| evidence.is_free())
    }

    /// A trial was given, and there was nothing to try.
    pub fn unused(&self) {
        self.with(Evidence::unused);
    }

    /// Takes note of how a call for the message at the head of `lane` ended, and says whom that is due to.
    pub async fn note(&self, lane: &str, sign: Sign) -> Blame {
        let Some(remote) = &self.remote else { return Blame::Message };
        let failure = match sign {
            Sign::Passed => {
                if self.with(|evidence| evidence.passed(lane)) {
                    (remote.0.tell)(None);
                    tracing::info!(remote = remote.0.name, "takes messages again: what waited goes on");
                    remote.changed();
                }
                remote.clear(Instant::now());
                return Blame::Message;
            }
            Sign::Failed(failure) => failure,
        };
        if let Failure::Throttled { after, .. } = &failure {
            return self.throttled(remote, lane, *after, Instant::now());
        }
        if let Failure::Unreachable { .. } = &failure {
            remote.breaks(&failure, Instant::now());
            return Blame::Way;
        }
        if remote.with(|way| way.is_shut(Instant::now())).is_some() {
            return Blame::Way;
        }
        // It may be this message or all of them: something that concerns no message tells.
        if let Err(failure) = remote.ask().await {
            remote.breaks(&failure, Instant::now());
            return Blame::Way;
        }
        if self.with(|evidence| evidence.is_alone(lane)) {
            return Blame::Message;
        }
        self.doubted(remote, lane, &failure)
    }

    fn doubted(&self, remote: &Remote, lane: &str, failure: &Failure) -> Blame {
        let (blame, is_news) = self.with(|evidence| evidence.failed(lane, Instant::now(), fastrand::f64()));
        if blame == Blame::Way {
            (remote.0.tell)(Some(failure));
        }
        if is_news {
            let why = failure.why();
            tracing::warn!(remote = remote.0.name, why, "refuses all messages: they wait until it takes one");
            remote.changed();
        }
        blame
    }

    /// The first one who is asked for patience waits alone: its chat may be meant. The second one in that time shows that
    /// all are.
    fn throttled(&self, remote: &Remote, lane: &str, after: Option<Duration>, now: Instant) -> Blame {
        if self.with(|evidence| evidence.is_alone(lane)) {
            return Blame::Message;
        }
        let until = now + after.unwrap_or_default().min(LONGEST_PAUSE);
        if self.with(|evidence| evidence.throttled(lane, until, now)) {
            remote.with(|way| way.pause(until));
            tracing::warn!(remote = remote.0.name, "too many requests (429): nothing is sent for the time it asks for");
            remote.changed();
        }
        Blame::Way
    }

    /// The message at the head of `lane` is done with.
    pub fn ended(&self, lane: &str) {
        self.with(|evidence| evidence.ended(lane));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Evidence) -> T) -> T {
        act(&mut self.evidence.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The longest that a remote can silence everybody, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
