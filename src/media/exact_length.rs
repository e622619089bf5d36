//! Checks the length of a file while it is streamed.
//!
//! The declared length and the body come from different places: a server's disk may be full, a file may be truncated
//! while it is read, a response without `Content-Length` just ends. A client would take the incomplete body for the
//! whole file. So a body that is shorter or longer than declared ends with an error, which breaks the connection.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Fuse},
};
use hyper::body::Bytes;

/// Why a body does not have its declared length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LengthMismatch {
    /// It has ended without an error, and bytes are missing.
    #[error("the file is shorter than announced")]
    Short,
    /// There are more bytes.
    #[error("the file is longer than announced")]
    Long,
    /// The connection or the disk failed.
    #[error("the file broke off")]
    Broken,
}

/// Streams `chunks`, and ends with an error unless they have `expected_bytes`. Calls `on_end` once with the result, but
/// not if the client disconnects.
pub(super) fn with_exact_length<S, E>(
    chunks: S,
    expected_bytes: Option<u64>,
    on_end: impl FnOnce(Result<(), LengthMismatch>) + Send + 'static,
) -> impl Stream<Item = Result<Bytes, LengthMismatch>> + Send + 'static
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: 'static,
{
    let chunks = chunks.map(|chunk| chunk.map_err(|_| LengthMismatch::Broken)).boxed().fuse();
    let body = Counted { chunks, remaining: expected_bytes, on_end: Some(on_end) };
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        let next = body.next().await;
        match next {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(body))),
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
    chunks: Fuse<BoxStream<'static, Result<Bytes, LengthMismatch>>>,
    /// How many bytes are expected, if that is known.
    remaining: Option<u64>,
    on_end: Option<F>,
}

impl<F: FnOnce(Result<(), LengthMismatch>)> Counted<F> {
    async fn next(&mut self) -> Result<Option<Bytes>, LengthMismatch> {
        let Some(chunk) = self.chunk().await? else {
            return if self.remaining.is_some_and(|remaining| remaining > 0) {
                Err(LengthMismatch::Short)
            } else {
                Ok(None)
            };
        };
        let Some(remaining) = self.remaining else { return Ok(Some(chunk)) };
        let remaining = remaining.checked_sub(chunk.len() as u64).ok_or(LengthMismatch::Long)?;
        self.remaining = Some(remaining);
        if remaining == 0 {
            // After the last byte the client has the complete file, so no byte may follow. If the connection breaks
            // here, nothing is missing.
            if matches!(self.chunk().await, Ok(Some(_))) {
                return Err(LengthMismatch::Long);
            }
            self.end(Ok(()));
        }
        Ok(Some(chunk))
    }

    /// The next chunk that is not empty.
    async fn chunk(&mut self) -> Result<Option<Bytes>, LengthMismatch> {
        while let Some(chunk) = self.chunks.next().await {
            let chunk = chunk?;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    fn end(&mut self, result: Result<(), LengthMismatch>) {
        if let Some(on_end) = self.on_end.take() {
            on_end(result);
        }
    }
}

/// The length of the body of a response, which should be that of a file of `expected_bytes`.
///
/// # Errors
/// If the headers of the response contradict that.
pub(super) fn length(
    status: StatusCode,
    headers: &HeaderMap,
    expected_bytes: Option<u64>,
) -> Result<Option<u64>, LengthMismatch> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(number);
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let Some((count, of)) = headers.get(header::CONTENT_RANGE).and_then(part) else {
                return Err(LengthMismatch::Broken);
            };
            check_equal(of, expected_bytes)?;
            check_equal(declared, Some(count))?;
            Ok(Some(count))
        }
        // The body is not the file.
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(declared),
        _ => {
            check_equal(declared, expected_bytes)?;
            Ok(declared.or(expected_bytes))
        }
    }
}

/// Compares two lengths, if both are known.
fn check_equal(declared: Option<u64>, expected: Option<u64>) -> Result<(), LengthMismatch> {
    match (declared, expected) {
        (Some(declared), Some(expected)) if declared < expected => Err(LengthMismatch::Short),
        (Some(declared), Some(expected)) if declared > expected => Err(LengthMismatch::Long),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// The length of a `Content-Range`, and that of the file, if it has one: `bytes 0-99/1234` or `bytes 0-99/*`.
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
    /// Chunks, the expected length, what is read, and the error.
    type Case = (&'static [Piece], Option<u64>, &'static str, Option<LengthMismatch>);

    async fn read(
        chunks: &'static [Piece],
        expected: Option<u64>,
    ) -> (String, Option<LengthMismatch>, Vec<Result<(), LengthMismatch>>) {
        let ends: Arc<Mutex<Vec<_>>> = Arc::default();
        let declared = Arc::clone(&ends);
        let chunks = stream::iter(chunks.iter().map(|chunk| chunk.map(Bytes::from)));
        let mut body =
            Box::pin(with_exact_length(chunks, expected, move |result| declared.lock().unwrap().push(result)));
        let (mut text, mut error) = (String::new(), None);
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(why) => error = Some(why),
            }
        }
        let ends = ends.lock().unwrap().clone();
        (text, error, ends)
    }

    #[tokio::test]
    async fn a_body_ends_without_an_error_only_if_it_is_complete() {
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
        for (chunks, expected, text, error) in cases {
            let want = (text.to_owned(), error, vec![error.map_or(Ok(()), Err)]);
            assert_eq!(read(chunks, expected).await, want, "{chunks:?} of {expected:?}");
        }
    }

    #[tokio::test]
    async fn the_end_is_reported_with_the_last_byte_and_not_if_the_client_disconnects() {
        let ends: Arc<Mutex<Vec<_>>> = Arc::default();
        let body = |expected| {
            let declared = Arc::clone(&ends);
            let chunks = stream::iter([Ok::<_, &str>(Bytes::from("abc")), Ok(Bytes::from("de"))]);
            Box::pin(with_exact_length(chunks, Some(expected), move |result| declared.lock().unwrap().push(result)))
        };
        let mut remaining = body(5);
        remaining.next().await.unwrap().unwrap();
        drop(remaining);
        assert_eq!(*ends.lock().unwrap(), []);
        // Clients do not read beyond the declared length.
        let mut read = body(5);
        for _ in 0..2 {
            read.next().await.unwrap().unwrap();
        }
        assert_eq!(*ends.lock().unwrap(), [Ok(())]);
    }

    #[test]
    fn headers_that_contradict_the_length_are_an_error() {
        let ok = StatusCode::OK;
        let part = StatusCode::PARTIAL_CONTENT;
        for (status, declared, range, expected, want) in [
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
            let headers = [(header::CONTENT_LENGTH, declared), (header::CONTENT_RANGE, range)].into_iter();
            let headers = headers.filter_map(|(name, text)| Some((name, HeaderValue::from_static(text?)))).collect();
            assert_eq!(length(status, &headers, expected), want, "{status} {declared:?} {range:?} {expected:?}");
        }
    }
}
