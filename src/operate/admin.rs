//! The operator's listener: probes and metrics. It is meant for this machine only.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use crate::{clock, meter::Meter, store::Store};

#[derive(Clone)]
struct Admin {
    store: Store,
    meter: Arc<Meter>,
}

/// `/live`, `/ready` and `/metrics`.
pub fn router(store: Store, meter: Arc<Meter>) -> Router {
    Router::new()
        .route("/live", get(async || "alive\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Admin { store, meter })
}

/// 200, or 503 with one reason per line.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let store = admin.store.trouble().map(|why| format!("store: {why}"));
    let reasons: Vec<_> = store.into_iter().chain(admin.meter.obstacles()).collect();
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let (counts, now) = (admin.store.counts(), clock::now());
    for (route, queue) in &counts.routes {
        let oldest = queue.oldest_at.map(|at| at.until(now)).unwrap_or_default();
        admin.meter.queue(route, queue.waiting, oldest);
    }
    admin.meter.parked(counts.parked);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], admin.meter.text())
}
