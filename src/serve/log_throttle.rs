//! What happens often is said seldom.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often it is said.
const EVERY: Duration = Duration::from_mins(1);

/// Something that may happen thousands of times a minute, and is worth one line in it.
#[derive(Debug, Default)]
pub(super) struct LogThrottle(Mutex<(Option<Instant>, usize)>);

impl LogThrottle {
    /// It has happened `count` times more. Returns how often since it was last said, if it is time to say it.
    pub(super) fn said(&self, count: usize) -> Option<usize> {
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
    async fn the_first_is_said_at_once_and_the_others_together_after_a_minute() {
        let throttle = LogThrottle::default();
        assert_eq!((throttle.said(3), throttle.said(1), throttle.said(1)), (Some(3), None, None));
        tokio::time::advance(EVERY).await;
        assert_eq!((throttle.said(1), throttle.said(1)), (Some(3), None));
    }
}
