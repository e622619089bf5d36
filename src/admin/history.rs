//! Which of Kommo's chats a conversation is, for `telekommo history`.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    admin::{is_addressed_directly, wrong_host},
    domain::address::Conversation,
    store::{Imports, Store},
};

/// `/chats/{conversation}`: Kommo's id of its chat, from the store or else from an import.
pub fn router(store: Store, imported: Imports) -> Router {
    Router::new().route("/chats/{conversation}", get(chat)).with_state((store, imported))
}

async fn chat(
    State((store, imported)): State<(Store, Imports)>,
    Path(conversation): Path<Conversation>,
    headers: HeaderMap,
) -> Response {
    if !is_addressed_directly(&headers) {
        return wrong_host();
    }
    let found = store.chat(&conversation).and_then(|found| match found {
        Some(chat) => Ok(Some(chat.chat)),
        None => imported.chat(&conversation),
    });
    match found {
        Ok(Some(chat)) => chat.0.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "this conversation is not known\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
