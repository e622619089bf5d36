//! Files on the page: sent by the customer, and shown on both sides.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::header,
    response::{IntoResponse, Response},
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::sandbox::{
    fault,
    kommo::Message,
    page::{Trouble, View, acts::known},
    telegram::{Attachment, FileKind, NewFile},
};

/// The largest file that the page takes.
pub(super) const LARGEST: usize = 5 << 20;

/// A customer sends a file.
pub(super) async fn send(
    State(view): State<Arc<View>>,
    RawQuery(query): RawQuery,
    bytes: Bytes,
) -> Result<Response, Trouble> {
    let asked = arguments(&query.unwrap_or_default());
    let text = |name: &str| asked.get(name).cloned().filter(|value| !value.is_empty());
    let token = view.token(&text("source").unwrap_or_default())?;
    let customer = text("customer").and_then(|id| id.parse().ok()).ok_or_else(|| Trouble::bad("Say who sends."))?;
    known(&view, customer)?;
    if bytes.is_empty() {
        return Err(Trouble::bad("The file is empty."));
    }
    let kind = kind_of(text("type").as_deref().unwrap_or_default());
    let file = NewFile { kind, bytes, name: text("name"), caption: text("caption") };
    let message_id = view.telegram.send_file(token, customer, &file);
    Ok(fault::json(200, json!({ "message_id": message_id }).to_string()))
}

fn arguments(query: &str) -> BTreeMap<String, String> {
    let mut url = Url::parse("form:/").expect("a constant address is valid");
    url.set_query(Some(query));
    url.query_pairs().into_owned().collect()
}

/// How an app sends a file of this type.
fn kind_of(mime_type: &str) -> FileKind {
    match mime_type {
        "image/jpeg" | "image/png" => FileKind::Photo,
        "image/webp" => FileKind::Sticker,
        "image/gif" | "video/mp4" => FileKind::Video,
        "audio/ogg" => FileKind::Voice,
        "audio/mpeg" | "audio/mp4" => FileKind::Audio,
        _ => FileKind::Document,
    }
}

/// A file as the customer sent it.
pub(super) async fn sent(State(view): State<Arc<View>>, Path(file): Path<String>) -> Result<Response, Trouble> {
    let bytes = view.telegram.file(&file).ok_or_else(|| Trouble::unknown("There is no such file."))?;
    Ok(given("application/octet-stream", bytes))
}

/// A message's file as Kommo has fetched it.
pub(super) async fn fetched(State(view): State<Arc<View>>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let messages = view.kommo.chats().into_iter().flat_map(|chat| chat.messages);
    let file = messages.filter(|message| message.id == id).find_map(|message| message.media?.fetched);
    let file = file.filter(|file| file.status == Some(200));
    let file = file.ok_or_else(|| Trouble::unknown("Kommo has no such file."))?;
    Ok(given(&file.content_type, file.bytes))
}

/// Pictures and players sniff what they show; as a page of its own a file has no rights.
fn given(kind: &str, bytes: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, bytes).into_response()
}

/// A file in the customer's chat.
pub(super) fn sent_shape(file: &Attachment) -> Value {
    let kind = match file.kind {
        FileKind::Photo => "picture",
        FileKind::Video | FileKind::Animation | FileKind::VideoNote | FileKind::VideoSticker => "video",
        FileKind::Voice | FileKind::Audio => "audio",
        FileKind::Sticker | FileKind::MovingSticker => "sticker",
        FileKind::Document | FileKind::AnimatedSticker => "file",
    };
    let url = format!("/api/telegram/files/{}", file.file_id);
    json!({ "kind": kind, "name": file.name, "size": file.size, "url": url })
}

/// A file in Kommo. It has an address once it was fetched, and a `status` once that was tried.
pub(super) fn fetched_shape(message: &Message) -> Value {
    let Some(media) = &message.media else { return Value::Null };
    let status = media.fetched.as_ref().map(|fetched| fetched.status);
    let url = (status == Some(Some(200))).then(|| format!("/api/kommo/files/{}", message.id));
    let kind = if message.kind == "voice" { "audio" } else { message.kind.as_str() };
    json!({ "kind": kind, "name": media.name, "size": media.size, "url": url, "failed": status.is_some() && url.is_none() })
}
