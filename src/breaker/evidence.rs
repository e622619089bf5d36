//! Whether messages of one route pass, though the remote answers. Pure: time and chance are arguments.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use crate::breaker::{Blame, Gate};

/// How many messages have to fail, and none to pass, until something refuses all.
const SEVERAL: usize = 2;
/// How long after one trial the next one follows, and how far that is spread at random.
const EVERY: Duration = Duration::from_secs(3);
const JITTER: f64 = 0.2;
/// How long a trial may take until another one is given.
const TRIED_WITHIN: Duration = Duration::from_secs(15);
/// The wait for somebody who is asked for patience, but not for how much. It doubles each time that the wait was not
/// enough, until a message passes.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What the calls of one route have shown. Messages are named by keys that no two of them share.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The messages that have failed since the last one passed, those that were given up included.
    failing: HashSet<String>,
    /// The messages that have failed before and after another one passed: that is their own doing.
    alone: HashSet<String>,
    /// Something refuses all messages.
    refusal: Option<Blockage>,
    /// Who was last asked for patience, and until when.
    throttled: Option<(String, Instant)>,
    /// The messages that were asked for patience since the last one passed.
    patient: HashSet<String>,
    /// How often that was asked for without saying for how long, and until when the last time lasts.
    floods: Option<(u32, Instant)>,
    /// The messages that were refused with all others until one passed.
    freed: Vec<String>,
}

#[derive(Debug)]
struct Blockage {
    since: Instant,
    try_at: Instant,
    tried_at: Option<Instant>,
}

impl Evidence {
    /// What may be done now, and when to ask again. A trial that is given is taken.
    pub(super) fn gate(&mut self, now: Instant) -> (Gate, Option<Instant>) {
        let Some(refusal) = &mut self.refusal else { return (Gate::Free, None) };
        let try_at = refusal.tried_at.map_or(refusal.try_at, |at| at + TRIED_WITHIN);
        if try_at > now {
            return (Gate::Shut(refusal.since), Some(try_at));
        }
        refusal.tried_at = Some(now);
        (Gate::Trial, None)
    }

    /// A message is tried because the remote may be away: what it shows is shown of the refusal as well.
    pub(super) const fn tried(&mut self, now: Instant) {
        if let Some(refusal) = &mut self.refusal {
            refusal.tried_at = Some(now);
        }
    }

    /// Whether messages pass, as far as is known.
    pub(super) const fn is_free(&self) -> bool {
        self.refusal.is_none()
    }

    /// There was nothing to try.
    pub(super) fn unused(&mut self) {
        if let Some(refusal) = &mut self.refusal {
            refusal.tried_at = None;
        }
    }

    /// A trial, if one is under way, has told nothing of messages: another one follows in a while.
    pub(super) fn undecided(&mut self, now: Instant, chance: f64) {
        if let Some(refusal) = &mut self.refusal {
            (refusal.try_at, refusal.tried_at) = (next_try(now, chance), None);
        }
    }

    /// A message has passed: others that have failed meanwhile fail alone. Returns whether this frees the whole route.
    pub(super) fn passed(&mut self, message: &str) -> bool {
        self.alone.remove(message);
        self.failing.remove(message);
        self.patient.remove(message);
        (self.throttled, self.floods) = (None, None);
        let is_over = self.refusal.take().is_some();
        if is_over {
            self.freed = self.failing.iter().cloned().collect();
        }
        self.alone.extend(self.failing.drain().chain(self.patient.drain()));
        is_over
    }

    /// Nothing waits. Returns whether something was refused. That several have failed stays known.
    pub(super) fn idle(&mut self) -> bool {
        self.refusal.take().is_some()
    }

    /// The messages that were refused with all others until just now.
    pub(super) fn freed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.freed)
    }

    /// Whether this message fails while others pass.
    pub(super) fn is_alone(&self, message: &str) -> bool {
        self.refusal.is_none() && self.alone.contains(message)
    }

    /// A message has failed, and the remote answers all the same. Says whom that is due to, and whether it is news that
    /// all are refused.
    pub(super) fn failed(&mut self, message: &str, now: Instant, chance: f64) -> (Blame, bool) {
        self.failing.insert(message.to_owned());
        if self.refusal.is_some() {
            self.undecided(now, chance);
            return (Blame::Connection, false);
        }
        if self.failing.len() < SEVERAL {
            return (Blame::Unknown, false);
        }
        self.refusal = Some(Blockage { since: now, try_at: next_try(now, chance), tried_at: None });
        (Blame::Connection, true)
    }

    /// A message was throttled (429), with or without Retry-After. Returns until when the whole route pauses, if the
    /// limit seems to be meant for all: another message is throttled too, or the answer does not say for how long.
    pub(super) fn throttled(
        &mut self,
        message: &str,
        asked: Option<Duration>,
        longest: Duration,
        now: Instant,
    ) -> Option<Instant> {
        self.patient.insert(message.to_owned());
        let Some(asked) = asked else {
            let floods = match self.floods {
                // It was on its way when another one was throttled: that is the same flood.
                Some((_, until)) if until > now => return Some(until),
                Some((floods, _)) => floods,
                None => 0,
            };
            let until = now + (FIRST_PAUSE * 2_u32.saturating_pow(floods.min(16))).min(longest);
            self.floods = Some((floods.saturating_add(1), until));
            return Some(until);
        };
        let until = now + asked.min(longest);
        let other = self.throttled.take().filter(|(other, before)| other != message && *before > now);
        self.throttled = Some((message.to_owned(), until));
        other.map(|_| until)
    }

    /// A message is done with. That it was given up stays known until another one passes.
    pub(super) fn ended(&mut self, message: &str) {
        self.alone.remove(message);
        self.patient.remove(message);
    }
}

fn next_try(now: Instant, chance: f64) -> Instant {
    now + EVERY.mul_f64(1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0))
}
