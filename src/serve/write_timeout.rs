//! Closes a connection whose client reads the response too slowly.

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

/// The minimum average rate at which a response has to be read. The slowest phone is faster; a client that reads a byte
/// now and then only occupies a slot.
const BYTES_PER_SECOND: u32 = 1024;

/// A stream that fails when too little could be written for too long. Written bytes earn time, and none is lost while
/// there is nothing to write.
pub(super) struct StallTimeout<S> {
    stream: S,
    /// The most time that can be earned, and the initial time.
    timeout: Duration,
    left: Duration,
    /// Set while the other end reads nothing: since when, and the timer.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> StallTimeout<S> {
    pub(super) const fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, timeout, left: timeout, stalled: None }
    }

    fn unless_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(taken) = written {
            let waited = self.stalled.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
            let earned = Duration::from_secs(*taken.as_ref().unwrap_or(&0) as u64) / BYTES_PER_SECOND;
            self.left = (self.left.saturating_sub(waited) + earned).min(self.timeout);
            return Poll::Ready(taken);
        }
        let left = self.left;
        let (_, timer) = self.stalled.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")))
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
    async fn a_client_that_reads_nothing_is_dropped() {
        let (server, _client) = duplex(10);
        let started = Instant::now();
        let error = StallTimeout::new(server, PATIENCE).write_all(&[0; 100]).await.unwrap_err();
        assert_eq!((error.kind(), started.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
    }

    /// Lets a client read `piece` bytes at a time. Returns how much of `all` it got, and after how long it was dropped.
    async fn taken(piece: usize, every: Duration, all: usize) -> (usize, Option<Duration>) {
        let (server, mut client) = duplex(1024);
        let started = Instant::now();
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
            server.write_all(&vec![0; all]).await.err().map(|_| started.elapsed())
        };
        tokio::join!(reader, writer)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_at_the_minimum_rate_gets_all() {
        // Longer than the timeout in all, but at the rate.
        assert_eq!(taken(1024, Duration::from_secs(1), 200_000).await, (200_000, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_byte_now_and_then_is_dropped() {
        let (taken, given_up_after) = taken(1, Duration::from_secs(1), 10_000).await;
        assert!(taken < 2000, "{taken} bytes");
        assert_eq!(given_up_after.map(|after| after.as_secs()), Some(60));
    }
}
