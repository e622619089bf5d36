//! One connection from its first byte to its end.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::serve::{body, connections::Connection, head, patience::Patient, wire::Wire};

/// How long a client may take too little of what it has asked for.
const TAKES_WITHIN: Duration = Duration::from_mins(1);
/// How long a client that sends too slowly has for the answer that says so.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// Serves one client until it has its answer, is too slow, or has to make room.
pub(super) async fn hold(mut stream: TcpStream, connection: Arc<Connection>, router: Router, stop: CancellationToken) {
    let begun = tokio::select! {
        begun = begin(&mut stream, &connection, &stop) => begun,
        () = connection.has_to_end() => return,
    };
    match begun {
        // What is served takes more room than what is not.
        Ok(Some(head)) => Box::pin(serve(head, stream, connection, router, stop)).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
}

/// The head of the request, once it can be served; `None` if there is none.
async fn begin(stream: &mut TcpStream, connection: &Connection, stop: &CancellationToken) -> io::Result<Option<Bytes>> {
    // Who says nothing costs next to nothing, and holds up no stop.
    let Some(readable) = stop.run_until_cancelled(stream.readable()).await else { return Ok(None) };
    readable?;
    let Some(head) = head::read(stream, connection).await? else { return Ok(None) };
    connection.is_to_be_served().await.map_err(io::Error::other)?;
    Ok(Some(head.into()))
}

async fn serve(head: Bytes, stream: TcpStream, connection: Arc<Connection>, router: Router, stop: CancellationToken) {
    let wire = Wire::new(head, Patient::new(stream, TAKES_WITHIN), Arc::clone(&connection));
    let router = TowerToHyperService::new(router);
    let ours = Arc::clone(&connection);
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Arc::clone(&ours);
        let answer = router.call(request.map(|body| body::metered(body, Arc::clone(&connection))));
        async move {
            let answer = answer.await;
            connection.is_answered();
            answer
        }
    });
    let mut served = pin!(
        http1::Builder::new()
            // A connection that is kept for later can be closed in the very moment in which a hook is sent over it.
            .keep_alive(false)
            // A hook is stored even if its sender does not wait for the answer.
            .half_close(true)
            .max_buf_size(head::LONGEST_BYTES)
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
        None if connection.is_being_handled() => served.await,
        None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
