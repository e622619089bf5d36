//! The clock of a fake: this machine's, with a shift.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::domain::time::UnixMillis;

/// A wall clock that tests can move. Clones share the shift.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_ms: Arc<AtomicI64>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a fake is a remote with a clock of its own")]
    pub fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(self.shift_ms.load(Ordering::SeqCst)).plus(since_epoch)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.shift_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Moves the clock back.
    pub fn turn_back(&self, by: Duration) {
        self.shift_ms.fetch_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}
