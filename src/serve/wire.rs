//! A connection's stream, which lets its client receive a response that was sent before the whole request was read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::serve::connections::Connection;

/// How much of a request is still read after the response. Closing a connection with unread bytes resets it, and the
/// client may never see the response.
const MAX_DRAINED_BYTES: usize = 8 * 1024 * 1024;
/// Time limit for that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const PIECE_BYTES: usize = 8 * 1024;

/// A stream that reports progress, and closes gracefully.
pub(super) struct Wire<S> {
    /// Bytes that were read already.
    head: Bytes,
    stream: S,
    connection: Arc<Connection>,
    end: End,
}

/// The state of closing.
enum End {
    /// Not closing.
    Open,
    /// Nothing more is written; further input is discarded.
    Draining { left_bytes: usize, deadline: Pin<Box<Sleep>> },
}

impl<S> Wire<S> {
    pub(super) const fn new(head: Bytes, stream: S, connection: Arc<Connection>) -> Self {
        Self { head, stream, connection, end: End::Open }
    }

    fn record_progress(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.connection.progress(*bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Ready once the client has stopped sending, or has reached the limit. If the whole request was read, only input
    /// that has already arrived is discarded, such as an extra line break.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let End::Draining { left_bytes, deadline } = &mut self.end else { return Poll::Ready(()) };
        let mut piece = [0; PIECE_BYTES];
        while *left_bytes > 0 {
            let mut piece = ReadBuf::new(&mut piece);
            match Pin::new(&mut self.stream).poll_read(context, &mut piece) {
                Poll::Pending if self.connection.is_read() => break,
                Poll::Pending => return deadline.as_mut().poll(context),
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    *left_bytes = left_bytes.saturating_sub(piece.filled().len());
                    self.connection.progress(piece.filled().len());
                }
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let piece = self.head.len().min(into.remaining());
        into.put_slice(&self.head.split_to(piece));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.record_progress(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.record_progress(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.end, End::Open) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if self.connection.is_dropped() {
                return Poll::Ready(Ok(()));
            }
            self.connection.start_draining();
            self.end = End::Draining { left_bytes: MAX_DRAINED_BYTES, deadline: Box::pin(sleep(DRAIN_TIMEOUT)) };
        }
        self.poll_drain(context).map(Ok)
    }
}
