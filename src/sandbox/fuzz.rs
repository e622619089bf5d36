//! What the sandbox's page gives of a file, for any `Range`.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;

use crate::{
    fuzz::{
        input::Input,
        range::{Requested, requested},
    },
    sandbox::range,
};

/// A byte for a length, and a `Range`.
pub(crate) fn ranges(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let content: Vec<u8> = (0..input.byte()).collect();
    let Ok(range) = HeaderValue::from_bytes(input.rest()) else { return };
    let headers = HeaderMap::from_iter([(header::RANGE, range)]);
    let answer = range::part("image/png", Bytes::from(content.clone()), &headers);
    let (head, body) = answer.into_parts();
    let read = body.collect().now_or_never().expect("nothing is waited for");
    let body = read.expect("it is whole").to_bytes();
    let content_range = head.headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let range = headers[header::RANGE].to_str().unwrap_or_default();
    match requested(range, content.len() as u64) {
        Requested::Whole => {
            assert_eq!((head.status, content_range, &body[..]), (StatusCode::OK, None, &content[..]), "{range}");
        }
        Requested::Part(first, last) => {
            let part = format!("bytes {first}-{last}/{}", content.len());
            assert_eq!((head.status, content_range), (StatusCode::PARTIAL_CONTENT, Some(part.as_str())), "{range}");
            let (first, last) = (usize::try_from(first).unwrap_or_default(), usize::try_from(last).unwrap_or_default());
            assert_eq!(body[..], content[first..=last], "{range}");
        }
        Requested::Beyond => assert_eq!(head.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}"),
    }
}
