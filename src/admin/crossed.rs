//! Whether a message has reached the other side, for `telekommo check --message`.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{domain::address::KommoMessageId, store::Store};

/// `/crossed/{id}`: 204 once the message that Kommo calls so is in Telegram, or has come from there; until then 404.
pub fn router(store: Store) -> Router {
    Router::new().route("/crossed/{id}", get(crossed)).with_state(store)
}

async fn crossed(State(store): State<Store>, Path(id): Path<String>) -> Response {
    match store.telegram_messages(&KommoMessageId(id)) {
        Ok(ours) if ours.is_empty() => StatusCode::NOT_FOUND.into_response(),
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
