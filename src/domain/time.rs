//! Instants as numbers that carry their unit.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The instant `seconds` after the epoch (Telegram's `date`, Kommo's `timestamp`). No message is older than the
    /// epoch, and Kommo accepts no such time, so an earlier one becomes the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(if seconds > 0 { seconds.saturating_mul(1000) } else { 0 })
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `wait` later. Saturates instead of wrapping.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant `wait` earlier. Saturates instead of wrapping.
    #[must_use]
    pub fn minus(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `self` until `later`; zero if that has passed.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(UnixMillis(1_999).seconds(), 1);
        assert_eq!(UnixMillis(-1).seconds(), -1);
        assert_eq!(UnixMillis::from_seconds(i64::MAX).0, i64::MAX);
    }

    #[test]
    fn seconds_before_the_epoch_become_the_epoch() {
        assert_eq!([i64::MIN, -1, 0, 1].map(|seconds| UnixMillis::from_seconds(seconds).0), [0, 0, 0, 1000]);
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixMillis(10).until(UnixMillis(5)), Duration::ZERO);
        assert_eq!(UnixMillis(5).until(UnixMillis(10)), Duration::from_millis(5));
        assert_eq!(UnixMillis(i64::MAX).plus(Duration::from_secs(1)).0, i64::MAX);
        assert_eq!(UnixMillis(1_500).minus(Duration::from_secs(1)).0, 500);
        assert_eq!(UnixMillis(i64::MIN).minus(Duration::MAX).0, i64::MIN);
    }
}
