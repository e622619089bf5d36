//! Writes a dump of the store on request, for a backup.

use std::path::PathBuf;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::task::spawn_blocking;

use crate::{
    admin::{
        refusal,
        upkeep::{self, Kept},
    },
    config::Config,
    store::{Store, dumps},
};

/// State of the route.
#[derive(Clone)]
struct Dumping {
    store: Store,
    dumps: PathBuf,
    kept: Kept,
}

/// `/dump`: writes a dump, and responds with its path.
pub fn router(store: Store, config: &Config) -> Router {
    let dumping = Dumping { store, dumps: dumps::dir(&config.data_dir), kept: Kept::of(config) };
    Router::new().route("/dump", post(dump)).with_state(dumping)
}

async fn dump(State(Dumping { store, dumps, kept }): State<Dumping>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let written = spawn_blocking(move || upkeep::write(&store, &dumps, kept)).await;
    let written = written.unwrap_or_else(|error| Err(anyhow::anyhow!("the dump did not end: {error}")));
    match written {
        Ok(file) => file.display().to_string().into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")).into_response(),
    }
}
