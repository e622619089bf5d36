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
        greeting::{self, Greeted},
        head,
        strict::{self, Irregular},
        wire::Wire,
        write_timeout::StallTimeout,
    },
    tls::Served,
};

/// How long a stop waits for the first byte of a client that is there already.
const FIRST_WORD_WITHIN: Duration = Duration::from_millis(500);
/// How long a client may take too little of what it has asked for.
const TAKES_WITHIN: Duration = Duration::from_mins(1);
/// How long a client that sends too slowly has for the answer that says so.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// Serves one client until it has its answer, is too slow, or has to make room.
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
        first = begins(&mut stream, &stop) => first,
        () = connection.has_to_end() => return,
    };
    let Ok(Some(first)) = first else { return };
    let greeting = Box::pin(greeting::greet(first, stream, &tls, &connection));
    let greeted = tokio::select! { greeted = greeting => greeted, () = connection.has_to_end() => return };
    match greeted {
        Ok(Greeted::Secure(stream)) => Box::pin(converse(stream, connection, router, stop)).await,
        Ok(Greeted::Plain(stream)) => Box::pin(refuse(Irregular::Plain, stream, connection)).await,
        Ok(Greeted::Proved) => {}
        Err(error) => tracing::debug!(%error, "no TLS with a client"),
    }
}

async fn converse<S>(mut stream: S, connection: Arc<Connection>, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = tokio::select! {
        begun = begin(&mut stream, &connection, &stop) => begun,
        () = connection.has_to_end() => return,
    };
    match begun {
        // What is served takes more room than what is not.
        Ok(Some(Ok(head))) => Box::pin(serve(head, stream, connection, router, stop)).await,
        Ok(Some(Err(why))) => Box::pin(refuse(why, stream, connection)).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a connection broke"),
    }
}

/// The head of the request, once it can be served, or why it is not read; `None` if there is none. What is not read
/// waits for nobody, and is not kept.
async fn begin(
    stream: &mut (impl AsyncRead + Unpin),
    connection: &Connection,
    stop: &CancellationToken,
) -> io::Result<Option<Result<Bytes, Irregular>>> {
    let Some(first) = begins(stream, stop).await? else { return Ok(None) };
    let Some(head) = head::read(first, stream, connection).await? else { return Ok(None) };
    if let Err(why) = strict::check(&head) {
        return Ok(Some(Err(why)));
    }
    connection.is_to_be_served().await.map_err(io::Error::other)?;
    Ok(Some(Ok(head.into())))
}

/// The first byte that a client sends; `None` if it leaves, or a stop comes before.
async fn begins(stream: &mut (impl AsyncRead + Unpin), stop: &CancellationToken) -> io::Result<Option<u8>> {
    // Who says nothing costs next to nothing, and holds up no stop. Who has just come may be about to send a hook.
    let mut first = [0; 1];
    let stopping = async {
        stop.cancelled().await;
        sleep(FIRST_WORD_WITHIN).await;
    };
    let read = tokio::select! { biased; read = stream.read(&mut first) => read, () = stopping => return Ok(None) };
    Ok((read? > 0).then_some(first[0]))
}

/// Says why a request is not read, and reads no more of it than its client needs to hear that.
async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(why: Irregular, stream: S, connection: Arc<Connection>) {
    connection.is_answered();
    connection.is_not_read(why);
    let mut wire = Wire::new(Bytes::new(), StallTimeout::new(stream, TAKES_WITHIN), Arc::clone(&connection));
    let (status, text) = (why.status(), format!("{why}\n"));
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
    let answered = async {
        wire.write_all(answer.as_bytes()).await?;
        wire.shutdown().await
    };
    let ended = tokio::select! { ended = answered => ended, () = connection.has_to_end() => Ok(()) };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn serve<S>(head: Bytes, stream: S, connection: Arc<Connection>, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let wire = Wire::new(head, StallTimeout::new(stream, TAKES_WITHIN), Arc::clone(&connection));
    let router = TowerToHyperService::new(router);
    let ours = Arc::clone(&connection);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let connection = Arc::clone(&ours);
        request.extensions_mut().insert(connection.peer());
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
        // Whose head is there is served, even if a stop came first: hyper closes what has read nothing yet.
        biased;
        ended = served.as_mut() => Some(ended),
        () = connection.has_to_end() => None,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::select! { ended = served.as_mut() => Some(ended), () = connection.has_to_end() => None }
        }
    };
    let ended = match ended {
        Some(ended) => ended,
        // The reader of the body answers that it came too slowly, and counts it.
        None if connection.is_body_awaited() => timeout(REFUSED_WITHIN, served).await.unwrap_or(Ok(())),
        None if connection.is_being_handled() => served.await,
        None => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
