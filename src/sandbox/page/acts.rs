//! What a visitor does: as a customer, and as a manager.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{
    fault,
    page::{PageError, View, files},
};

mod customer;
mod manager;
mod place;
mod switch;

/// The longest reaction: some emoji are made of many characters.
const LONGEST_EMOJI: usize = 16;

/// The addresses of all acts.
pub(super) fn router() -> Router<Arc<View>> {
    let files = Router::new()
        .route("/api/telegram/send_files", post(customer::send_files))
        .route("/api/telegram/avatar", post(customer::avatar))
        .route("/api/kommo/send_files", post(manager::send_files))
        .layer(DefaultBodyLimit::max(files::LARGEST));
    Router::new()
        .route("/api/telegram/write", post(customer::write))
        .route("/api/telegram/edit", post(customer::edit))
        .route("/api/telegram/react", post(customer::react))
        .route("/api/telegram/send_piece", post(customer::send_piece))
        .route("/api/telegram/press", post(customer::press))
        .route("/api/telegram/press_key", post(customer::press_key))
        .route("/api/telegram/block", post(customer::block))
        .route("/api/telegram/files/{file}", get(files::sent))
        .route("/api/switch", post(switch::switch))
        .route("/api/kommo/reply", post(manager::reply))
        .route("/api/kommo/write_first", post(manager::write_first))
        .route("/api/kommo/react", post(manager::react))
        .route("/api/kommo/typing", post(manager::typing))
        .route("/api/kommo/files/{message}", get(files::fetched))
        .route("/api/kommo/avatars/{contact}", get(files::avatar))
        .merge(files)
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, PageError> {
    serde_json::from_slice(body)
        .map_err(|error| PageError::bad(format!("The body is not what this address takes: {error}.")))
}

fn non_blank(text: &str) -> Result<&str, PageError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PageError::bad("The text is empty."));
    }
    Ok(text)
}

/// A reaction, or the end of one.
fn emoji(wanted: Option<&str>) -> Result<Option<&str>, PageError> {
    match wanted {
        Some(emoji) if emoji.trim().is_empty() || emoji.chars().count() > LONGEST_EMOJI => {
            Err(PageError::bad("A reaction is one emoji."))
        }
        wanted => Ok(wanted),
    }
}

fn done(answer: &Value) -> Response {
    fault::json(200, answer.to_string())
}
