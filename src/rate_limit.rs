//! Rate limits with fair queues: calls start in the order of asking, and those of broadcasts after the others.

mod chat;
mod within;

pub use chat::{ChatLimits, ChatRateLimit};
pub use within::{TooLate, within};

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// Limits the calls that start within any second. Shared by all callers of one remote.
#[derive(Debug)]
pub struct RateLimit {
    rate: usize,
    /// When the last calls started, at most `rate` of them, oldest first.
    started_at: Mutex<VecDeque<Instant>>,
    /// Locked by the only patient caller that is in the queue.
    patient: Mutex<()>,
}

impl RateLimit {
    /// At most `rate` calls within any second; a rate of zero counts as one.
    #[must_use]
    pub fn per_second(rate: u32) -> Self {
        Self {
            rate: usize::try_from(rate.max(1)).unwrap_or(usize::MAX),
            started_at: Mutex::default(),
            patient: Mutex::default(),
        }
    }

    /// Waits until the caller may start its call.
    ///
    /// The lock is held while waiting, so callers are served in the order of asking, and a caller that gives up uses up
    /// nothing.
    pub async fn acquire(&self) {
        within::uncounted(self.acquire_counted()).await;
    }

    async fn acquire_counted(&self) {
        let mut started_at = self.started_at.lock().await;
        if started_at.len() >= self.rate
            && let Some(&oldest) = started_at.front()
        {
            sleep_until(oldest + Duration::from_secs(1)).await;
            started_at.pop_front();
        }
        started_at.push_back(Instant::now());
    }

    /// The same for a broadcast: only one of its calls at a time is in the queue before other callers.
    pub async fn acquire_patiently(&self) {
        within::uncounted(async {
            let _first_of_the_patient = self.patient.lock().await;
            self.acquire_counted().await;
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_calls_than_the_rate() {
        let (rate_limit, start) = (RateLimit::per_second(3), Instant::now());
        let mut seconds = Vec::new();
        for _ in 0..8 {
            rate_limit.acquire().await;
            seconds.push(start.elapsed().as_secs());
        }
        assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn other_callers_overtake_patient_ones() {
        let (rate_limit, done) = (RateLimit::per_second(1), Cell::new(0));
        let patient = join_all((0..50).map(async |_| {
            rate_limit.acquire_patiently().await;
            done.set(done.get() + 1);
        }));
        let make_due = async {
            for turn in 1..=3 {
                rate_limit.acquire().await;
                assert!(done.get() <= turn + 1, "one of them goes first, and no more");
            }
        };
        tokio::join!(patient, make_due);
        assert_eq!(done.get(), 50, "all are served");
    }
}
