//! What a failure means for the job that met it.

use std::{borrow::Cow, time::Duration};

use crate::{domain::delivery::Refusal, words::Language};

/// Why a remote call did not succeed, and what happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection came about: nothing was sent, and nothing is said about the message.
    Unreachable {
        /// What happened, for the log.
        why: String,
    },
    /// Not the remote's decision: it did not answer, failed, or something else answered in its place. The cause may be
    /// this message alone, or the connection that all messages use.
    Transient {
        /// What happened, for the log.
        why: String,
        /// The wait that the server asked for. It can only lengthen ours.
        after: Option<Duration>,
    },
    /// The remote works, but what the job needs does not exist yet.
    NotYet {
        /// What is waited for, for the log.
        why: String,
    },
    /// The remote throttles (429).
    Throttled {
        /// What happened, for the log.
        why: String,
        /// The wait that the server asked for.
        after: Option<Duration>,
    },
    /// The remote says that the operator has to act: a revoked token, a channel that is not connected.
    Blocked {
        /// What happened, for the log.
        why: String,
    },
    /// The message may have arrived, and nothing will tell. The sentence is for its author.
    Uncertain(Refusal),
    /// This message is hopeless. The sentence is for its author.
    Permanent(Refusal),
}

impl Failure {
    /// Not the remote's decision; our own schedule says when to try again.
    #[must_use]
    pub fn transient(why: impl Into<String>) -> Self {
        Self::Transient { why: why.into(), after: None }
    }

    /// What it needs is not there yet.
    #[must_use]
    pub fn not_yet(why: impl Into<String>) -> Self {
        Self::NotYet { why: why.into() }
    }

    /// No connection came about.
    #[must_use]
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self::Unreachable { why: why.into() }
    }

    /// The operator will heal it.
    #[must_use]
    pub fn blocked(why: impl Into<String>) -> Self {
        Self::Blocked { why: why.into() }
    }

    /// What happened, for the operator.
    #[must_use]
    pub fn why(&self) -> Cow<'_, str> {
        match self {
            Self::Unreachable { why }
            | Self::Transient { why, .. }
            | Self::NotYet { why }
            | Self::Throttled { why, .. }
            | Self::Blocked { why } => why.into(),
            Self::Uncertain(refusal) | Self::Permanent(refusal) => refusal.sentence.say(Language::En).into(),
        }
    }

    /// The wait that the server asked for.
    #[must_use]
    pub const fn after(&self) -> Option<Duration> {
        match self {
            Self::Transient { after, .. } | Self::Throttled { after, .. } => *after,
            Self::Unreachable { .. }
            | Self::NotYet { .. }
            | Self::Blocked { .. }
            | Self::Uncertain(_)
            | Self::Permanent(_) => None,
        }
    }

    /// Whether time may heal it, without anybody's doing.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Transient { .. } | Self::NotYet { .. } | Self::Throttled { .. } => true,
            Self::Blocked { .. } | Self::Uncertain(_) | Self::Permanent(_) => false,
        }
    }

    /// Whether the job is not tried again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Uncertain(_) | Self::Permanent(_) => true,
            Self::Unreachable { .. }
            | Self::Transient { .. }
            | Self::NotYet { .. }
            | Self::Throttled { .. }
            | Self::Blocked { .. } => false,
        }
    }
}

/// What is known of earlier attempts at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many have failed that count: what the way has failed does not.
    pub failed: u32,
    /// Whether this is the first attempt for certain. Each one before may have come about unheard, also one that does
    /// not count, or one of an earlier run that ended in the middle of it.
    pub is_first: bool,
}

/// When to try again: the waits between attempts, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    waits: Vec<Duration>,
    endless: bool,
}

/// The longest that a server can make us wait; whatever it asks for beyond that, it is asked again.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// How far a wait is spread at random, either way, so that many jobs that failed together do not return together.
const JITTER: f64 = 0.2;

impl Schedule {
    /// A schedule that gives up after the last of `waits`.
    #[must_use]
    pub const fn ending(waits: Vec<Duration>) -> Self {
        Self { waits, endless: false }
    }

    /// A schedule that repeats the last of `waits` for ever.
    #[must_use]
    pub const fn endless(waits: Vec<Duration>) -> Self {
        Self { waits, endless: true }
    }

    /// How long to wait after `failed` failed attempts (the first failure is 1), or `None` to give up.
    ///
    /// `chance` is a random number in `0.0..1.0`. What the server asked for is a lower bound: it never shortens a wait.
    #[must_use]
    pub fn wait(&self, failed: u32, chance: f64, server_asked: Option<Duration>) -> Option<Duration> {
        let index = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = if self.endless { self.waits.last() } else { None };
        let base = self.waits.get(index).or(last)?;
        let chance = chance.clamp(0.0, 1.0);
        let spread = base.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0));
        let asked = server_asked.unwrap_or_default().min(LONGEST_ASKED).mul_f64(1.0 + JITTER * chance);
        Some(spread.max(asked))
    }
}

impl Schedule {
    /// The wait for something that has taken `age` so far and is not there yet: as long again, but not less than the
    /// first wait nor more than the last.
    #[must_use]
    pub fn stretched(&self, age: Duration) -> Duration {
        let (first, last) = (self.waits.first(), self.waits.last());
        age.max(first.copied().unwrap_or_default()).min(last.copied().unwrap_or_default())
    }

    /// The same, where the last wait repeats for ever and no server asks for anything.
    #[must_use]
    pub fn last_wait(&self, failed: u32, chance: f64) -> Duration {
        let last = self.waits.len().max(1);
        let failed = failed.min(u32::try_from(last).unwrap_or(u32::MAX));
        self.wait(failed, chance, None).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn an_ending_schedule_ends_and_an_endless_one_repeats() {
        let waits = vec![seconds(1), seconds(10)];
        let (ending, endless) = (Schedule::ending(waits.clone()), Schedule::endless(waits));
        for (failed, want_ending, want_endless) in
            [(1, Some(1), 1), (2, Some(10), 10), (3, None, 10), (u32::MAX, None, 10)]
        {
            assert_eq!(ending.wait(failed, 0.5, None), want_ending.map(seconds));
            assert_eq!(endless.wait(failed, 0.5, None), Some(seconds(want_endless)));
        }
    }

    #[test]
    fn jitter_spreads_a_fifth_either_way() {
        let schedule = Schedule::ending(vec![seconds(10)]);
        assert_eq!(schedule.wait(1, 0.0, None), Some(seconds(8)));
        assert_eq!(schedule.wait(1, 1.0, None), Some(seconds(12)));
    }

    #[test]
    fn the_server_can_only_lengthen_a_wait() {
        let schedule = Schedule::ending(vec![seconds(10)]);
        assert_eq!(schedule.wait(1, 0.5, Some(seconds(3))), Some(seconds(10)));
        assert_eq!(schedule.wait(1, 0.0, Some(seconds(30))), Some(seconds(30)));
        assert!(schedule.wait(1, 1.0, Some(seconds(30))) > Some(seconds(30)));
        assert_eq!(schedule.wait(1, 0.0, Some(Duration::MAX)), Some(LONGEST_ASKED));
    }

    #[test]
    fn an_empty_schedule_never_retries() {
        assert_eq!(Schedule::endless(vec![]).wait(1, 0.5, None), None);
    }
}
