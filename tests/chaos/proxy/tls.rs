//! Connections with and without TLS, and certificates that nobody should take.

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;

use super::fault::Fault;
use crate::pki::{Authority, Flaw};

/// Whoever asks, and how they are spoken to.
pub(crate) type Client = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Resets a connection: what it had still to give is lost.
pub(super) fn reset(client: Client) -> io::Result<()> {
    match &client {
        Either::Left(socket) => socket.set_zero_linger()?,
        Either::Right(stream) => stream.get_ref().0.set_zero_linger()?,
    }
    drop(client);
    Ok(())
}

/// A good certificate, and those that are not.
pub(crate) struct Certificates {
    good: TlsAcceptor,
    bad: Vec<(Fault, TlsAcceptor)>,
}

impl Certificates {
    /// Those of a remote whom this authority vouches for.
    pub(crate) fn by(authority: &Authority) -> Self {
        let flaws = [
            (Fault::TlsExpired, Flaw::Expired),
            (Fault::TlsNotYet, Flaw::NotYet),
            (Fault::TlsOtherName, Flaw::OtherName),
            (Fault::TlsAuthority, Flaw::Authority),
        ];
        let mut bad: Vec<_> = flaws.map(|(fault, flaw)| (fault, authority.acceptor(flaw))).into();
        bad.push((Fault::TlsStranger, Authority::new().acceptor(Flaw::Nothing)));
        Self { good: authority.acceptor(Flaw::Nothing), bad }
    }

    /// What is shown under this fault, and whether it is good.
    pub(super) fn shown(&self, fault: Option<Fault>) -> (&TlsAcceptor, bool) {
        let bad = self.bad.iter().find(|(under, _)| Some(*under) == fault);
        bad.map_or((&self.good, true), |(_, acceptor)| (acceptor, false))
    }
}
