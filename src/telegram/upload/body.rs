//! The bytes of a file on their way through: counted, bounded, and watched.

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

/// A file that comes in while it goes out.
pub struct Incoming {
    /// Bytes, if that is known.
    pub size_bytes: Option<u64>,
    /// The first of them.
    pub first: Bytes,
    /// The others; an error says in words why there are no more.
    pub rest: BoxStream<'static, Result<Bytes, String>>,
}

/// Whether Telegram may have all of a request. Until it has, breaking off does no harm: half a request does nothing.
///
/// Nothing tells how much of what is written has left this machine. So a file that fits into the buffers on the way
/// counts as handed over almost at once, and if the connection breaks then, is reported as uncertain though it may not
/// have gone.
#[derive(Clone, Debug, Default)]
pub struct BodySent(Arc<AtomicBool>);

impl BodySent {
    /// The request goes out as a whole, or its last byte does.
    pub fn complete(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The request is settled, and the next has not gone out.
    pub fn begin(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether Telegram may have all of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What any web server takes, unless it was told otherwise: the least that is usual is a megabyte (nginx,
/// `client_max_body_size`).
const TAKEN_BYTES: u64 = 1_000_000;

/// Why a body came to an end before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::telegram) enum Break {
    /// It grew beyond its limit.
    TooLarge,
    /// No more came in.
    SourceStalled(String),
}

/// How long nothing may move of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::telegram) struct Patience {
    /// Before all of it has gone out.
    pub(in crate::telegram) moving: Duration,
    /// Before there is an answer to all of it.
    pub(in crate::telegram) answer: Duration,
}

/// Watches the bodies of one request.
#[derive(Debug)]
pub(in crate::telegram) struct ProgressWatch {
    size_bytes: Option<u64>,
    moved_at: Mutex<Instant>,
    broken: OnceLock<Break>,
}

impl ProgressWatch {
    /// Watches bodies of so many bytes together, if that is known.
    pub(in crate::telegram) fn new(size_bytes: Option<u64>) -> Arc<Self> {
        Arc::new(Self { size_bytes, moved_at: Mutex::new(Instant::now()), broken: OnceLock::new() })
    }

    /// Whether the bodies are larger than what any web server takes.
    pub(super) fn may_be_large(&self) -> bool {
        self.size_bytes.is_none_or(|size| size >= TAKEN_BYTES)
    }

    pub(super) fn moved(&self) {
        *self.moved_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(in crate::telegram) fn broken(&self) -> Option<&Break> {
        self.broken.get()
    }

    /// Returns when nothing has moved for so long, or there is no answer after so long.
    pub(in crate::telegram) async fn silence(&self, patience: Patience, body_sent: &BodySent) {
        loop {
            let lasts = if body_sent.is_complete() { patience.answer } else { patience.moving };
            let until = *self.moved_at.lock().unwrap_or_else(PoisonError::into_inner) + lasts;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn stop(&self, why: Break) -> io::Error {
        let error = io::Error::other(format!("{why:?}"));
        // The first reason is the reason.
        let _ = self.broken.set(why);
        error
    }
}

/// The bytes of `incoming`, at most `limit_bytes`, and as many as it was said to have. `at_end` is told once all have
/// been asked for.
pub(in crate::telegram) fn watched(
    incoming: Incoming,
    limit_bytes: u64,
    progress: Arc<ProgressWatch>,
    at_end: Option<BodySent>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (said_bytes, pieces) = (incoming.size_bytes, stream::iter([Ok(incoming.first)]).chain(incoming.rest).boxed());
    let body = Watched { pieces, said_bytes, limit_bytes, total: 0, progress, at_end };
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(body))),
            Ok(None) => None,
            Err(why) => Some((Err(body.progress.stop(why)), None)),
        }
    })
}

struct Watched {
    pieces: BoxStream<'static, Result<Bytes, String>>,
    said_bytes: Option<u64>,
    limit_bytes: u64,
    total: u64,
    progress: Arc<ProgressWatch>,
    at_end: Option<BodySent>,
}

impl Watched {
    /// The next piece. A file that is not as long as it was said to be is not whole: its request must not be completed.
    async fn next(&mut self) -> Result<Option<Bytes>, Break> {
        let piece = self.pieces.next().await;
        self.progress.moved();
        let Some(piece) = piece.transpose().map_err(Break::SourceStalled)? else {
            if self.said_bytes.is_some_and(|said| self.total < said) {
                return Err(Break::SourceStalled("the file is shorter than announced".to_owned()));
            }
            if let Some(body_sent) = &self.at_end {
                body_sent.complete();
            }
            return Ok(None);
        };
        self.total += piece.len() as u64;
        if self.total > self.limit_bytes {
            return Err(Break::TooLarge);
        }
        if self.said_bytes.is_some_and(|said| self.total > said) {
            return Err(Break::SourceStalled("the file is longer than announced".to_owned()));
        }
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { moving: Duration::from_secs(5), answer: Duration::from_mins(1) };

    fn incoming(pieces: Vec<Result<&'static str, &'static str>>) -> Incoming {
        let rest = pieces.into_iter().map(|piece| piece.map(Bytes::from).map_err(str::to_owned));
        Incoming { size_bytes: None, first: Bytes::from("first"), rest: stream::iter(rest).boxed() }
    }

    #[tokio::test]
    async fn a_file_of_another_length_than_it_was_said_to_have_is_not_handed_over() {
        let all = vec!["first".to_owned(), "second".to_owned()];
        for (said, seen, why) in [
            (11, all.clone(), None),
            (12, all.clone(), Some("the file is shorter than announced")),
            (10, all[..1].to_vec(), Some("the file is longer than announced")),
            (4, Vec::new(), Some("the file is longer than announced")),
        ] {
            let said_so = Incoming { size_bytes: Some(said), ..incoming(vec![Ok("second")]) };
            let why = why.map(|why| Break::SourceStalled(why.to_owned()));
            let is_handed_over = why.is_none();
            assert_eq!(run(said_so, 100).await, (seen, why, is_handed_over), "said to have {said}");
        }
    }

    async fn run(incoming: Incoming, limit: u64) -> (Vec<String>, Option<Break>, bool) {
        let (progress, body_sent) = (ProgressWatch::new(None), BodySent::default());
        let mut body = Box::pin(watched(incoming, limit, Arc::clone(&progress), Some(body_sent.clone())));
        let mut seen = Vec::new();
        while let Some(Ok(piece)) = body.next().await {
            assert!(!body_sent.is_complete(), "there is more");
            seen.push(String::from_utf8(piece.to_vec()).unwrap());
        }
        (seen, progress.broken().cloned(), body_sent.is_complete())
    }

    #[tokio::test]
    async fn a_request_is_handed_over_when_its_last_byte_is() {
        let whole = run(incoming(vec![Ok("second")]), 11).await;
        assert_eq!(whole, (vec!["first".to_owned(), "second".to_owned()], None, true));
    }

    #[tokio::test]
    async fn a_file_that_grows_too_large_or_breaks_off_is_not_handed_over() {
        let large = run(incoming(vec![Ok("second")]), 10).await;
        assert_eq!(large, (vec!["first".to_owned()], Some(Break::TooLarge), false));
        let broken = run(incoming(vec![Err("gone"), Ok("more")]), 100).await;
        assert_eq!(broken, (vec!["first".to_owned()], Some(Break::SourceStalled("gone".to_owned())), false));
    }

    #[tokio::test(start_paused = true)]
    async fn only_silence_ends_the_wait() {
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
    async fn an_answer_to_all_of_a_request_may_take_its_own_time() {
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
