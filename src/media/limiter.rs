//! Limits concurrent downloads.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Response};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

const MAX_CONCURRENT: usize = 32;
/// How many more clients may wait. Both together are far fewer than the listener's connections, so that slow clients
/// leave room for hooks, which Kommo sends once.
const MAX_WAITING: usize = 32;
/// How long a client waits. It is unknown whether Kommo retries after a refusal.
const MAX_WAIT: Duration = Duration::from_secs(15);

pub(super) struct Limiter {
    permits: Arc<Semaphore>,
    queue: Semaphore,
}

/// A permit for one download, which is released when it is dropped.
pub(super) type Permit = Arc<OwnedSemaphorePermit>;

impl Default for Limiter {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_CONCURRENT)), queue: Semaphore::new(MAX_WAITING) }
    }
}

impl Limiter {
    /// Acquires a permit; `None` if too many wait already, or none is released in time.
    pub(super) async fn acquire(&self) -> Option<Permit> {
        if let Ok(acquire) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(Arc::new(acquire));
        }
        let _queued = self.queue.try_acquire().ok()?;
        timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await.ok()?.ok().map(Arc::new)
    }
}

/// The response, whose body holds the permit until it ends.
pub(super) fn with_permit(acquire: Permit, response: Response<Body>) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_err(move |error| {
            let _held = &acquire;
            error
        }))
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn full() -> (Limiter, Vec<Permit>) {
        let (limiter, mut permits) = (Limiter::default(), Vec::new());
        for _ in 0..MAX_CONCURRENT {
            permits.push(limiter.acquire().await.unwrap());
        }
        (limiter, permits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_waits_for_a_permit() {
        let (limiter, mut permits) = full().await;
        let started = Instant::now();
        assert!(limiter.acquire().await.is_none());
        assert_eq!(started.elapsed(), MAX_WAIT);
        let free = async {
            tokio::time::sleep(MAX_WAIT / 2).await;
            permits.pop();
        };
        let (acquire, ()) = tokio::join!(limiter.acquire(), free);
        assert!(acquire.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_few_wait_and_others_are_refused_at_once() {
        let (limiter, _places) = full().await;
        let started = Instant::now();
        let waiting = futures_util::future::join_all((0..MAX_WAITING).map(|_| limiter.acquire()));
        let one_more = async {
            tokio::task::yield_now().await;
            assert!(limiter.acquire().await.is_none());
            started.elapsed()
        };
        let (waited, sent_away_after) = tokio::join!(waiting, one_more);
        assert!(waited.iter().all(Option::is_none) && started.elapsed() == MAX_WAIT);
        assert_eq!(sent_away_after, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_holds_its_permit_until_it_is_dropped() {
        let (limiter, mut permits) = full().await;
        let response = with_permit(permits.pop().unwrap(), Response::new(Body::from("x")));
        assert!(limiter.acquire().await.is_none());
        drop(response);
        assert!(limiter.acquire().await.is_some());
    }
}
