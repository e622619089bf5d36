//! What both clients of Kommo have in common: how they connect, and how an answer is read.

use std::{fmt, time::Duration};

use reqwest::{Response, header};

use crate::{
    domain::retry::Failure,
    kommo::foreign_answer::ForeignAnswer,
    net::{Egress, Http, RequestError, broken},
};

/// The most of an answer that is read; Kommo's are a few hundred bytes, a page of a list some tens of thousands.
const ANSWER_LIMIT_BYTES: usize = 2 * 1024 * 1024;

/// Why there is no answer to read.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// It is longer than anything of Kommo's.
    TooLong(ForeignAnswer),
    /// Not reachable, too slow, or the connection broke.
    Broken(NoResponse),
}

/// How it came that nobody answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoResponse {
    /// In words without the address.
    pub why: String,
    /// Whether there was a connection, so that the request may have been heard. If there was none, the way is broken;
    /// if there was one, it may as well be due to what was asked.
    pub was_connected: bool,
}

impl NoResponse {
    /// What it means, in the words `why`.
    pub(super) fn failure(&self, why: String) -> Failure {
        if self.was_connected { Failure::transient(why) } else { Failure::unreachable(why) }
    }
}

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The longest that a connection may take to come about. One that does not is known to have carried nothing.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A client that goes `egress`, and keeps no cookie.
pub(super) fn client(egress: &Egress, timeout: Duration) -> Result<Http, reqwest::Error> {
    let connect_within = CONNECT_WITHIN.min(timeout / 2);
    Http::new(egress, |client| client.connect_timeout(connect_within).timeout(timeout))
}

/// The whole body, unless it is too long.
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
pub(super) fn unreachable(trouble: RequestError) -> NoAnswer {
    NoAnswer::Broken(NoResponse { why: trouble.to_string(), was_connected: trouble.was_sent })
}

/// `Retry-After`, in seconds.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A path segment; ids that are not ours may hold anything.
pub(super) fn encoded(segment: &str) -> String {
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
    fn what_has_a_meaning_in_a_path_is_encoded() {
        assert_eq!(encoded("0371a0ff-b78a"), "0371a0ff-b78a");
        assert_eq!(encoded("../x?y é"), "..%2Fx%3Fy%20%C3%A9");
    }
}
