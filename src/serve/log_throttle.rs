//! Limits how often an event is logged.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The least time between two lines.
const EVERY: Duration = Duration::from_mins(1);

/// Counts an event that may happen thousands of times a minute, and is logged once a minute.
#[derive(Debug, Default)]
pub(super) struct LogThrottle(Mutex<(Option<Instant>, usize)>);

impl LogThrottle {
    /// Adds `count` events. If a line is due, returns how many there were since the last one.
    pub(super) fn add(&self, count: usize) -> Option<usize> {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += count;
        if state.0.is_some_and(|at| now.duration_since(at) < EVERY) {
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_logged_at_once_and_the_others_together_after_a_minute() {
        let throttle = LogThrottle::default();
        assert_eq!((throttle.add(3), throttle.add(1), throttle.add(1)), (Some(3), None, None));
        tokio::time::advance(EVERY).await;
        assert_eq!((throttle.add(1), throttle.add(1)), (Some(3), None));
    }
}
