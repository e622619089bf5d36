//! How a file travels: in pieces, and in the ways in which that can go wrong.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Method, StatusCode, header},
    response::Response,
};
use futures_util::stream;
use tokio::time::sleep;

use crate::sandbox::kommo::attachments::Kept;

/// The largest piece that goes out at once.
const PIECE_BYTES: usize = 64 << 10;
/// What was written before a break arrives in this time, which it would not if the break came at once.
const BREAK_AFTER: Duration = Duration::from_millis(20);

/// How a file is given to those who fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Whole, with its length.
    Whole,
    /// Not at all: this HTTP status and no body.
    Status(u16),
    /// Whole, without `Content-Length`.
    WithoutLength,
    /// With this `Content-Length`, whatever the real one is. The connection breaks where it is too large.
    WithLength(u64),
    /// In pieces of so many bytes, with a pause before each.
    Slow {
        /// The size of a piece.
        piece_bytes: usize,
        pause: Duration,
    },
    /// The connection breaks after so many bytes.
    BreaksOff(usize),
    /// It is at another address: 302.
    Elsewhere(String),
}

/// The answer to a GET, or the same without a body to a HEAD.
pub(super) fn answer(kept: &Kept, method: &Method) -> Response {
    let mut response = Response::builder();
    let length = match &kept.serving {
        Serving::Status(status) => return status_only(*status),
        Serving::Elsewhere(url) => return moved(url),
        Serving::WithoutLength => None,
        Serving::WithLength(length) => Some(*length),
        Serving::Whole | Serving::Slow { .. } | Serving::BreaksOff(_) => Some(kept.bytes.len() as u64),
    };
    if !kept.content_type.is_empty() {
        response = response.header(header::CONTENT_TYPE, &kept.content_type);
    }
    if let Some(length) = length {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    let body = if method == Method::HEAD { Body::empty() } else { body(&kept.bytes, &kept.serving) };
    response.body(body).unwrap_or_else(|_| status_only(500))
}

fn status_only(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn moved(url: &str) -> Response {
    let response = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, url);
    response.body(Body::empty()).unwrap_or_else(|_| status_only(500))
}

fn body(bytes: &Bytes, serving: &Serving) -> Body {
    let (piece_bytes, pause) = match serving {
        Serving::Slow { piece_bytes, pause } => ((*piece_bytes).max(1), *pause),
        Serving::Whole
        | Serving::Status(_)
        | Serving::WithoutLength
        | Serving::WithLength(_)
        | Serving::BreaksOff(_)
        | Serving::Elsewhere(_) => (PIECE_BYTES, Duration::ZERO),
    };
    let whole = bytes.len();
    let until = if let Serving::BreaksOff(after) = serving { whole.min(*after) } else { whole };
    let breaks = matches!(serving, Serving::BreaksOff(_) | Serving::WithLength(_));
    // A stream has no length of its own that would contradict the header.
    Body::from_stream(stream::try_unfold(bytes.slice(..until), move |mut rest| async move {
        let pause = if rest.is_empty() && breaks { BREAK_AFTER } else { pause };
        if !pause.is_zero() {
            sleep(pause).await;
        }
        match (rest.is_empty(), breaks) {
            (true, false) => Ok(None),
            (true, true) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            (false, _) => Ok(Some((rest.split_to(piece_bytes.min(rest.len())), rest))),
        }
    }))
}
