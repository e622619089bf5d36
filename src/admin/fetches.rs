//! How a file was fetched, for `telekommo check --live`.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::metrics::Metrics;

/// `/fetches/{file}`: each fetch of the file with this name, the oldest first.
pub fn router(metrics: Arc<Metrics>) -> Router {
    let fetches = move |Path(file): Path<String>| async move { shown(&metrics, &file) };
    Router::new().route("/fetches/{file}", get(fetches))
}

fn shown(metrics: &Metrics, file: &str) -> Response {
    let text = serde_json::to_vec(&metrics.fetches(file)).expect("a fetch has string keys only");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
