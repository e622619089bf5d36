//! Refuses ambiguous heads (request smuggling). A web server in front and the library that parses requests here have to
//! agree on where each request ends. RFC 9112 requires servers to refuse ambiguous heads, but parsers differ in what
//! they let pass. So each head is checked before the library sees it. Well-behaved clients always pass.

use axum::http::StatusCode;

use crate::serve::{HTTPS_ONLY, head::MAX_BYTES};

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// It does not begin with a request line of HTTP/1.0 or HTTP/1.1.
    #[error("this is not HTTP/1.1")]
    NotHttp,
    /// Plain HTTP at a port for HTTPS.
    #[error("{}", HTTPS_ONLY.trim_end())]
    Plain,
    /// A line does not end with CR and LF, or contains a control character.
    #[error("a line of the head contains a control character")]
    Control,
    /// A line is no header field, or continues one.
    #[error("a line of the head is no header field")]
    Field,
    /// There is no `Host`, or there are several.
    #[error("the request must have one Host field")]
    Host,
    /// The length of the body is given more than once, or ambiguously.
    #[error("the length of the body is ambiguous")]
    Length,
    /// It is too long.
    #[error("the head is too long")]
    TooLong,
}

impl Malformed {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotHttp | Self::Plain | Self::Control | Self::Field | Self::Host | Self::Length => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

/// Checks that `bytes` begin with an unambiguous head. A part of the body may follow.
pub(super) fn check(bytes: &[u8]) -> Result<(), Malformed> {
    if !bytes.first().copied().is_some_and(is_token) {
        return Err(Malformed::NotHttp);
    }
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
        return Err(if bytes.len() >= MAX_BYTES { Malformed::TooLong } else { Malformed::Control });
    };
    let mut lines = Lines(&bytes[..end + LINE_END.len()]);
    let is_current = is_current(lines.next().ok_or(Malformed::NotHttp)??)?;
    let mut framing = Framing::default();
    for line in lines {
        framing.note(line?)?;
    }
    framing.check(is_current)
}

const LINE_END: &[u8] = b"\r\n";
const END: &[u8] = b"\r\n\r\n";

/// The lines of a head, without their ends.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.0.windows(LINE_END.len()).position(|window| window == LINE_END)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = &rest[LINE_END.len()..];
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        Some(if line.iter().any(is_control) { Err(Malformed::Control) } else { Ok(line) })
    }
}

/// Whether a request line is of HTTP/1.1; false for HTTP/1.0, which some web servers use towards those behind them.
fn is_current(line: &[u8]) -> Result<bool, Malformed> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Err(Malformed::NotHttp) };
    if !method.iter().copied().all(is_token) || target.is_empty() {
        return Err(Malformed::NotHttp);
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err(Malformed::NotHttp),
    }
}

/// How often a head gives its host and the length of the body.
#[derive(Default)]
struct Framing {
    hosts: usize,
    lengths: usize,
    encodings: usize,
}

impl Framing {
    fn note(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let at = line.iter().position(|byte| *byte == b':').ok_or(Malformed::Field)?;
        let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Malformed::Field);
        }
        let (count, is_good) = match name.to_ascii_lowercase().as_slice() {
            b"host" => (&mut self.hosts, true),
            b"content-length" => (&mut self.lengths, !value.is_empty() && value.iter().all(u8::is_ascii_digit)),
            b"transfer-encoding" => (&mut self.encodings, value.eq_ignore_ascii_case(b"chunked")),
            _ => return Ok(()),
        };
        *count += 1;
        if is_good { Ok(()) } else { Err(Malformed::Length) }
    }

    fn check(&self, is_current: bool) -> Result<(), Malformed> {
        if self.encodings > usize::from(is_current) || self.lengths + self.encodings > 1 {
            return Err(Malformed::Length);
        }
        if self.hosts > 1 || is_current && self.hosts == 0 { Err(Malformed::Host) } else { Ok(()) }
    }
}

