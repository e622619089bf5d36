//! Whether messages of one route pass, though the remote answers. Pure: time and chance are arguments.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use crate::breaker::{Blame, Gate};

/// How many messages have to fail, and none to pass, until something refuses all.
const SEVERAL: usize = 2;
/// How long after one trial the next one follows, and how far that is spread at random.
const EVERY: Duration = Duration::from_secs(3);
const JITTER: f64 = 0.2;

/// What the calls of one route have shown.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The lanes whose heads have failed since the last message passed.
    failing: HashSet<String>,
    /// The lanes whose heads have failed before and after another message passed: that is their own doing.
    alone: HashSet<String>,
    /// Something refuses all messages.
    refusal: Option<Refusal>,
    /// Who was last asked for patience, and until when.
    throttled: Option<(String, Instant)>,
    /// The lanes that were asked for patience since the last message passed.
    patient: HashSet<String>,
}

#[derive(Debug)]
struct Refusal {
    since: Instant,
    try_at: Instant,
    is_tried: bool,
}

impl Evidence {
    /// What may be done now, and when to ask again. A trial that is given is taken.
    pub(super) fn gate(&mut self, now: Instant) -> (Gate, Option<Instant>) {
        let Some(refusal) = &mut self.refusal else { return (Gate::Free, None) };
        if refusal.is_tried || refusal.try_at > now {
            return (Gate::Shut(refusal.since), Some(refusal.try_at).filter(|_| !refusal.is_tried));
        }
        refusal.is_tried = true;
        (Gate::Trial, None)
    }

    /// Whether messages pass, as far as is known.
    pub(super) const fn is_free(&self) -> bool {
        self.refusal.is_none()
    }

    /// There was nothing to try.
    pub(super) fn unused(&mut self) {
        if let Some(refusal) = &mut self.refusal {
            refusal.is_tried = false;
        }
    }

    /// A message has passed: others that have failed meanwhile fail alone. Tells whether all may go on by this.
    pub(super) fn passed(&mut self, lane: &str) -> bool {
        self.alone.remove(lane);
        self.failing.remove(lane);
        self.patient.remove(lane);
        self.alone.extend(self.failing.drain().chain(self.patient.drain()));
        self.refusal.take().is_some()
    }

    /// Whether the head of this lane fails while others pass.
    pub(super) fn is_alone(&self, lane: &str) -> bool {
        self.refusal.is_none() && self.alone.contains(lane)
    }

    /// A message has failed, and the remote answers all the same. Says whom that is due to, and whether it is news that
    /// all are refused.
    pub(super) fn failed(&mut self, lane: &str, now: Instant, chance: f64) -> (Blame, bool) {
        self.failing.insert(lane.to_owned());
        let try_at = now + EVERY.mul_f64(1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0));
        if let Some(refusal) = &mut self.refusal {
            (refusal.try_at, refusal.is_tried) = (try_at, false);
            return (Blame::Way, false);
        }
        if self.failing.len() < SEVERAL {
            return (Blame::Message, false);
        }
        self.refusal = Some(Refusal { since: now, try_at, is_tried: false });
        (Blame::Way, true)
    }

    /// A lane is asked for patience. Tells whether another one still is, so that everybody seems to be meant.
    pub(super) fn throttled(&mut self, lane: &str, until: Instant, now: Instant) -> bool {
        let other = self.throttled.take().filter(|(other, before)| other != lane && *before > now);
        self.throttled = Some((lane.to_owned(), until));
        self.patient.insert(lane.to_owned());
        other.is_some()
    }

    /// The message at the head of the lane is done with.
    pub(super) fn ended(&mut self, lane: &str) {
        self.alone.remove(lane);
        self.failing.remove(lane);
        self.patient.remove(lane);
    }
}
