//! Errors of requests, the same for both sides and for files.

use std::fmt;

use crate::net::endpoint::Endpoint;

/// Why no response came, or no complete one. Its text names the host, the proxy and the cause, and never a path or a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// Where the request went.
    pub place: Endpoint,
    pub cause: Cause,
    /// Whether the request may have arrived. Without a connection it did not.
    pub was_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A name could not be looked up.
    Name(String),
    /// The connection was refused, or there is no route.
    Connection(String),
    /// The TLS handshake failed.
    Tls(String),
    /// The proxy refuses, or fails.
    Proxy(String),
    /// A timeout.
    Late(Phase),
    /// An established connection broke.
    Broken(String),
    /// Anything else, as the client describes it.
    Other(String),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The connection, with name resolution, proxy and TLS.
    Connection,
    /// The head of the response.
    Answer,
    /// Its body.
    Rest,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) | Self::Connection(why) | Self::Broken(why) | Self::Other(why) => f.write_str(why),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::Proxy(why) => write!(f, "the proxy {why}"),
            Self::Late(Phase::Connection) => f.write_str("no connection in time"),
            Self::Late(Phase::Answer) => f.write_str("no answer in time"),
            Self::Late(Phase::Rest) => f.write_str("the answer did not go on in time"),
        }
    }
}
