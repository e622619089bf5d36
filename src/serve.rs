//! The HTTP listeners.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{kommo::hook::HookIntake, media::serve::MediaDoor, serve::patience::Patient};

mod patience;

/// How many connections are served at the same time; more wait to be accepted. With the largest hook on each of them the
/// bridge still stays within a small machine's memory.
const CONNECTIONS: usize = 128;
/// How long a client may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it has asked for.
const TAKES_WITHIN: Duration = Duration::from_mins(1);
/// How long what has been asked may take once a stop was asked for.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long to wait when no connection can be accepted, as when the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `stop`, then finishes what has been asked.
///
/// # Errors
/// None; it is a task that ends.
pub async fn until(listener: TcpListener, router: Router, stop: CancellationToken) -> Result<(), Infallible> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    while let Some((stream, place)) = stop.run_until_cancelled(accept(&listener, &places)).await {
        while connections.try_join_next().is_some() {}
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_WITHIN)
            // A connection that is kept for later can be closed in the very moment in which a hook is sent over it.
            .keep_alive(false)
            .serve_connection(
                TokioIo::new(Patient::new(stream, TAKES_WITHIN)),
                TowerToHyperService::new(router.clone()),
            );
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever is not done by then is dropped with the set.
    let _ = timeout(LAST_ANSWERS_WITHIN, graceful.shutdown()).await;
    Ok(())
}

/// The next client, once there is a place for one.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What the internet reaches: Kommo's hooks and links to files, and nothing else.
pub fn public(hooks: HookIntake, media: MediaDoor) -> Router {
    // Kommo substitutes the scope into the address that was registered, which can leave repeated slashes; a router
    // would take those for another path.
    Router::new().fallback(front).with_state(Arc::new((hooks, media)))
}

async fn front(State(doors): State<Arc<(HookIntake, MediaDoor)>>, request: Request<Body>) -> Response {
    let (hooks, media) = &*doors;
    if MediaDoor::is_link(request.uri().path()) { media.serve(request).await } else { hook(hooks, request).await }
}

async fn hook(hooks: &HookIntake, request: Request<Body>) -> Response {
    if *request.method() != Method::POST {
        return (StatusCode::NOT_FOUND, "telekommo listens here for Kommo's hooks\n").into_response();
    }
    match hooks.take(request).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(rejected) => (rejected.status(), format!("{rejected}\n")).into_response(),
    }
}
