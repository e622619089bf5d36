//! Reads the head of a request, with as little memory as possible until it is complete: most slow clients never get
//! further.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::serve::{connections::Connection, strict};

/// The longest head. The parser refuses longer ones.
pub(super) const MAX_BYTES: usize = 16 * 1024;
/// The initial buffer. It doubles each time it is full.
const FIRST_BYTES: usize = 512;

/// Reads until the head that begins with `first` is complete, possibly with the beginning of the body. `None` if the
/// client leaves before. If `first` cannot begin a head, nothing more is read.
pub(super) async fn read(
    first: u8,
    stream: &mut (impl AsyncRead + Unpin),
    connection: &Connection,
) -> io::Result<Option<Vec<u8>>> {
    if !strict::is_token(first) {
        return Ok(Some(vec![first]));
    }
    connection.hold(FIRST_BYTES).await.map_err(io::Error::other)?;
    let mut head = Vec::with_capacity(FIRST_BYTES);
    head.push(first);
    loop {
        if head.len() == head.capacity() {
            let more = head.len();
            connection.hold(more).await.map_err(io::Error::other)?;
            head.reserve_exact(more);
        }
        let searched = head.len().saturating_sub(ENDS[0].len() - 1);
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
        if ends(&head[searched..]) || head.len() >= MAX_BYTES {
            return Ok(Some(head));
        }
    }
}

/// The end of a head. Lenient clients may send the second form and then wait.
const ENDS: [&[u8]; 2] = [b"\n\r\n", b"\n\n"];

fn ends(bytes: &[u8]) -> bool {
    ENDS.iter().any(|end| bytes.windows(end.len()).any(|window| window == *end))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::serve::{connections::Connections, limits::Limits, peer::Peer, unparsed::UnparsedRequests};

    async fn of_pieces(pieces: &[&[u8]]) -> (Option<Vec<u8>>, usize) {
        let limits = Limits { connections: 1, small_bodies_bytes: 100_000, ..Limits::admin() };
        let connections = Arc::new(Connections::new(limits, UnparsedRequests::default()));
        let connection = connections.enter(Peer::of_tests()).await;
        let mut stream = tokio_test_reader(pieces);
        let first = stream.read_u8().await.unwrap();
        let head = read(first, &mut stream, &connection).await.unwrap();
        (head, connections.small_bytes_held())
    }

    /// Gives one piece at a time.
    fn tokio_test_reader(pieces: &[&[u8]]) -> impl AsyncRead + Unpin {
        let pieces = pieces.iter().map(|piece| Ok::<_, io::Error>(piece.to_vec().into()));
        tokio_util::io::StreamReader::<_, hyper::body::Bytes>::new(futures_util::stream::iter(
            pieces.collect::<Vec<_>>(),
        ))
    }

    #[tokio::test]
    async fn a_head_is_complete_at_its_empty_line_however_it_is_cut() {
        for pieces in [
            &[b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice()][..],
            &[b"GET / HTTP/1.1\r\nhost: x\r\n\r".as_slice(), b"\n", b"not read"],
            &[b"GET / HTTP/1.1\r\nhost: x\r\n".as_slice(), b"\r", b"\n"],
            &[b"GET / HTTP/1.1\nhost: x\n".as_slice(), b"\n"],
        ] {
            let whole = pieces.concat();
            let (head, held) = of_pieces(pieces).await;
            let head = head.unwrap();
            assert!(whole.starts_with(&head) && (head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")), "{head:?}");
            assert_eq!(held, 512);
        }
    }

    #[tokio::test]
    async fn an_endless_head_is_passed_on_at_the_limit() {
        let (head, held) = of_pieces(&[&vec![b'x'; 100_000]]).await;
        assert_eq!((head.unwrap().len(), held), (MAX_BYTES, MAX_BYTES));
    }

    #[tokio::test]
    async fn what_cannot_be_a_head_is_not_waited_for() {
        for first in [&[0x16, 3, 1, 2, 0, 1][..], b"\r\nGET / HTTP/1.1\r\n\r\n", b" GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(of_pieces(&[first]).await, (Some(vec![first[0]]), 0));
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_has_no_head() {
        assert_eq!(of_pieces(&[b"GET / HTTP/1.1\r\n"]).await, (None, 512));
    }
}
