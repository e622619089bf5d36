//! The TLS handshake. The handshake and the head that follows share one time limit. Only a limited number of clients
//! may be in it at the same time: each may need tens of kilobytes, a silent one only two.

use std::io;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::{serve::connections::Connection, tls::Served};

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

/// The result of a handshake.
pub(super) enum Handshake<S> {
    /// TLS is established.
    Secure(Box<TlsStream<S>>),
    /// The client uses another protocol, such as plain HTTP.
    Plain(S),
    /// An ACME authority has validated the name, and is done.
    Validated,
}

/// Makes the handshake with a client whose first byte is `first`.
pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    first: u8,
    stream: S,
    served: &Served,
    connection: &Connection,
) -> io::Result<Handshake<S>> {
    if first != TLS_HANDSHAKE {
        return Ok(Handshake::Plain(stream));
    }
    connection.start_handshake().await.map_err(io::Error::other)?;
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut [first].as_slice())?;
    let started = LazyConfigAcceptor::new(acceptor, stream).await?;
    if let Some(config) = served.challenge_config(&started.client_hello()) {
        started.into_stream(config).await?.shutdown().await?;
        return Ok(Handshake::Validated);
    }
    Ok(Handshake::Secure(Box::new(started.into_stream(served.config()).await?)))
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
