//! The body of an upload: counted, limited, and watched for progress.

use std::{
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use hyper::body::Bytes;
use tokio::time::{Instant, sleep_until};

/// A file that is streamed from its source.
pub struct Incoming {
    /// Bytes, if that is known.
    pub size_bytes: Option<u64>,
    pub first: Bytes,
    /// The others; an error is the reason why there are no more.
    pub rest: BoxStream<'static, Result<Bytes, String>>,
}

/// Whether Telegram may have a complete request. An incomplete one has no effect, so it can be aborted safely.
///
/// Nobody knows how much of the written data has left this machine. So a file that fits into the buffers counts as sent
/// almost at once. If the connection breaks then, the message is uncertain, though it may not have been sent.
#[derive(Clone, Debug, Default)]
pub struct BodySent(Arc<AtomicBool>);

impl BodySent {
    /// The request, or its last byte, is being sent.
    pub fn complete(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// A request begins, of which nothing was sent yet.
    pub fn begin(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether Telegram may have the complete request.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The lowest default limit of a web server: one megabyte (nginx, `client_max_body_size`).
const MIN_SERVER_LIMIT_BYTES: u64 = 1_000_000;

/// Why a body has ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::telegram) enum Break {
    /// It exceeds its limit.
    TooLarge,
    /// Its source has stopped sending.
    SourceStalled(String),
}

/// How long a request may make no progress.
#[derive(Clone, Copy, Debug)]
pub(in crate::telegram) struct Patience {
    /// Until it was sent.
    pub(in crate::telegram) moving: Duration,
    /// From then on, until there is a response.
    pub(in crate::telegram) answer: Duration,
}

/// Watches the progress of the bodies of one request.
#[derive(Debug)]
pub(in crate::telegram) struct ProgressWatch {
    size_bytes: Option<u64>,
    moved_at: Mutex<Instant>,
    broken: OnceLock<Break>,
}

impl ProgressWatch {
    /// Watches bodies of this size together, if it is known.
    pub(in crate::telegram) fn new(size_bytes: Option<u64>) -> Arc<Self> {
        Arc::new(Self { size_bytes, moved_at: Mutex::new(Instant::now()), broken: OnceLock::new() })
    }

    /// Whether the bodies may exceed the limit of some web server.
    pub(super) fn may_be_large(&self) -> bool {
        self.size_bytes.is_none_or(|size| size >= MIN_SERVER_LIMIT_BYTES)
    }

    pub(super) fn moved(&self) {
        *self.moved_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(in crate::telegram) fn broken(&self) -> Option<&Break> {
        self.broken.get()
    }

    /// Returns when the request has made no progress for too long.
    pub(in crate::telegram) async fn silence(&self, patience: Patience, body_sent: &BodySent) {
        loop {
            let limit = if body_sent.is_complete() { patience.answer } else { patience.moving };
            let until = *self.moved_at.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn stop(&self, why: Break) -> io::Error {
        let error = io::Error::other(format!("{why:?}"));
        // Only the first error counts.
        let _ = self.broken.set(why);
        error
    }
}

/// Streams `incoming`, which must have its expected size and at most `limit_bytes`. `at_end` is completed with the last
/// chunk.
pub(in crate::telegram) fn watched(
    incoming: Incoming,
    limit_bytes: u64,
    progress: Arc<ProgressWatch>,
    at_end: Option<BodySent>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (expected_bytes, chunks) =
        (incoming.size_bytes, stream::iter([Ok(incoming.first)]).chain(incoming.rest).boxed());
    let body = Watched { chunks, expected_bytes, limit_bytes, total: 0, progress, at_end };
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(body))),
            Ok(None) => None,
            Err(why) => Some((Err(body.progress.stop(why)), None)),
        }
    })
}

struct Watched {
    chunks: BoxStream<'static, Result<Bytes, String>>,
    expected_bytes: Option<u64>,
    limit_bytes: u64,
    total: u64,
    progress: Arc<ProgressWatch>,
    at_end: Option<BodySent>,
}

impl Watched {
    /// The next chunk. A file without its expected size is incomplete, so its request must not be completed.
    async fn next(&mut self) -> Result<Option<Bytes>, Break> {
        let chunk = self.chunks.next().await;
        self.progress.moved();
        let Some(chunk) = chunk.transpose().map_err(Break::SourceStalled)? else {
            if self.expected_bytes.is_some_and(|expected| self.total < expected) {
                return Err(Break::SourceStalled("the file is shorter than announced".to_owned()));
            }
            if let Some(body_sent) = &self.at_end {
                body_sent.complete();
            }
            return Ok(None);
        };
        self.total += chunk.len() as u64;
        if self.total > self.limit_bytes {
            return Err(Break::TooLarge);
        }
        if self.expected_bytes.is_some_and(|expected| self.total > expected) {
            return Err(Break::SourceStalled("the file is longer than announced".to_owned()));
        }
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { moving: Duration::from_secs(5), answer: Duration::from_mins(1) };

    fn incoming(chunks: Vec<Result<&'static str, &'static str>>) -> Incoming {
        let rest = chunks.into_iter().map(|chunk| chunk.map(Bytes::from).map_err(str::to_owned));
        Incoming { size_bytes: None, first: Bytes::from("first"), rest: stream::iter(rest).boxed() }
    }

    #[tokio::test]
    async fn a_file_without_its_expected_size_is_not_completed() {
        let all = vec!["first".to_owned(), "second".to_owned()];
        for (expected, seen, why) in [
            (11, all.clone(), None),
            (12, all.clone(), Some("the file is shorter than announced")),
            (10, all[..1].to_vec(), Some("the file is longer than announced")),
            (4, Vec::new(), Some("the file is longer than announced")),
        ] {
            let said_so = Incoming { size_bytes: Some(expected), ..incoming(vec![Ok("second")]) };
            let why = why.map(|why| Break::SourceStalled(why.to_owned()));
            let is_handed_over = why.is_none();
            assert_eq!(run(said_so, 100).await, (seen, why, is_handed_over), "expected {expected}");
        }
    }

    async fn run(incoming: Incoming, limit: u64) -> (Vec<String>, Option<Break>, bool) {
        let (progress, body_sent) = (ProgressWatch::new(None), BodySent::default());
        let mut body = Box::pin(watched(incoming, limit, Arc::clone(&progress), Some(body_sent.clone())));
        let mut seen = Vec::new();
        while let Some(Ok(chunk)) = body.next().await {
            assert!(!body_sent.is_complete(), "there is more");
            seen.push(String::from_utf8(chunk.to_vec()).unwrap());
        }
        (seen, progress.broken().cloned(), body_sent.is_complete())
    }

    #[tokio::test]
    async fn a_request_is_complete_with_its_last_byte() {
        let whole = run(incoming(vec![Ok("second")]), 11).await;
        assert_eq!(whole, (vec!["first".to_owned(), "second".to_owned()], None, true));
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_or_breaks_off_is_not_completed() {
        let large = run(incoming(vec![Ok("second")]), 10).await;
        assert_eq!(large, (vec!["first".to_owned()], Some(Break::TooLarge), false));
        let broken = run(incoming(vec![Err("gone"), Ok("more")]), 100).await;
        assert_eq!(broken, (vec!["first".to_owned()], Some(Break::SourceStalled("gone".to_owned())), false));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_lack_of_progress_ends_the_wait() {
        let (progress, body_sent) = (ProgressWatch::new(None), BodySent::default());
        let begun_at = Instant::now();
        let moving = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(3)).await;
                progress.moved();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = progress.silence(PATIENCE, &body_sent) => {}
            () = moving => {}
        }
        assert_eq!(begun_at.elapsed(), Duration::from_secs(35));
    }

    #[tokio::test(start_paused = true)]
    async fn the_response_to_a_complete_request_has_a_timeout_of_its_own() {
        let (progress, body_sent, begun_at) = (ProgressWatch::new(None), BodySent::default(), Instant::now());
        let handing_over = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            progress.moved();
            body_sent.complete();
        };
        tokio::join!(progress.silence(PATIENCE, &body_sent), handing_over);
        assert_eq!(begun_at.elapsed(), Duration::from_secs(64));
    }
}
