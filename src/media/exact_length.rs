//! Passes a file on as whole only if it is.
//!
//! The announced length and the body come from different places: a server's disk fills up, a file is cut while it is
//! read, a response without `Content-Length` just ends. A reader takes a body that ended in order for the whole file.
//! So a body that is shorter or longer than announced ends with an error, which breaks the connection.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Fuse},
};
use hyper::body::Bytes;

/// How a body ended before its time, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LengthMismatch {
    /// It ended in good order, and bytes are missing.
    #[error("the file is shorter than announced")]
    Short,
    /// There is more than there should be.
    #[error("the file is longer than announced")]
    Long,
    /// The connection or the disk failed.
    #[error("the file broke off")]
    Broken,
}

/// `pieces`, which end in good order only if they are as many bytes as `said_bytes`. `ended` is told once how they
/// ended; it is not told if the reader went away.
pub(super) fn whole<S, E>(
    pieces: S,
    said_bytes: Option<u64>,
    ended: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
) -> impl Stream<Item = Result<Bytes, LengthMismatch>> + Send + 'static
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: 'static,
{
    let pieces = pieces.map(|piece| piece.map_err(|_| LengthMismatch::Broken)).boxed().fuse();
    let body = Counted { pieces, left: said_bytes, ended: Some(ended) };
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        let next = body.next().await;
        match next {
            Ok(Some(piece)) => Some((Ok(piece), Some(body))),
            Ok(None) => {
                body.end(Ok(()));
                None
            }
            Err(why) => {
                body.end(Err(why));
                Some((Err(why), None))
            }
        }
    })
}

struct Counted<F> {
    pieces: Fuse<BoxStream<'static, Result<Bytes, LengthMismatch>>>,
    /// How many bytes are to come, if that was said.
    left: Option<u64>,
    ended: Option<F>,
}

impl<F: FnOnce(Result<(), LengthMismatch>)> Counted<F> {
    async fn next(&mut self) -> Result<Option<Bytes>, LengthMismatch> {
        let Some(piece) = self.piece().await? else {
            return if self.left.is_some_and(|left| left > 0) { Err(LengthMismatch::Short) } else { Ok(None) };
        };
        let Some(left) = self.left else { return Ok(Some(piece)) };
        let left = left.checked_sub(piece.len() as u64).ok_or(LengthMismatch::Long)?;
        self.left = Some(left);
        if left == 0 {
            // With the last byte the reader has what it was promised, so nothing may come behind it. A line that breaks
            // there takes nothing away.
            if matches!(self.piece().await, Ok(Some(_))) {
                return Err(LengthMismatch::Long);
            }
            self.end(Ok(()));
        }
        Ok(Some(piece))
    }

    /// The next piece with something in it.
    async fn piece(&mut self) -> Result<Option<Bytes>, LengthMismatch> {
        while let Some(piece) = self.pieces.next().await {
            let piece = piece?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    fn end(&mut self, how: Result<(), LengthMismatch>) {
        if let Some(ended) = self.ended.take() {
            ended(how);
        }
    }
}

/// How many bytes an answer of a server brings, if it is that of a file of `said_bytes`.
///
/// # Errors
/// If the answer itself tells that it is not.
pub(super) fn length(
    status: StatusCode,
    headers: &HeaderMap,
    said_bytes: Option<u64>,
) -> Result<Option<u64>, LengthMismatch> {
    let told = headers.get(header::CONTENT_LENGTH).and_then(number);
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let Some((count, of)) = headers.get(header::CONTENT_RANGE).and_then(part) else {
                return Err(LengthMismatch::Broken);
            };
            same(of, said_bytes)?;
            same(told, Some(count))?;
            Ok(Some(count))
        }
        // Its body is not the file.
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(told),
        _ => {
            same(told, said_bytes)?;
            Ok(told.or(said_bytes))
        }
    }
}

