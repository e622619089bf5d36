//! The one place that reads the wall clock.

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
