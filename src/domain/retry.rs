//! Failures of jobs, and when to retry them.

use std::{borrow::Cow, time::Duration};

use crate::{domain::delivery::Refusal, words::Language};

/// Why a remote call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection was established: nothing was sent, and nothing is known about the message.
    Unreachable {
        /// What happened, for the log.
        why: String,
    },
    /// Not a decision of the remote: it did not answer, it failed, or something else answered in its place. The cause
    /// may be this message alone, or the connection that all messages use.
    Transient {
        /// What happened, for the log.
        why: String,
        /// The wait that the server asked for. It can only lengthen ours.
        after: Option<Duration>,
    },
    /// The remote works, but what the job needs does not exist yet.
    NotYet {
        /// What it waits for, for the log.
        why: String,
    },
    /// The remote throttles (429).
    Throttled {
        /// What happened, for the log.
        why: String,
        /// The wait that the server asked for.
        after: Option<Duration>,
    },
    /// The remote works, but the operator has to act: a revoked token, a channel that is not connected.
    Blocked {
        /// What happened, for the log.
        why: String,
    },
    /// The message may have arrived, which nobody can find out. The sentence is for its author.
    Uncertain(Refusal),
    /// This message cannot be delivered. The sentence is for its author.
    Permanent(Refusal),
}

impl Failure {
    /// Not a decision of the remote; our own schedule says when to try again.
    #[must_use]
    pub fn transient(why: impl Into<String>) -> Self {
        Self::Transient { why: why.into(), after: None }
    }

    /// What the job needs does not exist yet.
    #[must_use]
    pub fn not_yet(why: impl Into<String>) -> Self {
        Self::NotYet { why: why.into() }
    }

    /// No connection was established.
    #[must_use]
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self::Unreachable { why: why.into() }
    }

    /// The operator has to act.
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

    /// Whether it may pass without anybody's action.
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
    /// How many have failed, without those that the connection has failed.
    pub failed: u32,
    /// Whether this is certainly the first attempt. Each earlier one may have succeeded without an answer, including
    /// one that does not count, and one that the end of an earlier process interrupted.
    pub is_first: bool,
}

/// When to try again: the waits between attempts, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    waits: Vec<Duration>,
    endless: bool,
}

/// The longest wait that a server can request. We ask again after it, whatever the server has requested.
const LONGEST_REQUESTED: Duration = Duration::from_hours(1);
/// How far a wait varies at random in either direction, so that jobs that failed together are not retried together.
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
    /// `chance` is a random number in `0.0..1.0`. The wait that the server requested is a lower bound.
    #[must_use]
    pub fn wait(&self, failed: u32, chance: f64, server_requested: Option<Duration>) -> Option<Duration> {
        let index = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = if self.endless { self.waits.last() } else { None };
        let base = self.waits.get(index).or(last)?;
        let chance = chance.clamp(0.0, 1.0);
        let spread = base.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0));
        let requested = server_requested.unwrap_or_default().min(LONGEST_REQUESTED).mul_f64(1.0 + JITTER * chance);
        Some(spread.max(requested))
    }
}

impl Schedule {
    /// The wait for something that has been missing for `age`: as long again, but not less than the first wait nor more
    /// than the last.
    #[must_use]
    pub fn stretched(&self, age: Duration) -> Duration {
        let (first, last) = (self.waits.first(), self.waits.last());
        age.max(first.copied().unwrap_or_default()).min(last.copied().unwrap_or_default())
    }

    /// The wait after `failed` failed attempts, if the last wait repeats for ever and no server requests one.
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
        assert_eq!(schedule.wait(1, 0.0, Some(Duration::MAX)), Some(LONGEST_REQUESTED));
    }

    #[test]
    fn an_empty_schedule_never_retries() {
        assert_eq!(Schedule::endless(vec![]).wait(1, 0.5, None), None);
    }
}
