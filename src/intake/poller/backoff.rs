//! When a failed poll is retried.

use std::time::Duration;

use crate::{intake::poller::poll_error::PollError, telegram::updates::Wait};

/// How far retries vary at random, so that the bots of one bridge do not all poll at once.
const SPREAD: f64 = 0.2;

/// The intervals between retries of a failed poll.
#[derive(Clone, Copy, Debug)]
pub struct PollBackoff {
    /// The interval while Telegram is unreachable, and the timeout of these polls. Telegram delays a poll for 3 s if
    /// the last one with this offset is less than 3 s ago, so a shorter interval is useless.
    pub(super) every: Duration,
    /// The length of an outage after which the interval is longer.
    pub(super) long: Duration,
    /// The interval after that, and the timeout: the connection may have become slow.
    pub(super) every_later: Duration,
    /// The longest wait that a response can request. Telegram forgets the press of a button after 150 s, and a broken
    /// proxy may request days.
    pub(super) longest_requested: Duration,
    /// The longest interval while the operator has to act.
    pub(super) probe_every: Duration,
}

impl PollBackoff {
    /// The default intervals, with `probe_every` as the longest one while the operator has to act.
    #[must_use]
    pub const fn new(probe_every: Duration) -> Self {
        Self {
            every: Duration::from_secs(3),
            long: Duration::from_hours(1),
            every_later: Duration::from_secs(15),
            longest_requested: Duration::from_mins(2),
            probe_every,
        }
    }

    /// The time from the start of a failed poll to the next one, in an outage of this length. `chance` is a random
    /// number in `0.0..1.0`.
    pub(super) fn next_after(&self, error: &PollError, outage: Duration, chance: f64) -> Duration {
        let usual = self.usual(outage);
        let base = match error {
            PollError::Throttled(requested) => usual.max(requested.unwrap_or_default().min(self.longest_requested)),
            PollError::Webhook | PollError::Obstacle(_) => usual.min(self.probe_every),
            // Two programs that poll one bot end each other's polls: the sooner one returns, the less the other gets.
            PollError::Conflict | PollError::Unreadable { .. } | PollError::Unnumbered | PollError::Away(_) => usual,
        };
        base.mul_f64(1.0 + SPREAD * chance)
    }

    /// How the next poll waits for its response in an outage of this length.
    pub(super) fn wait(&self, outage: Duration) -> Wait {
        Wait::Within(self.usual(outage))
    }

    fn usual(&self, outage: Duration) -> Duration {
        if outage < self.long { self.every } else { self.every_later }
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
        for (error, outage, probe_every, want) in [
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
            assert_eq!(PollBackoff::new(probe_every).next_after(&error, outage, 0.0), want, "{error:?} {outage:?}");
            assert_eq!(
                PollBackoff::new(probe_every).next_after(&error, outage, 1.0),
                want.mul_f64(1.2),
                "{error:?} {outage:?}"
            );
        }
    }

    #[test]
    fn each_poll_of_the_first_hour_ends_within_three_seconds() {
        let backoff = PollBackoff::new(seconds(60));
        assert_eq!(backoff.wait(seconds(0)), Wait::Within(seconds(3)));
        assert_eq!(backoff.wait(Duration::from_hours(1)), Wait::Within(seconds(15)));
    }
}
