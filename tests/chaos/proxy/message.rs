//! HTTP/1.1 messages as bytes: one request and one answer for each connection.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::tls::Client;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A request, or an answer, as it was on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    head: usize,
}

impl Message {
    /// An answer with this status line, these header lines and this body.
    pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Self {
        let lines = [&[status], headers, &["connection: close", "", ""]].concat();
        let head = format!("HTTP/1.1 {}", lines.join("\r\n"));
        Self { head: head.len(), bytes: [head, body.to_owned()].concat().into_bytes() }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// The path of a request.
    pub(crate) fn path(&self) -> &str {
        let line = self.bytes[..self.head].split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = std::str::from_utf8(line).unwrap_or_default();
        line.split(' ').nth(1).unwrap_or_default()
    }

    /// Whether a request is for a file that a manager has attached.
    pub(crate) fn is_for_a_file(&self) -> bool {
        self.path().starts_with("/attachments/")
    }

    /// What stands in an answer's first line behind the version.
    pub(crate) fn status(&self) -> &str {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        std::str::from_utf8(line).ok().and_then(|line| Some(line.split_once(' ')?.1)).unwrap_or_default()
    }

    /// Whether an answer says that all went well.
    pub(crate) fn is_success(&self) -> bool {
        self.bytes.starts_with(b"HTTP/1.1 2")
    }

    /// Whether an answer to this request that says nothing is what the server says itself when all went well, or may
    /// be.
    pub(crate) fn wants_no_words(&self) -> bool {
        let is_edit = || find(self.body(), br#""event_type":"edit_message""#).is_some();
        let is_for_the_account = self.path().starts_with("/api/v4/");
        let ends = ["/delivery_status", "/typing", "/react"];
        is_for_the_account || ends.iter().any(|end| self.path().ends_with(end)) || is_edit()
    }

    /// The same answer, as one that comes from somebody else than the server: what is a success is so in his eyes.
    pub(crate) fn by_another(mut self) -> Self {
        const OWN: &[u8] = b"HTTP/1.1 200 OK";
        const ANOTHERS: &[u8] = b"HTTP/1.1 203 Non-Authoritative Information";
        if self.bytes.starts_with(OWN) {
            self.bytes.splice(..OWN.len(), ANOTHERS.iter().copied());
            self.head = self.head + ANOTHERS.len() - OWN.len();
        }
        self
    }

    /// A request that asks for the connection to be closed behind the answer, so that the answer ends where the bytes
    /// do.
    fn closing(mut self) -> Self {
        let more = b"connection: close\r\n";
        let end = self.head - 2;
        self.bytes.splice(end..end, more.iter().copied());
        self.head += more.len();
        self
    }
}

/// Reads a request; none if the client sent no whole one.
pub(crate) async fn request(client: &mut Client) -> io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = find(&bytes, END_OF_HEAD) {
            break at + END_OF_HEAD.len();
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let (is_chunked, length) = framing(&bytes[..head]);
    let is_whole = |bytes: &[u8]| {
        if is_chunked { bytes[head..].ends_with(b"0\r\n\r\n") } else { bytes.len() >= head + length }
    };
    while !is_whole(&bytes) {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Message { bytes, head }.closing()))
}

fn framing(head: &[u8]) -> (bool, usize) {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()));
    let is_chunked = value("transfer-encoding:").is_some_and(|coding| coding.contains("chunked"));
    (is_chunked, value("content-length:").and_then(|length| length.parse().ok()).unwrap_or_default())
}

/// Hands a request on and waits for the answer; none if the client hangs up meanwhile.
pub(crate) async fn ask(remote: SocketAddr, request: &[u8], client: &mut Client) -> io::Result<Option<Message>> {
    let mut upstream = TcpStream::connect(remote).await?;
    upstream.write_all(request).await?;
    let (mut bytes, mut more) = (Vec::new(), [0; 1]);
    loop {
        tokio::select! {
            read = upstream.read_buf(&mut bytes) => if read? == 0 { break },
            // A client that waits for an answer says nothing; so this is its end.
            _ = client.read(&mut more) => return Ok(None),
        }
    }
    let head = find(&bytes, END_OF_HEAD).map(|at| at + END_OF_HEAD.len());
    Ok(head.map(|head| Message { bytes, head }))
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