/// What is not told contradicts nothing.
fn same(told: Option<u64>, said: Option<u64>) -> Result<(), LengthMismatch> {
    match (told, said) {
        (Some(told), Some(said)) if told < said => Err(LengthMismatch::Short),
        (Some(told), Some(said)) if told > said => Err(LengthMismatch::Long),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// How many bytes a `Content-Range` brings, and of how many, if that is told: `bytes 0-99/1234` or `bytes 0-99/*`.
fn part(value: &HeaderValue) -> Option<(u64, Option<u64>)> {
    let (range, of) = value.to_str().ok()?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some((last.checked_sub(first)?.checked_add(1)?, of.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Piece = Result<&'static str, &'static str>;
    /// Pieces, how many bytes were said, what is read, and how it ends.
    type Case = (&'static [Piece], Option<u64>, &'static str, Option<LengthMismatch>);

    async fn read(
        pieces: &'static [Piece],
        said: Option<u64>,
    ) -> (String, Option<LengthMismatch>, Vec<Result<(), LengthMismatch>>) {
        let ends: Arc<Mutex<Vec<_>>> = Arc::default();
        let told = Arc::clone(&ends);
        let pieces = stream::iter(pieces.iter().map(|piece| piece.map(Bytes::from)));
        let mut body = Box::pin(whole(pieces, said, move |how| told.lock().unwrap().push(how)));
        let (mut text, mut error) = (String::new(), None);
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
                Err(why) => error = Some(why),
            }
        }
        let ends = ends.lock().unwrap().clone();
        (text, error, ends)
    }

    #[tokio::test]
    async fn a_body_ends_in_good_order_only_if_it_is_whole() {
        let cases: [Case; 12] = [
            (&[Ok("abc"), Ok("de")], Some(5), "abcde", None),
            (&[Ok("abc"), Ok("de"), Ok("")], Some(5), "abcde", None),
            (&[Ok("abc"), Ok("de")], None, "abcde", None),
            (&[], Some(0), "", None),
            (&[Ok("abc")], Some(5), "abc", Some(LengthMismatch::Short)),
            (&[], Some(5), "", Some(LengthMismatch::Short)),
            (&[Ok("abc"), Ok("def")], Some(5), "abc", Some(LengthMismatch::Long)),
            (&[Ok("abc"), Ok("de"), Ok(""), Ok("f")], Some(5), "abc", Some(LengthMismatch::Long)),
            (&[Ok("abc")], Some(0), "", Some(LengthMismatch::Long)),
            (&[Ok("abc"), Err("gone")], Some(5), "abc", Some(LengthMismatch::Broken)),
            (&[Ok("abc"), Err("gone")], None, "abc", Some(LengthMismatch::Broken)),
            (&[Ok("abc"), Ok("de"), Err("gone")], Some(5), "abcde", None),
        ];
        for (pieces, said, text, error) in cases {
            let want = (text.to_owned(), error, vec![error.map_or(Ok(()), Err)]);
            assert_eq!(read(pieces, said).await, want, "{pieces:?} of {said:?}");
        }
    }

    #[tokio::test]
    async fn the_end_is_told_with_the_last_byte_and_not_when_the_reader_goes() {
        let ends: Arc<Mutex<Vec<_>>> = Arc::default();
        let body = |said| {
            let told = Arc::clone(&ends);
            let pieces = stream::iter([Ok::<_, &str>(Bytes::from("abc")), Ok(Bytes::from("de"))]);
            Box::pin(whole(pieces, Some(said), move |how| told.lock().unwrap().push(how)))
        };
        let mut left = body(5);
        left.next().await.unwrap().unwrap();
        drop(left);
        assert_eq!(*ends.lock().unwrap(), []);
        // Nobody asks for more than was promised.
        let mut read = body(5);
        for _ in 0..2 {
            read.next().await.unwrap().unwrap();
        }
        assert_eq!(*ends.lock().unwrap(), [Ok(())]);
    }

    #[test]
    fn an_answer_tells_beforehand_that_it_is_not_the_file() {
        let ok = StatusCode::OK;
        let part = StatusCode::PARTIAL_CONTENT;
        for (status, told, range, said, want) in [
            (ok, Some("5"), None, Some(5), Ok(Some(5))),
            (ok, None, None, Some(5), Ok(Some(5))),
            (ok, Some("5"), None, None, Ok(Some(5))),
            (ok, None, None, None, Ok(None)),
            (ok, Some("4"), None, Some(5), Err(LengthMismatch::Short)),
            (ok, Some("6"), None, Some(5), Err(LengthMismatch::Long)),
            (part, Some("2"), Some("bytes 1-2/5"), Some(5), Ok(Some(2))),
            (part, None, Some("bytes 1-2/*"), Some(5), Ok(Some(2))),
            (part, Some("2"), Some("bytes 1-2/4"), Some(5), Err(LengthMismatch::Short)),
            (part, Some("1"), Some("bytes 1-2/5"), Some(5), Err(LengthMismatch::Short)),
            (part, Some("3"), Some("bytes 1-2/5"), Some(5), Err(LengthMismatch::Long)),
            (part, Some("2"), None, Some(5), Err(LengthMismatch::Broken)),
            (part, Some("2"), Some("bytes 2-1/5"), Some(5), Err(LengthMismatch::Broken)),
            (StatusCode::RANGE_NOT_SATISFIABLE, Some("0"), Some("bytes */5"), Some(5), Ok(Some(0))),
        ] {
            let headers = [(header::CONTENT_LENGTH, told), (header::CONTENT_RANGE, range)].into_iter();
            let headers = headers.filter_map(|(name, text)| Some((name, HeaderValue::from_static(text?)))).collect();
            assert_eq!(length(status, &headers, said), want, "{status} {told:?} {range:?} {said:?}");
        }
    }
}
