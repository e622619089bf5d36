//! Keeping below a rate, fairly: who asks first goes first.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// Lets a number of calls start within any second. Shared by all who call one remote.
#[derive(Debug)]
pub struct Pace {
    rate: usize,
    /// When the last calls started, at most `rate` of them, oldest first.
    started_at: Mutex<VecDeque<Instant>>,
}

impl Pace {
    /// At most `rate` calls within any second; a rate of zero counts as one.
    #[must_use]
    pub fn per_second(rate: u32) -> Self {
        Self { rate: usize::try_from(rate.max(1)).unwrap_or(usize::MAX), started_at: Mutex::new(VecDeque::new()) }
    }

    /// Waits for this caller's turn.
    ///
    /// The lock is held while waiting, so the turns are given in the order of asking, and a caller that gives up costs
    /// nobody a turn.
    pub async fn turn(&self) {
        let mut started_at = self.started_at.lock().await;
        if started_at.len() >= self.rate
            && let Some(&oldest) = started_at.front()
        {
            sleep_until(oldest + Duration::from_secs(1)).await;
            started_at.pop_front();
        }
        started_at.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_calls_than_the_rate() {
        let (pace, start) = (Pace::per_second(3), Instant::now());
        let mut seconds = Vec::new();
        for _ in 0..8 {
            pace.turn().await;
            seconds.push(start.elapsed().as_secs());
        }
        assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2, 2]);
    }
}
