//! What both clients of Kommo share: connecting, and reading responses.

use std::{fmt, time::Duration};

use reqwest::{Response, header};

use crate::{
    domain::retry::Failure,
    kommo::foreign_answer::ForeignAnswer,
    net::{Egress, Http, RequestError, broken},
};

/// The largest response that is read. Kommo's have a few hundred bytes, a page of a list some tens of thousands.
const ANSWER_LIMIT_BYTES: usize = 2 * 1024 * 1024;

/// Why a response cannot be read.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// It is larger than any of Kommo's.
    TooLong(ForeignAnswer),
    /// No connection, a timeout, or a broken connection.
    Broken(NoResponse),
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoResponse {
    /// The reason, without the address.
    pub why: String,
    /// Whether there was a connection, so that Kommo may have received the request. Without one, the connection to
    /// Kommo is broken; with one, the content of the request may be the reason as well.
    pub was_connected: bool,
}

impl NoResponse {
    /// Classifies it, with the text `why`.
    pub(super) fn failure(&self, why: String) -> Failure {
        if self.was_connected { Failure::transient(why) } else { Failure::unreachable(why) }
    }
}

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// How long connecting may take. A request whose connection fails was certainly not sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that connects by `egress`, and keeps no cookies.
pub(super) fn client(egress: &Egress, timeout: Duration) -> Result<Http, reqwest::Error> {
    let connect_timeout = CONNECT_TIMEOUT.min(timeout / 2);
    Http::new(egress, |client| client.connect_timeout(connect_timeout).timeout(timeout))
}

/// The whole body, unless it is too large.
pub(super) async fn read_limited(mut response: Response) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| unreachable(broken(&response, &error)))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > ANSWER_LIMIT_BYTES {
            return Err(NoAnswer::TooLong(ForeignAnswer::new(response.status(), &body, None)));
        }
        body.extend_from_slice(&chunk);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
pub(super) fn unreachable(error: RequestError) -> NoAnswer {
    NoAnswer::Broken(NoResponse { why: error.to_string(), was_connected: error.was_sent })
}

/// `Retry-After`, in seconds.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Percent-encodes a path segment, because Kommo's ids may contain any characters.
pub(super) fn encode_segment(segment: &str) -> String {
    const UNRESERVED: &[u8] = b"-._~";
    segment.bytes().fold(String::new(), |text, byte| {
        if byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) {
            text + char::from(byte).encode_utf8(&mut [0; 4])
        } else {
            format!("{text}%{byte:02X}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_of_a_path_are_encoded() {
        assert_eq!(encode_segment("0371a0ff-b78a"), "0371a0ff-b78a");
        assert_eq!(encode_segment("../x?y é"), "..%2Fx%3Fy%20%C3%A9");
    }
}
