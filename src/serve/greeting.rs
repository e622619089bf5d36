//! TLS, before a client says what it wants.
//!
//! All of it, with the head that follows, has to be done within the time that a client has to say what it wants. Only
//! so many clients are at it at the same time: each may take tens of kilobytes, where one that has said nothing takes
//! two.

use std::io;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::{serve::connections::Connection, tls::Served};

/// With what a client begins that speaks TLS.
const HANDSHAKE: u8 = 0x16;

/// A client that has begun to speak.
pub(super) enum Greeted<S> {
    /// It speaks TLS.
    Secure(Box<TlsStream<S>>),
    /// It speaks something else, such as plain HTTP.
    Plain(S),
    /// It has seen what proves a name, and wants nothing more.
    Proved,
}

/// Speaks TLS with a client that has begun with `first`.
pub(super) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    first: u8,
    stream: S,
    served: &Served,
    connection: &Connection,
) -> io::Result<Greeted<S>> {
    if first != HANDSHAKE {
        return Ok(Greeted::Plain(stream));
    }
    connection.is_to_be_greeted().await.map_err(io::Error::other)?;
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut [first].as_slice())?;
    let begun = LazyConfigAcceptor::new(acceptor, stream).await?;
    if let Some(config) = served.proving(&begun.client_hello()) {
        begun.into_stream(config).await?.shutdown().await?;
        return Ok(Greeted::Proved);
    }
    Ok(Greeted::Secure(Box::new(begun.into_stream(served.config()).await?)))
}

#[cfg(test)]
#[path = "greeting_tests.rs"]
mod tests;
