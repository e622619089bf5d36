//! Whether messages of one route pass while the remote answers. Pure: time and chance are arguments.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use crate::breaker::{Blame, Gate};

/// How many messages have to fail, while none passes, until all count as refused.
const SEVERAL: usize = 2;
/// The interval between trials, and how far it varies at random.
const EVERY: Duration = Duration::from_secs(3);
const JITTER: f64 = 0.2;
/// How long a trial may take before there is another one.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause after a 429 without Retry-After. It doubles each time that the pause was too short, until a message
/// passes.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The results of one route's calls. Messages have unique keys.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The messages that have failed since the last one passed, including those that were given up.
    failing: HashSet<String>,
    /// The messages that have failed before and after another one passed: the cause is in the message.
    alone: HashSet<String>,
    /// All messages are refused.
    refusal: Option<Blockage>,
    /// The message that was last throttled, and until when.
    throttled: Option<(String, Instant)>,
    /// The messages that were throttled since the last one passed.
    throttled_messages: HashSet<String>,
    /// How often there was a 429 without Retry-After, and until when the last pause lasts.
    floods: Option<(u32, Instant)>,
    /// The messages that were refused together with all others until one passed.
    freed: Vec<String>,
}

#[derive(Debug)]
struct Blockage {
    since: Instant,
    try_at: Instant,
    tried_at: Option<Instant>,
}

impl Evidence {
    /// The gate now, and when to ask again. The caller takes a trial that is returned.
    pub(super) fn gate(&mut self, now: Instant) -> (Gate, Option<Instant>) {
        let Some(refusal) = &mut self.refusal else { return (Gate::Free, None) };
        let try_at = refusal.tried_at.map_or(refusal.try_at, |at| at + TRIAL_TIMEOUT);
        if try_at > now {
            return (Gate::Shut(refusal.since), Some(try_at));
        }
        refusal.tried_at = Some(now);
        (Gate::Trial, None)
    }

    /// A message is tried because the remote may be down: it counts as a trial of the refusal as well.
    pub(super) const fn tried(&mut self, now: Instant) {
        if let Some(refusal) = &mut self.refusal {
            refusal.tried_at = Some(now);
        }
    }

    /// Whether no refusal is known.
    pub(super) const fn is_free(&self) -> bool {
        self.refusal.is_none()
    }

    /// There was no job for the trial.
    pub(super) fn unused(&mut self) {
        if let Some(refusal) = &mut self.refusal {
            refusal.tried_at = None;
        }
    }

    /// A pending trial has shown nothing about messages: another one follows later.
    pub(super) fn undecided(&mut self, now: Instant, chance: f64) {
        if let Some(refusal) = &mut self.refusal {
            (refusal.try_at, refusal.tried_at) = (next_try(now, chance), None);
        }
    }

    /// A message has passed: others that have failed meanwhile fail alone. Returns whether this frees the whole route.
    pub(super) fn passed(&mut self, message: &str) -> bool {
        self.alone.remove(message);
        self.failing.remove(message);
        self.throttled_messages.remove(message);
        (self.throttled, self.floods) = (None, None);
        let is_over = self.refusal.take().is_some();
        if is_over {
            self.freed = self.failing.iter().cloned().collect();
        }
        self.alone.extend(self.failing.drain().chain(self.throttled_messages.drain()));
        is_over
    }

    /// No job waits. Returns whether messages were refused. The failed messages are still counted.
    pub(super) fn idle(&mut self) -> bool {
        self.refusal.take().is_some()
    }

    /// The messages that were refused together with all others until just now.
    pub(super) fn freed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.freed)
    }

    /// Whether this message fails while others pass.
    pub(super) fn is_alone(&self, message: &str) -> bool {
        self.refusal.is_none() && self.alone.contains(message)
    }

    /// A message has failed although the remote answers. Returns what is to blame, and whether this starts a refusal of
    /// all messages.
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
    /// limit seems to be for all: another message is throttled too, or there is no Retry-After.
    pub(super) fn throttled(
        &mut self,
        message: &str,
        retry_after: Option<Duration>,
        longest: Duration,
        now: Instant,
    ) -> Option<Instant> {
        self.throttled_messages.insert(message.to_owned());
        let Some(retry_after) = retry_after else {
            let floods = match self.floods {
                // It was in flight when another one was throttled: that is the same flood.
                Some((_, until)) if until > now => return Some(until),
                Some((floods, _)) => floods,
                None => 0,
            };
            let until = now + (FIRST_PAUSE * 2_u32.saturating_pow(floods.min(16))).min(longest);
            self.floods = Some((floods.saturating_add(1), until));
            return Some(until);
        };
        let until = now + retry_after.min(longest);
        let other = self.throttled.take().filter(|(other, before)| other != message && *before > now);
        self.throttled = Some((message.to_owned(), until));
        other.map(|_| until)
    }

    /// A message has been settled. Its failure still counts until another message passes.
    pub(super) fn ended(&mut self, message: &str) {
        self.alone.remove(message);
        self.throttled_messages.remove(message);
    }
}

fn next_try(now: Instant, chance: f64) -> Instant {
    now + EVERY.mul_f64(1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0))
}
