//! Maps errors of the HTTP client to causes. The client wraps each error into others. Some of them contain the whole
//! URL, so only errors known to contain none are quoted.

use std::{error::Error, io, iter::successors};

use crate::net::{
    endpoint::Endpoint,
    names::Unknown,
    proxied,
    request_error::{Cause, Phase, RequestError},
    tls,
};

type Link<'a> = &'a (dyn Error + 'static);

/// How much of the response had arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    Sent,
    /// Its head.
    Receiving,
}

/// Maps an error of the client.
pub(super) fn of(error: &reqwest::Error, place: Endpoint, stage: Stage) -> RequestError {
    let chain = chain(error);
    let was_sent = !(error.is_connect() || was_never_sent(&chain));
    let cause = if error.is_timeout() {
        Cause::Late(match stage {
            Stage::Sent if error.is_connect() => Phase::Connection,
            Stage::Sent => Phase::Answer,
            Stage::Receiving => Phase::Rest,
        })
    } else {
        cause(&chain, &place)
    };
    RequestError { place, cause, was_sent }
}

/// All errors that this one wraps, the outermost first.
pub(super) fn chain(error: &reqwest::Error) -> Vec<Link<'_>> {
    successors(error.source(), |link| inner(*link)).collect()
}

/// The error of type `T` that an error of the client wraps.
#[must_use]
pub fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    first(&chain(error))
}

/// The source of an `io::Error` is that of the error it wraps, so the wrapped error itself has to be fetched.
fn inner(link: Link<'_>) -> Option<Link<'_>> {
    let wrapped = link.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map_or_else(|| link.source(), |wrapped| Some(wrapped as Link<'_>))
}

/// Whether the client never wrote the request: the pooled connection that it chose was closed.
fn was_never_sent(chain: &[Link<'_>]) -> bool {
    let hyper = chain.iter().find_map(|link| link.downcast_ref::<hyper::Error>());
    hyper.is_some_and(hyper::Error::is_canceled)
}

fn cause(chain: &[Link<'_>], place: &Endpoint) -> Cause {
    if let Some(unknown) = first::<Unknown>(chain) {
        return Cause::Name(of_name(unknown));
    }
    if let Some(error) = first::<rustls::Error>(chain) {
        return Cause::Tls(tls::describe(error));
    }
    if let Some(cause) = place.proxy.as_ref().and_then(|proxy| proxied::cause(chain, proxy)) {
        return cause;
    }
    if let Some(error) = first::<io::Error>(chain) {
        return of_io(error, chain);
    }
    match first::<hyper::Error>(chain) {
        Some(error) if error.is_incomplete_message() => Cause::Broken(CLOSED.to_owned()),
        Some(error) if error.is_parse() => Cause::Other("the response is not HTTP".to_owned()),
        Some(_) | None => Cause::Other(chain.last().map_or_else(|| FAILED.to_owned(), ToString::to_string)),
    }
}

const CLOSED: &str = "the connection was closed before the response was complete";
const FAILED: &str = "the connection failed";

fn first<'a, T: Error + 'static>(chain: &[Link<'a>]) -> Option<&'a T> {
    chain.iter().find_map(|link| link.downcast_ref())
}

pub(super) fn of_name(unknown: &Unknown) -> String {
    let why = plain(&unknown.why);
    let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(&why);
    format!("{unknown} ({why})")
}

fn of_io(error: &io::Error, chain: &[Link<'_>]) -> Cause {
    let is_connecting = chain.iter().any(|link| link.to_string() == TCP);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Connection("connection refused".to_owned()),
        io::ErrorKind::NetworkUnreachable => Cause::Connection("the network cannot be reached".to_owned()),
        io::ErrorKind::HostUnreachable => Cause::Connection("there is no route to the host".to_owned()),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Cause::Broken("the connection was reset by the other end".to_owned())
        }
        io::ErrorKind::UnexpectedEof => Cause::Broken(CLOSED.to_owned()),
        _ if is_connecting => Cause::Connection(plain(error)),
        _ => Cause::Other(plain(error)),
    }
}

/// How the client names the step in which it connects.
pub(super) const TCP: &str = "tcp connect error";

/// The system's message, without its error number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or_else(|| text.clone(), |(words, _)| words.to_owned())
}

/// Describes the failure of a connection that we tried ourselves.
pub(super) fn of_dialling(error: &io::Error) -> String {
    of_io(error, &[]).to_string()
}
