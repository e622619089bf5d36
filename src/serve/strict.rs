//! Heads that two readers could read in two ways.
//!
//! A web server before us and the library that reads requests here have to agree on where each request ends. What
//! leaves room for doubt, RFC 9112 has servers refuse, and readers differ in how much of it they let pass. So a head is
//! held against the standard before the library sees it; nobody who means well sends one that fails.

use axum::http::StatusCode;

use crate::serve::{HTTPS_ALONE, head::LONGEST_BYTES};

/// Why a head is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Irregular {
    /// It does not begin with a request line of HTTP/1.0 or HTTP/1.1.
    #[error("this is not HTTP/1.1")]
    NotHttp,
    /// It is not encrypted, where HTTPS is spoken.
    #[error("{}", HTTPS_ALONE.trim_end())]
    Plain,
    /// A line does not end with CR and LF, or holds a control character.
    #[error("a line of the head holds a control character")]
    Control,
    /// A line is no header field, or is a field's second line.
    #[error("a line of the head is no header field")]
    Field,
    /// There is no `Host`, or there are several.
    #[error("the request has to name one host")]
    Host,
    /// More than one field, or one that can be read in several ways, says where the body ends.
    #[error("where the body ends is told in several ways")]
    Length,
    /// It does not end.
    #[error("the head is too long")]
    TooLong,
}

impl Irregular {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotHttp | Self::Plain | Self::Control | Self::Field | Self::Host | Self::Length => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

/// Whether `bytes`, which may go on with a part of the body, begin with a head that can be read in one way only.
pub(super) fn check(bytes: &[u8]) -> Result<(), Irregular> {
    if !bytes.first().copied().is_some_and(is_token) {
        return Err(Irregular::NotHttp);
    }
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
        return Err(if bytes.len() >= LONGEST_BYTES { Irregular::TooLong } else { Irregular::Control });
    };
    let mut lines = Lines(&bytes[..end + LINE_END.len()]);
    let is_current = is_current(lines.next().ok_or(Irregular::NotHttp)??)?;
    let mut told = Told::default();
    for line in lines {
        told.note(line?)?;
    }
    told.check(is_current)
}

const LINE_END: &[u8] = b"\r\n";
const END: &[u8] = b"\r\n\r\n";

/// The lines of a head, without their ends.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Irregular>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.0.windows(LINE_END.len()).position(|window| window == LINE_END)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = &rest[LINE_END.len()..];
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        Some(if line.iter().any(is_control) { Err(Irregular::Control) } else { Ok(line) })
    }
}

/// Whether a request line is of HTTP/1.1, or of HTTP/1.0, which some web servers speak to those behind them.
fn is_current(line: &[u8]) -> Result<bool, Irregular> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Err(Irregular::NotHttp) };
    if !method.iter().copied().all(is_token) || target.is_empty() {
        return Err(Irregular::NotHttp);
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err(Irregular::NotHttp),
    }
}

/// What the fields of a head tell of its host, and of where the body ends.
#[derive(Default)]
struct Told {
    hosts: usize,
    lengths: usize,
    encodings: usize,
}

impl Told {
    fn note(&mut self, line: &[u8]) -> Result<(), Irregular> {
        let at = line.iter().position(|byte| *byte == b':').ok_or(Irregular::Field)?;
        let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Irregular::Field);
        }
        let (count, is_good) = match name.to_ascii_lowercase().as_slice() {
            b"host" => (&mut self.hosts, true),
            b"content-length" => (&mut self.lengths, !value.is_empty() && value.iter().all(u8::is_ascii_digit)),
            b"transfer-encoding" => (&mut self.encodings, value.eq_ignore_ascii_case(b"chunked")),
            _ => return Ok(()),
        };
        *count += 1;
        if is_good { Ok(()) } else { Err(Irregular::Length) }
    }

    fn check(&self, is_current: bool) -> Result<(), Irregular> {
        if self.encodings > usize::from(is_current) || self.lengths + self.encodings > 1 {
            return Err(Irregular::Length);
        }
        if self.hosts > 1 || is_current && self.hosts == 0 { Err(Irregular::Host) } else { Ok(()) }
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
    fn with(lines: &str) -> Result<(), Irregular> {
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
            assert_eq!(with(lines), Err(Irregular::Length), "{lines:?}");
        }
        let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(check(old.as_bytes()), Err(Irregular::Length));
    }

    #[test]
    fn a_line_is_one_field_without_control_characters() {
        for (lines, why) in [
            ("Content-Length : 5\r\n", Irregular::Field),
            (" Content-Length: 5\r\n", Irregular::Field),
            ("X: a\r\n folded: b\r\n", Irregular::Field),
            ("X: a\r\n\tfolded\r\n", Irregular::Field),
            ("no colon\r\n", Irregular::Field),
            (": no name\r\n", Irregular::Field),
            ("X(: a\r\n", Irregular::Field),
            ("Trénsfer: a\r\n", Irregular::Field),
            ("X: a\nContent-Length: 5\r\n", Irregular::Control),
            ("X: a\rContent-Length: 5\r\n", Irregular::Control),
            ("X: a\r\r\n", Irregular::Control),
            ("X: a\0b\r\n", Irregular::Control),
            ("X\0: a\r\n", Irregular::Control),
            ("X: a\x0bb\r\n", Irregular::Control),
            ("X: a\x7f\r\n", Irregular::Control),
        ] {
            assert_eq!(with(lines), Err(why), "{lines:?}");
        }
        let bare = "POST / HTTP/1.1\nhost: x\n\n";
        assert_eq!(check(bare.as_bytes()), Err(Irregular::Control));
    }

    #[test]
    fn a_request_names_one_host() {
        for head in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n"] {
            assert_eq!(check(head.as_bytes()), Err(Irregular::Host), "{head:?}");
        }
    }

    #[test]
    fn what_is_not_http_is_told_by_its_first_line() {
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
            assert_eq!(check(head.as_bytes()), Err(Irregular::NotHttp), "{head:?}");
        }
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(LONGEST_BYTES));
        assert_eq!(check(endless.as_bytes()), Err(Irregular::TooLong));
        assert_eq!(Irregular::TooLong.status().as_u16(), 431);
    }
}
