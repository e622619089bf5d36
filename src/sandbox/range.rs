//! Files, whole or in parts: players ask for parts, and so do bots.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::media::range::{Bytes as Wanted, requested};

/// The file, or the part of it that `Range` asks for.
pub(super) fn part(content_type: &str, bytes: Bytes, headers: &HeaderMap) -> Response {
    let length = bytes.len() as u64;
    let kind = [(header::CONTENT_TYPE, content_type), (header::ACCEPT_RANGES, "bytes")];
    match requested(headers.get(header::RANGE), length) {
        Wanted::All => (kind, bytes).into_response(),
        Wanted::Beyond => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, whole, Body::empty()).into_response()
        }
        Wanted::Some(first, last) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            let [first, last] = [first, last].map(|at| usize::try_from(at).expect("it lies in memory"));
            (StatusCode::PARTIAL_CONTENT, kind, range, bytes.slice(first..=last)).into_response()
        }
    }
}
