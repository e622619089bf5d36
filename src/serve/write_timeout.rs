//! A connection that is given up when its client takes too little of what it has asked for.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How fast an answer has to be taken on average. The slowest phone is faster; a client that takes a byte now and then
/// only keeps a place that others could have.
const BYTES_PER_SECOND: u32 = 1024;

/// A stream that breaks when too little could be written for too long. What is taken earns time, and none is lost while
/// there is nothing to write.
pub(super) struct StallTimeout<S> {
    stream: S,
    /// The most that can be earned, and what there is at the beginning.
    patience: Duration,
    left: Duration,
    /// Runs while the other end takes nothing, since this instant.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> StallTimeout<S> {
    pub(super) const fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, left: patience, stalled: None }
    }

    fn unless_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(taken) = written {
            let waited = self.stalled.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
            let earned = Duration::from_secs(*taken.as_ref().unwrap_or(&0) as u64) / BYTES_PER_SECOND;
            self.left = (self.left.saturating_sub(waited) + earned).min(self.patience);
            return Poll::Ready(taken);
        }
        let left = self.left;
        let (_, timer) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes too little")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallTimeout<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stalled(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.unless_stalled(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (server, _client) = duplex(10);
        let begun = Instant::now();
        let error = StallTimeout::new(server, PATIENCE).write_all(&[0; 100]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
    }

    /// Lets a client take `piece` bytes at a time, and returns how much of `all` it got, and after how long it was
    /// given up.
    async fn taken(piece: usize, every: Duration, all: usize) -> (usize, Option<Duration>) {
        let (server, mut client) = duplex(1024);
        let begun = Instant::now();
        let reader = async {
            let mut taken = 0;
            while taken < all {
                sleep(every).await;
                match client.read(&mut vec![0; piece]).await.unwrap() {
                    0 => break,
                    bytes => taken += bytes,
                }
            }
            taken
        };
        let writer = async {
            let mut server = StallTimeout::new(server, PATIENCE);
            server.write_all(&vec![0; all]).await.err().map(|_| begun.elapsed())
        };
        tokio::join!(reader, writer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_it_slowly_gets_all() {
        // Longer than the patience in all, but at the rate.
        assert_eq!(taken(1024, Duration::from_secs(1), 200_000).await, (200_000, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_byte_now_and_then_is_given_up() {
        let (taken, given_up_after) = taken(1, Duration::from_secs(1), 10_000).await;
        assert!(taken < 2000, "{taken} bytes");
        assert_eq!(given_up_after.map(|after| after.as_secs()), Some(60));
    }
}
