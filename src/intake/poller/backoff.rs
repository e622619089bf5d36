//! When a poll that has failed is tried again.

use std::time::Duration;

use crate::{intake::poller::poll_error::PollError, telegram::updates::Wait};

/// How far the tries are spread, so that the bots of one bridge do not all come at once.
const SPREAD: f64 = 0.2;

/// How often a poll that fails is tried.
#[derive(Clone, Copy, Debug)]
pub struct PollBackoff {
    /// How often Telegram is tried while it is away, and how long it may take to answer then. It holds a poll for 3 s
    /// whose offset it was asked for less than 3 s ago, so that is the least that is of use.
    pub(super) every: Duration,
    /// After so long an outage, it is tried less often.
    pub(super) long: Duration,
    /// How often, then, and how long it may take. Who is away for long may be behind a line that has become slow.
    pub(super) every_later: Duration,
    /// The longest that a poll stays away because it was asked to. Telegram forgets the press of a button after 150 s,
    /// and a mad proxy may ask for days.
    pub(super) longest_asked: Duration,
    /// How often at least is tried what a person has to mend.
    pub(super) probe_every: Duration,
}

impl PollBackoff {
    /// The usual one, with what a person has to mend tried at least `probe_every`.
    #[must_use]
    pub const fn new(probe_every: Duration) -> Self {
        Self {
            every: Duration::from_secs(3),
            long: Duration::from_hours(1),
            every_later: Duration::from_secs(15),
            longest_asked: Duration::from_mins(2),
            probe_every,
        }
    }

    /// How long after its beginning a poll that has failed is followed by the next, in an outage of this length.
    /// `chance` is a random number in `0.0..1.0`.
    pub(super) fn next_after(&self, trouble: &PollError, lasts: Duration, chance: f64) -> Duration {
        let usual = self.usual(lasts);
        let base = match trouble {
            PollError::Throttled(asked) => usual.max(asked.unwrap_or_default().min(self.longest_asked)),
            PollError::Webhook | PollError::Obstacle(_) => usual.min(self.probe_every),
            // Two who poll one bot end each other's polls, and the sooner one comes back, the less the other gets done.
            PollError::Conflict | PollError::Unreadable { .. } | PollError::Unnumbered | PollError::Away(_) => usual,
        };
        base.mul_f64(1.0 + SPREAD * chance)
    }

    /// How the answer to a poll is waited for in an outage of this length.
    pub(super) fn wait(&self, lasts: Duration) -> Wait {
        Wait::Within(self.usual(lasts))
    }

    fn usual(&self, lasts: Duration) -> Duration {
        if lasts < self.long { self.every } else { self.every_later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telegram::obstacle::Obstacle;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn telegram_is_tried_every_three_seconds_and_after_an_hour_every_fifteen() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let away = || PollError::Away(String::new());
        for (trouble, lasts, probe_every, want) in [
            (away(), seconds(0), minute, seconds(3)),
            (away(), seconds(3599), minute, seconds(3)),
            (away(), hour, minute, seconds(15)),
            (away(), hour * 100, minute, seconds(15)),
            (away(), seconds(0), seconds(1), seconds(3)),
            (PollError::Conflict, seconds(0), minute, seconds(3)),
            (PollError::Conflict, seconds(0), seconds(1), seconds(3)),
            (PollError::Webhook, hour, minute, seconds(15)),
            (PollError::Obstacle(Obstacle::Revoked), seconds(0), minute, seconds(3)),
            (PollError::Obstacle(Obstacle::LoggedOut), hour, seconds(10), seconds(10)),
            (PollError::Obstacle(Obstacle::Revoked), seconds(0), seconds(1), seconds(1)),
            (PollError::Throttled(None), seconds(0), minute, seconds(3)),
            (PollError::Throttled(Some(seconds(1))), seconds(0), minute, seconds(3)),
            (PollError::Throttled(Some(seconds(77))), seconds(0), minute, seconds(77)),
            (PollError::Throttled(Some(seconds(100_000))), seconds(0), minute, seconds(120)),
            (PollError::Throttled(Some(Duration::MAX)), hour, minute, seconds(120)),
        ] {
            assert_eq!(PollBackoff::new(probe_every).next_after(&trouble, lasts, 0.0), want, "{trouble:?} {lasts:?}");
            assert_eq!(
                PollBackoff::new(probe_every).next_after(&trouble, lasts, 1.0),
                want.mul_f64(1.2),
                "{trouble:?} {lasts:?}"
            );
        }
    }

    #[test]
    fn each_try_of_the_first_hour_ends_within_three_seconds() {
        let rhythm = PollBackoff::new(seconds(60));
        assert_eq!(rhythm.wait(seconds(0)), Wait::Within(seconds(3)));
        assert_eq!(rhythm.wait(Duration::from_hours(1)), Wait::Within(seconds(15)));
    }
}
