//! One connection from its first byte to its end.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::serve::{
    body,
    connections::{Connection, HoldsTooMuch},
    patience::Patient,
    wire::Wire,
};

/// How long a client may take too little of what it has asked for.
const TAKES_WITHIN: Duration = Duration::from_mins(1);
/// The longest head of a request, and the largest piece that is read or written at once.
const PIECE_BYTES: usize = 16 * 1024;
/// What a connection takes while it is served: its buffers and all that is known of its request.
const SERVING_BYTES: usize = 12 * 1024;
/// How long a client that sends too slowly has for the answer that says so.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// Serves one client until it has its answer, is too slow, or has to make room.
pub(super) async fn hold(stream: TcpStream, connection: Arc<Connection>, router: Router, stop: CancellationToken) {
    // Who says nothing costs next to nothing.
    let begins = tokio::select! {
        () = connection.has_to_end() => return,
        () = stop.cancelled() => return,
        begins = begin(&stream, &connection) => begins,
    };
    match begins {
        Ok(()) => serve(stream, connection, router, stop).await,
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
}

async fn begin(stream: &TcpStream, connection: &Connection) -> Result<(), BrokenOff> {
    stream.readable().await?;
    Ok(connection.hold(SERVING_BYTES).await?)
}

#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    HoldsTooMuch(#[from] HoldsTooMuch),
}

async fn serve(stream: TcpStream, connection: Arc<Connection>, router: Router, stop: CancellationToken) {
    let wire = Wire::new(Patient::new(stream, TAKES_WITHIN), Arc::clone(&connection));
    let router = TowerToHyperService::new(router);
    let ours = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Arc::clone(&ours);
        let answer = router.call(request.map(|body| body::metered(body, Arc::clone(&connection))));
        async move {
            let answer = answer.await;
            connection.is_answered(SERVING_BYTES);
            answer
        }
    });
    let mut served = pin!(
        http1::Builder::new()
            // A connection that is kept for later can be closed in the very moment in which a hook is sent over it.
            .keep_alive(false)
            // A hook is stored even if its sender does not wait for the answer.
            .half_close(true)
            .max_buf_size(PIECE_BYTES)
            .serve_connection(TokioIo::new(wire), service)
    );
    let ended = tokio::select! {
        ended = served.as_mut() => Some(ended),
        () = connection.has_to_end() => None,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::select! { ended = served.as_mut() => Some(ended), () = connection.has_to_end() => None }
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        // Whoever reads the body says that it came too slowly, and counts it.
        None if connection.is_body_awaited() => timeout(REFUSED_WITHIN, served).await.unwrap_or(Ok(())),
        None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
