//! A TCP connection that can be closed from outside.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::leaks::{Inspector, Leaks};

/// A stream that fails in both directions after its token is cancelled.
pub(super) struct Wire {
    stream: TcpStream,
    cut: CancellationToken,
    inspector: Inspector,
    cutting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, cut: CancellationToken, leaks: Arc<Leaks>) -> Self {
        let cutting = Box::pin(cut.clone().cancelled_owned());
        Self { stream, cut, inspector: Inspector::new(leaks), cutting }
    }

    pub(super) fn cut_token(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Pending until the connection is closed; wakes the reader then.
    fn poll_cut<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.cutting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.poll_cut(context) {
            Poll::Ready(cut) => Poll::Ready(cut),
            Poll::Pending => {
                let before = into.filled().len();
                let read = ready!(Pin::new(&mut self.stream).poll_read(context, into));
                self.inspector.inspect(&into.filled()[before..]);
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.poll_cut(context) {
            Poll::Ready(cut) => Poll::Ready(cut),
            Poll::Pending => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
