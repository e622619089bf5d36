//! The one place that reads the clocks.

use std::{sync::OnceLock, time::Instant};

use crate::domain::time::UnixMillis;

/// The present instant, by this machine's clock.
///
/// A clock set before 1970 reads as the epoch.
#[must_use]
pub fn now() -> UnixMillis {
    #[expect(clippy::disallowed_methods, reason = "everybody else takes the instant as an argument or asks here")]
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The present instant by a clock that nobody sets: it shows the wall clock's time at its first reading, and from then on
/// only what has passed. Waits within one run are measured by it, so that a step of the wall clock neither ends nor
/// prolongs them. It means nothing to another run, and does not go on while the machine is suspended.
#[must_use]
pub fn steady() -> UnixMillis {
    static START: OnceLock<(Instant, UnixMillis)> = OnceLock::new();
    let (started, at) = START.get_or_init(|| (Instant::now(), now()));
    at.plus(started.elapsed())
}
