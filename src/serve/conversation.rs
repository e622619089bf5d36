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
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    serve::{
        body,
        connections::Connection,
        handshake::{self, Handshake},
        head,
        strict::{self, Malformed},
        wire::Wire,
        write_timeout::StallTimeout,
    },
    tls::Served,
};

/// How long a stop waits for the first byte of a client that is already connected.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a client may read the response too slowly.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a client that sends too slowly has to read the error response.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves one client until it has its response, is too slow, or has to make room.
pub(super) async fn hold<S>(
    mut stream: S,
    tls: Option<Served>,
    connection: Arc<Connection>,
    router: Router,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(tls) = tls else { return converse(stream, connection, router, stop).await };
    let first = tokio::select! {
        first = first_byte(&mut stream, &stop) => first,
        () = connection.evicted() => return,
    };
    let Ok(Some(first)) = first else { return };
    let handshake = Box::pin(handshake::handshake(first, stream, &tls, &connection));
    let secured = tokio::select! { secured = handshake => secured, () = connection.evicted() => return };
    match secured {
        Ok(Handshake::Secure(stream)) => Box::pin(converse(stream, connection, router, stop)).await,
        Ok(Handshake::Plain(stream)) => Box::pin(refuse(Malformed::Plain, stream, connection)).await,
        Ok(Handshake::Validated) => {}
        Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
    }
}

async fn converse<S>(mut stream: S, connection: Arc<Connection>, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let started = tokio::select! {
        started = read_head(&mut stream, &connection, &stop) => started,
        () = connection.evicted() => return,
    };
    match started {
        // Boxed: serving needs more memory than the rest.
        Ok(Some(Ok(head))) => Box::pin(serve(head, stream, connection, router, stop)).await,
        Ok(Some(Err(why))) => Box::pin(refuse(why, stream, connection)).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
}

/// Reads the head of the request and waits until it can be served, or returns why it is refused. `None` if the client
/// leaves.
async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    connection: &Connection,
    stop: &CancellationToken,
) -> io::Result<Option<Result<Bytes, Malformed>>> {
    let Some(first) = first_byte(stream, stop).await? else { return Ok(None) };
    let Some(head) = head::read(first, stream, connection).await? else { return Ok(None) };
    if let Err(why) = strict::check(&head) {
        return Ok(Some(Err(why)));
    }
    connection.start_serving().await.map_err(io::Error::other)?;
    Ok(Some(Ok(head.into())))
}

/// The first byte of a client; `None` if it leaves, or a stop comes first.
async fn first_byte(stream: &mut (impl AsyncRead + Unpin), stop: &CancellationToken) -> io::Result<Option<u8>> {
    // A silent client costs little, and does not delay a stop. A new one may be about to send a hook.
    let mut first = [0; 1];
    let stopping = async {
        stop.cancelled().await;
        sleep(FIRST_BYTE_TIMEOUT).await;
    };
    let read = tokio::select! { biased; read = stream.read(&mut first) => read, () = stopping => return Ok(None) };
    Ok((read? > 0).then_some(first[0]))
}

/// Responds why a request is refused, and reads only as much of it as the client needs to receive that.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(why: Malformed, stream: S, connection: Arc<Connection>) {
    connection.start_response();
    connection.refuse_unread(why);
    let mut wire = Wire::new(Bytes::new(), StallTimeout::new(stream, READ_TIMEOUT), Arc::clone(&connection));
    let (status, text) = (why.status(), format!("{why}\n"));
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
    let response = async {
        wire.write_all(answer.as_bytes()).await?;
        wire.shutdown().await
    };
    let ended = tokio::select! { ended = response => ended, () = connection.evicted() => Ok(()) };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn serve<S>(head: Bytes, stream: S, connection: Arc<Connection>, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let wire = Wire::new(head, StallTimeout::new(stream, READ_TIMEOUT), Arc::clone(&connection));
    let router = TowerToHyperService::new(router);
    let ours = Arc::clone(&connection);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let connection = Arc::clone(&ours);
        request.extensions_mut().insert(connection.peer());
        let answer = router.call(request.map(|body| body::metered(body, Arc::clone(&connection))));
        async move {
            let answer = answer.await;
            connection.start_response();
            answer
        }
    });
    let mut served = pin!(
        http1::Builder::new()
            // A kept-alive connection could be closed in the very moment in which a hook is sent over it.
            .keep_alive(false)
            // A hook is stored even if its sender does not wait for the response.
            .half_close(true)
            .max_buf_size(head::MAX_BYTES)
            .serve_connection(TokioIo::new(wire), service)
    );
    let ended = tokio::select! {
        // A complete head is served even if a stop came first: hyper would close a connection that has read nothing
        // yet.
        biased;
        ended = served.as_mut() => Some(ended),
        () = connection.evicted() => None,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::select! { ended = served.as_mut() => Some(ended), () = connection.evicted() => None }
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        // The reader of the body responds that it was sent too slowly, and counts it.
        None if connection.is_body_awaited() => timeout(REFUSAL_TIMEOUT, served).await.unwrap_or(Ok(())),
        None if connection.is_being_handled() => served.await,
        None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
