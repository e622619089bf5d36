//! Serves files with `Range`.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::media::range::{Bytes as Requested, requested};

/// The file, or the requested range of it.
pub(super) fn part(content_type: &str, bytes: Bytes, headers: &HeaderMap) -> Response {
    let length = bytes.len() as u64;
    let kind = [(header::CONTENT_TYPE, content_type), (header::ACCEPT_RANGES, "bytes")];
    match requested(headers.get(header::RANGE), length) {
        Requested::All => (kind, bytes).into_response(),
        Requested::Beyond => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, whole, Body::empty()).into_response()
        }
        Requested::Some(first, last) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            let [first, last] = [first, last].map(|at| usize::try_from(at).expect("it lies in memory"));
            (StatusCode::PARTIAL_CONTENT, kind, range, bytes.slice(first..=last)).into_response()
        }
    }
}
