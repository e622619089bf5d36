//! The breaker: whether a remote can be reached. A remote that is down says nothing about a message: while it is down,
//! only probes are sent, and all jobs wait without using up attempts.
//!
//! Two questions, two types. `remote_state` knows whether the remote answers at all, from failed connections and from
//! probes, which carry no message. `evidence` knows whether messages of one route pass: if several fail one after the
//! other although the probe is answered, something refuses all of them; if others pass, one message fails alone.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::domain::retry::Failure;

mod evidence;
mod remote;
mod remote_state;

pub use self::remote::{PROBE_TIMEOUT, Remote};
use self::{evidence::Evidence, remote_state::RemoteState};

/// What a route may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Free,
    /// One job, to find out whether messages pass again.
    Trial,
    /// Nothing, since that instant.
    Shut(Instant),
}

/// How the call for a message ended, as far as the connection is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The remote has answered it.
    Passed,
    Failed(Failure),
}

/// What caused a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The message: others pass meanwhile.
    Message,
    /// Unknown: no other message was tried. It uses up an attempt as well, and waits for the next one.
    Unknown,
    /// The connection: no attempt is used up.
    Connection,
}

/// What one route knows about the connection to its remote.
#[derive(Clone, Debug)]
pub struct Breaker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    remote: Option<Remote>,
    evidence: Mutex<Evidence>,
}

impl Drop for Inner {
    /// A route that is replaced is not refused any more: the next one finds out by itself.
    fn drop(&mut self) {
        let is_refused = self.evidence.get_mut().unwrap_or_else(PoisonError::into_inner).idle();
        if let Some(remote) = self.remote.as_ref().filter(|_| is_refused) {
            remote.replaced();
        }
    }
}

impl Breaker {
    /// The breaker of a route to `remote`; without one, the gate is always free.
    #[must_use]
    pub fn new(remote: Option<Remote>) -> Self {
        Self(Arc::new(Inner { remote, evidence: Mutex::default() }))
    }

    /// Notified whenever the gate may have changed; `None` without a remote.
    #[must_use]
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.0.remote.as_ref().map(Remote::changes)
    }

    /// The gate now, and when to ask again if it may change by itself. A trial is returned once: the caller takes it.
    #[must_use]
    pub fn gate(&self, now: Instant) -> (Gate, Option<Instant>) {
        if let Some(remote) = &self.0.remote
            && let Some(since) = remote.with(|state| state.is_shut(now))
        {
            if remote.with(RemoteState::take_trial) {
                self.with(|evidence| evidence.tried(now));
                return (Gate::Trial, None);
            }
            return (Gate::Shut(since), remote.with(|state| state.next_at(now)));
        }
        self.with(|evidence| evidence.gate(now))
    }

    /// Whether the gate is free.
    #[must_use]
    pub fn is_free(&self, now: Instant) -> bool {
        let is_shut = self.0.remote.as_ref().is_some_and(|remote| remote.with(|state| state.is_shut(now)).is_some());
        !is_shut && self.with(|evidence| evidence.is_free())
    }

    /// Gives a trial back for which there was no job.
    pub fn unused(&self) {
        self.with(Evidence::unused);
        if let Some(remote) = &self.0.remote {
            remote.with(RemoteState::unused);
        }
    }

    /// No job waits, so no message is known to be refused. An outage goes on all the same.
    pub fn idle(&self) {
        if let Some(remote) = &self.0.remote
            && self.with(Evidence::idle)
        {
            remote.takes();
            if remote.trouble().is_none() {
                remote.clear(Instant::now());
            }
        }
    }

    /// The messages that were refused together with all others until just now, by their keys, once.
    #[must_use]
    pub fn freed(&self) -> Vec<String> {
        self.with(Evidence::freed)
    }

    /// Whether the remote answers a probe. If it does not, its outage starts.
    pub async fn answers(&self) -> bool {
        let Some(remote) = &self.0.remote else { return true };
        let answer = remote.ask().await;
        if let Err(failure) = &answer {
            remote.breaks(failure, Instant::now());
        }
        answer.is_ok()
    }

    /// Records how the call for a message ended, and returns what is to blame.
    pub async fn note(&self, message: &str, sign: Sign) -> Blame {
        let blame = self.weigh(message, sign).await;
        if blame == Blame::Connection {
            self.with(|evidence| evidence.undecided(Instant::now(), fastrand::f64()));
        }
        blame
    }

    async fn weigh(&self, message: &str, sign: Sign) -> Blame {
        let Some(remote) = &self.0.remote else { return Blame::Message };
        let failure = match sign {
            Sign::Passed => {
                if self.with(|evidence| evidence.passed(message)) {
                    remote.takes();
                }
                remote.clear(Instant::now());
                return Blame::Message;
            }
            Sign::Failed(failure) => failure,
        };
        if let Failure::Throttled { after, .. } = &failure {
            return self.throttled(remote, message, *after, Instant::now());
        }
        if let Failure::Unreachable { .. } = &failure {
            remote.breaks(&failure, Instant::now());
            return Blame::Connection;
        }
        if remote.with(|state| state.is_shut(Instant::now())).is_some() {
            return Blame::Connection;
        }
        if self.with(|evidence| evidence.is_alone(message)) {
            return Blame::Message;
        }
        // It may be this message or all of them: a probe, which carries no message, finds out.
        if !self.answers().await {
            return Blame::Connection;
        }
        self.doubted(remote, message, &failure)
    }

    fn doubted(&self, remote: &Remote, message: &str, failure: &Failure) -> Blame {
        let (blame, is_news) = self.with(|evidence| evidence.failed(message, Instant::now(), fastrand::f64()));
        if blame == Blame::Connection {
            remote.report(Some(failure));
        }
        if is_news {
            remote.refuses(failure);
        }
        blame
    }

    /// The first message that is throttled waits alone: the limit may be that of its chat. A second one in that time
    /// shows that the limit is for all.
    fn throttled(&self, remote: &Remote, message: &str, after: Option<Duration>, now: Instant) -> Blame {
        if self.with(|evidence| evidence.is_alone(message)) {
            return Blame::Message;
        }
        if let Some(until) = self.with(|evidence| evidence.throttled(message, after, LONGEST_PAUSE, now)) {
            remote.pause(until);
        }
        Blame::Connection
    }

    /// A message has been settled.
    pub fn ended(&self, message: &str) {
        self.with(|evidence| evidence.ended(message));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Evidence) -> T) -> T {
        act(&mut self.0.evidence.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The longest that a remote can pause all messages, whatever it requests.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests;