/// RFC 9110, "Tokens".
pub(super) const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        || byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hook with these lines among its own.
    fn with(lines: &str) -> Result<(), Malformed> {
        check(format!("POST /kommo/s HTTP/1.1\r\nHost: x\r\n{lines}\r\nbody\r\n\r\n").as_bytes())
    }

    #[test]
    fn what_clients_and_web_servers_send_passes() {
        for lines in [
            "",
            "Content-Length: 5\r\n",
            "content-length:5\r\n",
            "Content-Length: \t5 \r\n",
            "Transfer-Encoding: chunked\r\n",
            "transfer-encoding:Chunked\r\n",
            "X-Signature: 0a\r\nUser-Agent: amoCRM/1.0 (ü)\r\nX-Empty:\r\nX-Many: a, b: c\r\nX-Many: d\r\n",
            "Connection: close\r\nX-Forwarded-For: 10.0.0.1\r\nX_y: 1\r\nExpect: 100-continue\r\n",
        ] {
            assert_eq!(with(lines), Ok(()), "{lines:?}");
        }
        for whole in [
            "GET /media/x/%D1%84 HTTP/1.0\r\n\r\n",
            "GET http://x/media/y HTTP/1.1\r\nhost: x\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST / HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}",
        ] {
            assert_eq!(check(whole.as_bytes()), Ok(()), "{whole:?}");
        }
    }

    #[test]
    fn a_body_ends_in_one_way_only() {
        for lines in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\ncontent-length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: \r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding:\r\n",
        ] {
            assert_eq!(with(lines), Err(Malformed::Length), "{lines:?}");
        }
        let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(check(old.as_bytes()), Err(Malformed::Length));
    }

    #[test]
    fn a_line_is_one_field_without_control_characters() {
        for (lines, why) in [
            ("Content-Length : 5\r\n", Malformed::Field),
            (" Content-Length: 5\r\n", Malformed::Field),
            ("X: a\r\n folded: b\r\n", Malformed::Field),
            ("X: a\r\n\tfolded\r\n", Malformed::Field),
            ("no colon\r\n", Malformed::Field),
            (": no name\r\n", Malformed::Field),
            ("X(: a\r\n", Malformed::Field),
            ("Trénsfer: a\r\n", Malformed::Field),
            ("X: a\nContent-Length: 5\r\n", Malformed::Control),
            ("X: a\rContent-Length: 5\r\n", Malformed::Control),
            ("X: a\r\r\n", Malformed::Control),
            ("X: a\0b\r\n", Malformed::Control),
            ("X\0: a\r\n", Malformed::Control),
            ("X: a\x0bb\r\n", Malformed::Control),
            ("X: a\x7f\r\n", Malformed::Control),
        ] {
            assert_eq!(with(lines), Err(why), "{lines:?}");
        }
        let bare = "POST / HTTP/1.1\nhost: x\n\n";
        assert_eq!(check(bare.as_bytes()), Err(Malformed::Control));
    }

    #[test]
    fn a_request_names_one_host() {
        for head in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n"] {
            assert_eq!(check(head.as_bytes()), Err(Malformed::Host), "{head:?}");
        }
    }

    #[test]
    fn other_protocols_are_recognised_by_the_first_line() {
        for head in [
            "GET /\r\n\r\n",
            "GET / HTTP/0.9\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.1 \r\nhost: x\r\n\r\n",
            "GET  / HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
            "G(T / HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / http/1.1\r\nhost: x\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "\x16\x03\x01\x02",
            "",
        ] {
            assert_eq!(check(head.as_bytes()), Err(Malformed::NotHttp), "{head:?}");
        }
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(MAX_BYTES));
        assert_eq!(check(endless.as_bytes()), Err(Malformed::TooLong));
        assert_eq!(Malformed::TooLong.status().as_u16(), 431);
    }
}
