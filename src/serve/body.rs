//! A request's body, which is read only as fast as there is memory for it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use crate::serve::connections::Connection;

/// What each piece takes beside its bytes, so that a body of single bytes is not free.
const PIECE_BYTES: usize = 64;

/// The body of a request over this connection.
pub(super) fn metered(body: Incoming, connection: Arc<Connection>) -> Body {
    connection.has_asked();
    if body.is_end_stream() {
        connection.is_handled();
        return Body::empty();
    }
    Body::from_stream(stream::try_unfold((body, connection), |(mut body, connection)| async move {
        let bytes = tokio::select! {
            bytes = next(&mut body, &connection) => bytes?,
            () = connection.has_to_end() => return Err(axum::Error::new(TooSlow)),
        };
        Ok(bytes.map(|bytes| (bytes, (body, connection))))
    }))
}

/// A body does not come at the rate, or others need the room more.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
struct TooSlow;

async fn next(body: &mut Incoming, connection: &Connection) -> Result<Option<Bytes>, axum::Error> {
    if connection.is_flowing() {
        connection.has_asked();
    }
    while let Some(frame) = body.frame().await {
        // Trailers are no part of a hook.
        let Ok(bytes) = frame.map_err(axum::Error::new)?.into_data() else { continue };
        connection.progress(bytes.len());
        if connection.is_flowing() {
            connection.is_put_off();
            return Ok(Some(bytes));
        }
        connection.hold(bytes.len() + PIECE_BYTES).await.map_err(axum::Error::new)?;
        return Ok(Some(bytes));
    }
    connection.is_handled();
    Ok(None)
}
