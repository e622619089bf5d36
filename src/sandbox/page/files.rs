//! Files on the page: sent from both sides, and shown on both.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{
        Multipart, Path, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde::de::DeserializeOwned;

use crate::sandbox::{
    kommo::{self, AttachmentKind},
    page::{PageError, View},
    range,
    telegram::{FileKind, NewFile},
};

/// How many bytes may come at once. Bots cannot fetch files of more than 20 MB, which a visitor may want to see.
pub(super) const LARGEST: usize = 64 << 20;
/// The most files of an album (Bot API, `sendMediaGroup`).
const MOST: usize = 10;

/// A form, or why the body is none.
pub(super) type Form = Result<Multipart, MultipartRejection>;

/// A file as the browser sends it.
pub(super) struct Upload {
    name: String,
    mime: String,
    pub(super) bytes: Bytes,
}

/// Files, and the text with them.
#[derive(Default)]
pub(super) struct Uploads {
    pub(super) caption: String,
    pub(super) files: Vec<Upload>,
}

/// Reads a form: `about` is JSON, `caption` a text, and each `file` a file. There is at least one.
pub(super) async fn received<T: DeserializeOwned>(form: Form) -> Result<(T, Uploads), PageError> {
    let (about, uploads) = received_any(form).await?;
    match uploads.files.len() {
        0 => Err(PageError::bad("There is no file.")),
        1..=MOST => Ok((about, uploads)),
        _ => Err(PageError::bad("At most ten files go at once.")),
    }
}

/// The same where the file may be missing.
pub(super) async fn received_any<T: DeserializeOwned>(form: Form) -> Result<(T, Uploads), PageError> {
    let mut form = form.map_err(|_| PageError::bad("Send a form."))?;
    let (mut about, mut uploads) = (String::new(), Uploads::default());
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("about") => about = field.text().await.map_err(unreadable)?,
            Some("caption") => field.text().await.map_err(unreadable)?.trim().clone_into(&mut uploads.caption),
            _ => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let mime = field.content_type().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.map_err(unreadable)?;
                if bytes.is_empty() {
                    return Err(PageError::bad("The file is empty."));
                }
                uploads.files.push(Upload { name, mime, bytes });
            }
        }
    }
    let wrong = |error| PageError::bad(format!("The form is not what this address takes: {error}."));
    Ok((serde_json::from_str(&about).map_err(wrong)?, uploads))
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives values")]
fn unreadable(error: MultipartError) -> PageError {
    PageError::new(error.status(), format!("The form cannot be read: {}.", error.body_text()))
}

/// Files as the app sends them; the text is with the first.
pub(super) fn of_customer(files: Vec<Upload>, caption: &str) -> Vec<NewFile> {
    let caption = Some(caption).filter(|caption| !caption.is_empty());
    let file = |(n, Upload { name, mime, bytes }): (usize, Upload)| NewFile {
        kind: kind_of(&mime),
        bytes,
        name: Some(name).filter(|name| !name.is_empty()),
        caption: caption.filter(|_| n == 0).map(str::to_owned),
    };
    files.into_iter().enumerate().map(file).collect()
}

/// How an app sends a file of this type.
fn kind_of(mime: &str) -> FileKind {
    match mime.split(';').next().unwrap_or_default() {
        "image/jpeg" | "image/png" => FileKind::Photo,
        "image/webp" => FileKind::Sticker,
        "image/gif" => FileKind::Animation,
        "video/mp4" | "video/webm" => FileKind::Video,
        "audio/ogg" => FileKind::Voice,
        "audio/mpeg" | "audio/mp4" => FileKind::Audio,
        _ => FileKind::Document,
    }
}

/// Whether apps send these as one album: photos and films together, documents and music only among themselves.
pub(super) fn is_album(files: &[NewFile]) -> bool {
    let (first, rest) = match files {
        [first, rest @ ..] if !rest.is_empty() => (first.kind, rest),
        _ => return false,
    };
    let is_seen = |kind| matches!(kind, FileKind::Photo | FileKind::Video);
    match first {
        FileKind::Photo | FileKind::Video => rest.iter().all(|file| is_seen(file.kind)),
        FileKind::Document | FileKind::Audio => rest.iter().all(|file| file.kind == first),
        FileKind::Animation
        | FileKind::VideoNote
        | FileKind::Voice
        | FileKind::Sticker
        | FileKind::MovingSticker
        | FileKind::VideoSticker
        | FileKind::AnimatedSticker => false,
    }
}

/// A file as Kommo keeps it.
pub(super) fn of_manager(Upload { name, mime, bytes }: Upload) -> kommo::Attachment {
    let kind = match mime.split(';').next().unwrap_or_default() {
        "image/webp" => AttachmentKind::Sticker,
        "audio/ogg" => AttachmentKind::Voice,
        mime if mime.starts_with("image/") => AttachmentKind::Picture,
        mime if mime.starts_with("video/") => AttachmentKind::Video,
        mime if mime.starts_with("audio/") => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    let name = if name.is_empty() { "file".to_owned() } else { name };
    let file = kommo::Attachment::new(kind, name, bytes);
    if mime.is_empty() { file } else { file.content_type(mime) }
}

/// A file as the customer sees it.
pub(super) async fn sent(
    State(view): State<Arc<View>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let bytes = view.telegram.file(&file).ok_or_else(|| PageError::unknown("There is no such file."))?;
    Ok(given("application/octet-stream", bytes, &headers))
}

/// A message's file as Kommo has it.
pub(super) async fn fetched(
    State(view): State<Arc<View>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let messages = view.kommo.chats().into_iter().flat_map(|chat| chat.messages);
    let file = messages.filter(|message| message.id == id).find_map(|message| message.media?.fetched);
    shown(file, &headers)
}

/// A contact's picture as Kommo has fetched it.
pub(super) async fn avatar(
    State(view): State<Arc<View>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let contacts = view.kommo.chats().into_iter().map(|chat| chat.contact);
    shown(contacts.filter(|contact| contact.id == id).find_map(|contact| contact.avatar?.fetched), &headers)
}

fn shown(file: Option<kommo::Fetched>, headers: &HeaderMap) -> Result<Response, PageError> {
    let file = file.filter(|file| file.status == Some(200));
    let file = file.ok_or_else(|| PageError::unknown("Kommo has no such file."))?;
    Ok(given(&file.content_type, file.bytes, headers))
}

/// Pictures and players sniff what they show; as a page of its own a file has no rights.
fn given(kind: &str, bytes: Bytes, headers: &HeaderMap) -> Response {
    let mut response = range::part(kind, bytes, headers);
    let no_rights = HeaderValue::from_static("sandbox; default-src 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, no_rights);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
