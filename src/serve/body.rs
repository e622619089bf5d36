//! Request bodies, read only as fast as there is memory for them.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use crate::serve::connections::Connection;

/// The overhead of each piece, so that a body of single bytes is not free.
const PIECE_BYTES: usize = 64;

/// Wraps the body of a request over this connection.
pub(super) fn metered(body: Incoming, connection: Arc<Connection>) -> Body {
    connection.start_body();
    if body.is_end_stream() {
        connection.start_handling();
        return Body::empty();
    }
    Body::from_stream(stream::try_unfold((body, connection), |(mut body, connection)| async move {
        let bytes = tokio::select! {
            bytes = next(&mut body, &connection) => bytes?,
            () = connection.evicted() => return Err(axum::Error::new(TooSlow)),
        };
        Ok(bytes.map(|bytes| (bytes, (body, connection))))
    }))
}

/// The body is sent below the minimum rate, or others need the room.
#[derive(Debug, thiserror::Error)]
#[error("the body was sent too slowly")]
struct TooSlow;

async fn next(body: &mut Incoming, connection: &Connection) -> Result<Option<Bytes>, axum::Error> {
    if connection.is_streaming() {
        connection.start_body();
    }
    while let Some(frame) = body.frame().await {
        // Trailers are no part of a hook.
        let Ok(bytes) = frame.map_err(axum::Error::new)?.into_data() else { continue };
        connection.progress(bytes.len());
        if connection.is_streaming() {
            connection.pause_body();
            return Ok(Some(bytes));
        }
        connection.hold(bytes.len() + PIECE_BYTES).await.map_err(axum::Error::new)?;
        return Ok(Some(bytes));
    }
    connection.start_handling();
    Ok(None)
}
