//! The HTTP listeners.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use reqwest::Url;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    intake::hook::{HookIntake, Scope},
    media::serve::MediaServer,
    metrics::Metrics,
    serve::{
        connections::Connections,
        log_throttle::LogThrottle,
        process_identity::{ProcessIdentity, Route},
        refusal_limiter::too_many,
        routes::PublicRoutes,
        unparsed::UnparsedRequests,
    },
    tls::Served,
};

mod body;
mod connections;
mod conversation;
mod handshake;
mod head;
mod limits;
mod log_throttle;
mod peer;
pub mod process_identity;
mod refusal_limiter;
mod routes;
mod stand_in;
mod strict;
mod swappable_router;
mod table;
mod unparsed;
mod wire;
mod write_timeout;

#[cfg(test)]
mod tests;

pub use self::{
    limits::{Limits, raise_open_files},
    peer::{Peer, Proxies},
    refusal_limiter::RefusalLimiter,
    stand_in::stand_in,
    swappable_router::SwappableRouter,
};

/// The response to visitors other than Kommo. Checks recognise a running telekommo by it.
pub const HERE: &str = "telekommo listens here for Kommo's hooks\n";
/// The response to plain HTTP at a port for HTTPS.
pub const HTTPS_ONLY: &str = "this port accepts HTTPS only: use https:// in the URL\n";
/// The backlog of the listening socket. A connection that does not fit is retried by its client after a second or more.
const BACKLOG: u32 = 4096;
/// How long requests under way may take after a stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// The pause after a connection could not be accepted, for instance with too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The pause after connections were dropped, until their files are closed.
const DROP_PAUSE: Duration = Duration::from_millis(5);

/// Listens at `address`.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(BACKLOG)
}

/// Checks that [`listen`] would succeed, without accepting anybody.
pub fn can_listen(address: SocketAddr) -> io::Result<()> {
    bound(address).map(drop)
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // The port of a bridge that has just ended is still in use for a while.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves `router` within `limits`, behind `proxies`, until `stop`, then finishes requests under way. With a
/// certificate it accepts HTTPS only. If hooks are served, requests with a malformed head are counted in `hooks_meter`.
///
/// # Errors
/// None; it is a task that ends.
pub async fn until(
    (listener, tls): (TcpListener, Option<Served>),
    router: Router,
    limits: Limits,
    proxies: Proxies,
    hooks_meter: Option<Arc<Metrics>>,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let open = Arc::new(Connections::new(limits, UnparsedRequests::new(hooks_meter)));
    let mut conversations = JoinSet::new();
    let failed = LogThrottle::default();
    while let Some((stream, address)) = stop.run_until_cancelled(accept(&listener, &open, &failed)).await {
        let connection = tokio::select! {
            // An accepted client is served, unless there is no room.
            biased;
            connection = open.enter(proxies.peer(address)) => connection,
            () = stop.cancelled() => break,
        };
        while conversations.try_join_next().is_some() {}
        conversations.spawn(conversation::hold(stream, tls.clone(), connection, router.clone(), stop.clone()));
    }
    drop(listener);
    // Connections that take longer are dropped with the set.
    let _ = timeout(SHUTDOWN_GRACE, async { while conversations.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn accept(listener: &TcpListener, open: &Connections, failed: &LogThrottle) -> (TcpStream, SocketAddr) {
    loop {
        let error = match listener.accept().await {
            Ok(client) => return client,
            Err(error) => error,
        };
        if let Some(times) = failed.add(1) {
            tracing::warn!(%error, times, "connections cannot be accepted");
        }
        let has_dropped = is_out_of_files(&error) && open.shed_some();
        sleep(if has_dropped { DROP_PAUSE } else { ACCEPT_PAUSE }).await;
    }
}

/// Whether closing a connection would help.
fn is_out_of_files(error: &io::Error) -> bool {
    let full =
        [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS, rustix::io::Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| full.iter().any(|errno| errno.raw_os_error() == code))
}

/// The public routes below `public_url`: Kommo's hooks, links to files, and the identity of this process for checks.
pub fn public(
    handlers: (HookIntake, MediaServer),
    mark: ProcessIdentity,
    public_url: &Url,
    proxies: Proxies,
) -> Router {
    // Kommo substitutes the scope into the registered URL, which can leave repeated slashes. A router would treat those
    // as another path.
    Router::new().fallback(front).with_state(Arc::new(PublicRoutes::new(handlers, mark, public_url, proxies)))
}

/// The route of a path, for hooks of `scope`.
fn route_of(scope: &Scope, path: &str) -> Route {
    if scope.is_addressed_by(path) {
        Route::Hooks
    } else if MediaServer::is_link(path) {
        Route::Files
    } else {
        Route::Front
    }
}

async fn front(State(routes): State<Arc<PublicRoutes>>, request: Request<Body>) -> Response {
    let client = routes.client(&request);
    let request = routes.within(request);
    let route = || route_of(&routes.hooks.scope, request.uri().path());
    let mut answer = if let Some(answer) = routes.mark.answer(request.headers(), route) {
        answer
    } else if MediaServer::is_link(request.uri().path()) {
        file(&routes, client, request).await
    } else {
        hook(&routes, client, request).await
    };
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

async fn file(routes: &PublicRoutes, client: IpAddr, request: Request<Body>) -> Response {
    let answer = routes.media.serve(request).await;
    let has_no_link = matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    if has_no_link && routes.refusals.is_one_too_many(client) { too_many() } else { answer }
}

async fn hook(routes: &PublicRoutes, client: IpAddr, request: Request<Body>) -> Response {
    let hooks = &routes.hooks;
    if !HookIntake::is_address(request.uri().path()) {
        routes.diagnose(request.uri().path());
        // A visitor, a health check, or telekommo's own check: never limited.
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return (StatusCode::NOT_FOUND, HERE).into_response();
        }
    }
    if *request.method() != Method::POST {
        let is_too_many = routes.refusals.is_one_too_many(client);
        return if is_too_many { too_many() } else { (StatusCode::NOT_FOUND, HERE).into_response() };
    }
    match hooks.take(request).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(rejected) if !rejected.is_signed() && routes.refusals.is_one_too_many(client) => too_many(),
        Err(rejected) => {
            rejected.log();
            (rejected.status(), format!("{rejected}\n")).into_response()
        }
    }
}
