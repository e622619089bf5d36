//! A timeout for a slow remote that does not count the time that a call waits for our own rate limits.
//!
//! Such a wait says nothing about the remote. The timeout is local to the task, so calls need no argument for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task_local,
    time::{Instant, sleep},
};

task_local! {
    /// The stopwatch of the task.
    static DEADLINE: Arc<Stopwatch>;
}

/// The shortest interval at which the timeout is checked.
const CHECK_EVERY: Duration = Duration::from_millis(20);

/// The work has timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer in time")]
pub struct TooLate;

/// Runs `work` with a timeout, which does not count the waits of its calls for rate limits.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TooLate> {
    let watch = Arc::new(Stopwatch::new());
    let over = async {
        while let Some(left) = limit.checked_sub(watch.spent()).filter(|left| !left.is_zero()) {
            sleep(left.max(CHECK_EVERY)).await;
        }
    };
    tokio::select! {
        biased;
        done = DEADLINE.scope(Arc::clone(&watch), work) => Ok(done),
        () = over => Err(TooLate),
    }
}

/// Waits for a rate limit, without counting the time.
pub(super) async fn uncounted<T>(turn: impl Future<Output = T>) -> T {
    let watch = DEADLINE.try_with(Arc::clone).ok();
    let _stopped = watch.as_deref().map(Stopped::new);
    turn.await
}

/// Counts time, except while calls wait for rate limits.
struct Stopwatch(Mutex<Spent>);

struct Spent {
    before: Duration,
    /// Since when it counts again, unless a call waits.
    since: Instant,
    waiting: usize,
}

impl Spent {
    fn until(&self, now: Instant) -> Duration {
        self.before + if self.waiting == 0 { now - self.since } else { Duration::ZERO }
    }
}

impl Stopwatch {
    fn new() -> Self {
        Self(Mutex::new(Spent { before: Duration::ZERO, since: Instant::now(), waiting: 0 }))
    }

    fn spent(&self) -> Duration {
        self.with(|spent| spent.until(Instant::now()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Spent) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Stops the watch as long as it exists.
struct Stopped<'a>(&'a Stopwatch);

impl<'a> Stopped<'a> {
    fn new(watch: &'a Stopwatch) -> Self {
        watch.with(|spent| {
            spent.before = spent.until(Instant::now());
            spent.waiting += 1;
        });
        Self(watch)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.with(|spent| {
            spent.waiting = spent.waiting.saturating_sub(1);
            spent.since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::rate_limit::RateLimit;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_remote_that_is_slow_is_too_late() {
        let started_at = Instant::now();
        assert_eq!(within(LIMIT, sleep(Duration::from_secs(9))).await, Err(TooLate));
        assert_eq!(started_at.elapsed(), LIMIT);
        assert_eq!(within(LIMIT, sleep(Duration::from_millis(2999))).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_are_not_late_for_waiting_for_each_other() {
        for many in [1, 6, 12, 30] {
            let (rate_limit, started_at) = (RateLimit::per_second(5), Instant::now());
            let work = async || {
                for _ in 0..5 {
                    rate_limit.acquire().await;
                    // The remote's own time.
                    sleep(Duration::from_millis(100)).await;
                }
            };
            let done = join_all((0..many).map(|_| within(LIMIT, work()))).await;
            assert!(done.iter().all(Result::is_ok), "{many}: {done:?}");
            assert!(started_at.elapsed() >= Duration::from_secs(many - 1), "{many}: they had to wait");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_remote_is_too_late_behind_a_long_wait_too() {
        let (rate_limit, started_at) = (RateLimit::per_second(1), Instant::now());
        let first = join_all((0..10).map(|_| rate_limit.acquire()));
        let work = async {
            rate_limit.acquire().await;
            sleep(LIMIT * 2).await;
        };
        let (_, done) = tokio::join!(first, within(LIMIT, work));
        assert_eq!(done, Err(TooLate));
        let took = started_at.elapsed();
        assert!((Duration::from_secs(13)..Duration::from_millis(13_100)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_once_no_concurrent_call_waits() {
        let (rate_limit, started_at) = (RateLimit::per_second(1), Instant::now());
        rate_limit.acquire().await;
        let work = async { tokio::join!(rate_limit.acquire(), rate_limit.acquire(), sleep(Duration::from_mins(1))) };
        assert!(within(LIMIT, work).await.is_err());
        // Two waits of a second each, and then the limit.
        assert!(started_at.elapsed() >= LIMIT + Duration::from_secs(2), "{:?}", started_at.elapsed());
    }
}
