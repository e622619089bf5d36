//! Files, whole or in parts: players ask for parts, and so do bots.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The file, or the part of it that `Range` asks for.
pub(super) fn part(content_type: &str, bytes: Bytes, headers: &HeaderMap) -> Response {
    let length = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let kind = [(header::CONTENT_TYPE, content_type), (header::ACCEPT_RANGES, "bytes")];
    match asked.map_or(Part::Whole, |range| Part::of(range, length)) {
        Part::Whole => (kind, bytes).into_response(),
        Part::Beyond => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, whole, Body::empty()).into_response()
        }
        Part::Bytes(first, last) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, kind, range, bytes.slice(first..=last)).into_response()
        }
    }
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Everything, since nothing that can be read is asked for.
    Whole,
    /// Nothing that the file has.
    Beyond,
    /// The first and the last byte.
    Bytes(usize, usize),
}

impl Part {
    /// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
    fn of(range: &str, length: usize) -> Self {
        let ends = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let Some((first, last)) = ends else { return Self::Whole };
        let Some(end) = length.checked_sub(1) else { return Self::Beyond };
        let read = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.min(end)),
            (Ok(first), Err(_)) => (first, end),
            (Err(_), Ok(count)) => (length.saturating_sub(count), end),
            (Err(_), Err(_)) => return Self::Whole,
        };
        if read.0 <= read.1 { Self::Bytes(read.0, read.1) } else { Self::Beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_http_says() {
        for (range, read) in [
            ("bytes=0-3", Part::Bytes(0, 3)),
            ("bytes=4-", Part::Bytes(4, 9)),
            ("bytes=-2", Part::Bytes(8, 9)),
            ("bytes=5-99", Part::Bytes(5, 9)),
            ("bytes=10-", Part::Beyond),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(Part::of(range, 10), read, "{range}");
        }
    }
}
