//! Which of Kommo's chats a conversation is, for `telekommo history`.

use std::io;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::task::spawn_blocking;

use crate::{
    admin::{elsewhere, is_addressed_directly},
    domain::address::Conversation,
    media::imported::ImportedChats,
    store::Store,
};

/// `/chats/{conversation}`: Kommo's id of its chat, as the store has it, or else an import.
pub fn router(store: Store, imported: ImportedChats) -> Router {
    Router::new().route("/chats/{conversation}", get(chat)).with_state((store, imported))
}

async fn chat(
    State((store, imported)): State<(Store, ImportedChats)>,
    Path(conversation): Path<Conversation>,
    headers: HeaderMap,
) -> Response {
    if !is_addressed_directly(&headers) {
        return elsewhere();
    }
    match store.chat(&conversation) {
        Ok(Some(chat)) => return chat.chat.0.into_response(),
        Ok(None) => {}
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
    let found = spawn_blocking(move || imported.find(&conversation)).await;
    match found.map_err(io::Error::from).and_then(|found| found) {
        Ok(Some(chat)) => chat.0.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "this conversation is not known\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
