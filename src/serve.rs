//! The HTTP listeners.

use std::{future::IntoFuture, io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::kommo::hook::HookIntake;

/// Serves `router` until `stop`, then finishes what has been asked.
///
/// # Errors
/// If the listener fails.
pub async fn until(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).into_future().await
}

/// The public routes: Kommo's hooks, and nothing else.
pub fn public(hooks: HookIntake) -> Router {
    // Kommo substitutes the scope into the address that was registered, which can leave repeated slashes; a router
    // would take those for another path.
    Router::new().fallback(hook).with_state(Arc::new(hooks))
}

async fn hook(State(hooks): State<Arc<HookIntake>>, request: Request<Body>) -> Response {
    if *request.method() != Method::POST {
        return (StatusCode::NOT_FOUND, "telekommo listens here for Kommo's hooks\n").into_response();
    }
    match hooks.take(request).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(rejected) => (rejected.status(), format!("{rejected}\n")).into_response(),
    }
}
