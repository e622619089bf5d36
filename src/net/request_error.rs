//! Why no answer came, in words that are the same for both sides and for files.

use std::fmt;

use crate::net::endpoint::Endpoint;

/// Why no answer came, or no whole one. As a text it names the host, the proxy and the cause, and no path and no
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// Where the request went.
    pub place: Endpoint,
    pub cause: Cause,
    /// Whether the request may have been heard. If there was no connection, it was not.
    pub was_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A name could not be looked up.
    Name(String),
    /// Nobody took the connection: refused, no way there.
    Connection(String),
    /// TLS did not come about.
    Tls(String),
    /// The proxy does not do what it is asked for.
    Proxy(String),
    /// Nothing came for too long.
    Late(Phase),
    /// A connection that was there broke.
    Broken(String),
    /// Anything else, in the client's words.
    Other(String),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The connection, with everything that belongs to it: the name, the proxy, TLS.
    Connection,
    /// The beginning of the answer.
    Answer,
    /// The rest of it.
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
