//! How many files pass through at the same time.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Response};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many files pass through at the same time.
const AT_ONCE: usize = 32;
/// How many more readers wait for that. Both together are far fewer than the listener has connections, so that slow
/// readers leave room for hooks, which Kommo sends once.
const WAITING: usize = 32;
/// How long a reader waits. Nothing tells whether Kommo comes again after it was sent away.
const WAITS_FOR: Duration = Duration::from_secs(15);

/// Room for files that pass through.
pub(super) struct Limiter {
    places: Arc<Semaphore>,
    queue: Semaphore,
}

/// One of the places at which files pass through; free again once nobody holds it.
pub(super) type Permit = Arc<OwnedSemaphorePermit>;

impl Default for Limiter {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), queue: Semaphore::new(WAITING) }
    }
}

impl Limiter {
    /// A place, at once or after a while; `None` if too many wait already, or nothing gets free in time.
    pub(super) async fn acquire(&self) -> Option<Permit> {
        if let Ok(acquire) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(Arc::new(acquire));
        }
        let _queued = self.queue.try_acquire().ok()?;
        timeout(WAITS_FOR, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok().map(Arc::new)
    }
}

/// The answer, whose body keeps the place until it ends.
pub(super) fn keeping(acquire: Permit, response: Response<Body>) -> Response<Body> {
    response.map(|body| {
        Body::new(body.map_err(move |error| {
            let _kept = &acquire;
            error
        }))
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    async fn full() -> (Limiter, Vec<Permit>) {
        let (limiter, mut places) = (Limiter::default(), Vec::new());
        for _ in 0..AT_ONCE {
            places.push(limiter.acquire().await.unwrap());
        }
        (limiter, places)
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_waits_a_while_for_one() {
        let (limiter, mut places) = full().await;
        let begun = Instant::now();
        assert!(limiter.acquire().await.is_none());
        assert_eq!(begun.elapsed(), WAITS_FOR);
        let free = async {
            tokio::time::sleep(WAITS_FOR / 2).await;
            places.pop();
        };
        let (acquire, ()) = tokio::join!(limiter.acquire(), free);
        assert!(acquire.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn few_wait_and_the_others_are_sent_away_at_once() {
        let (limiter, _places) = full().await;
        let begun = Instant::now();
        let waiting = futures_util::future::join_all((0..WAITING).map(|_| limiter.acquire()));
        let one_more = async {
            tokio::task::yield_now().await;
            assert!(limiter.acquire().await.is_none());
            begun.elapsed()
        };
        let (waited, sent_away_after) = tokio::join!(waiting, one_more);
        assert!(waited.iter().all(Option::is_none) && begun.elapsed() == WAITS_FOR);
        assert_eq!(sent_away_after, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_keeps_its_place_until_it_is_gone() {
        let (limiter, mut places) = full().await;
        let response = keeping(places.pop().unwrap(), Response::new(Body::from("x")));
        assert!(limiter.acquire().await.is_none());
        drop(response);
        assert!(limiter.acquire().await.is_some());
    }
}
