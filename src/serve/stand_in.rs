//! Serves the public address during a check if no bridge runs: links to files work, and hooks are refused.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use reqwest::Url;

use crate::{
    intake::hook::Scope,
    media::serve::MediaServer,
    serve::{process_identity::ProcessIdentity, route_of, routes::Base},
};

struct StandIn {
    mark: ProcessIdentity,
    media: MediaServer,
    scope: Scope,
    base: Base,
}

/// The public routes below `public_url` during the check.
pub fn stand_in(mark: ProcessIdentity, media: MediaServer, scope: Scope, public_url: &Url) -> Router {
    let stand_in = StandIn { mark, media, scope, base: Base::of(public_url) };
    Router::new().fallback(front).with_state(Arc::new(stand_in))
}

async fn front(State(stand_in): State<Arc<StandIn>>, request: Request<Body>) -> Response {
    let request = stand_in.base.within(request);
    let path = request.uri().path();
    if let Some(answer) = stand_in.mark.answer(request.headers(), || route_of(&stand_in.scope, path)) {
        return answer;
    }
    if MediaServer::is_link(path) {
        return stand_in.media.serve(request).await;
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no bridge is running here: this is a check\n").into_response()
}
