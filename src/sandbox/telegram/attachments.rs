//! Files as messages have them.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::{Value, json};

/// As what a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture; Telegram makes smaller sizes of it.
    Photo,
    Video,
    /// A film without sound.
    Animation,
    VideoNote,
    Voice,
    /// Music.
    Audio,
    /// Any file as it is.
    Document,
    /// A sticker that stands still.
    Sticker,
    /// A sticker that moves; the bytes are those of its still image.
    MovingSticker,
    /// A sticker that moves, as a film.
    VideoSticker,
    /// A sticker that moves, as a drawing; the bytes are its own.
    AnimatedSticker,
}

/// A file that a customer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    pub kind: FileKind,
    pub bytes: Bytes,
    /// Its name, where its kind has one; the title, of music.
    pub name: Option<String>,
    /// The text with it; what a sticker stands for.
    pub caption: Option<String>,
}

/// A file in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The id by which the bot fetches it.
    pub file_id: String,
    /// How it was sent.
    pub kind: FileKind,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its type: `image/jpeg`.
    pub mime: String,
    /// Bytes.
    pub size: usize,
    /// What a bot has said of it, in the fields of its kind. Telegram finds it out for what customers send.
    pub(super) details: Option<Value>,
}

/// The files that Telegram keeps, by id.
pub(super) type Files = BTreeMap<String, StoredFile>;

/// A file as the server keeps it.
pub(super) struct StoredFile {
    pub(super) token: String,
    pub(super) path: String,
    pub(super) bytes: Bytes,
    pub(super) attachment: Attachment,
}

impl FileKind {
    /// The field of `Message`, the folder and the ending of the path, and the type.
    const fn names(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Photo => ("photo", "photos", "jpg", "image/jpeg"),
            Self::Video => ("video", "videos", "mp4", "video/mp4"),
            Self::Animation => ("animation", "animations", "mp4", "video/mp4"),
            Self::VideoNote => ("video_note", "video_notes", "mp4", "video/mp4"),
            Self::Voice => ("voice", "voice", "oga", "audio/ogg"),
            Self::Audio => ("audio", "music", "mp3", "audio/mpeg"),
            Self::Document => ("document", "documents", "bin", "application/pdf"),
            Self::Sticker => ("sticker", "stickers", "webp", "image/webp"),
            Self::MovingSticker => ("sticker", "thumbnails", "webp", "image/webp"),
            Self::VideoSticker => ("sticker", "stickers", "webm", "video/webm"),
            Self::AnimatedSticker => ("sticker", "stickers", "tgs", "application/x-tgsticker"),
        }
    }

    /// The field of `Message`, and of the method that sends it.
    pub(super) const fn field(self) -> &'static str {
        self.names().0
    }

    /// The type that Telegram gives such a file.
    pub(super) const fn mime(self) -> &'static str {
        self.names().3
    }

    /// Whether Telegram keeps its name.
    pub(super) const fn has_name(self) -> bool {
        matches!(self, Self::Video | Self::Animation | Self::Audio | Self::Document)
    }

    const fn is_sticker(self) -> bool {
        matches!(self, Self::Sticker | Self::MovingSticker | Self::VideoSticker | Self::AnimatedSticker)
    }
}

impl Attachment {
    /// What is known of a file that a customer sends.
    pub(super) fn of(file: &NewFile) -> Self {
        let (mime, size) = (file.kind.mime().to_owned(), file.bytes.len());
        Self { file_id: String::new(), kind: file.kind, name: file.name.clone(), mime, size, details: None }
    }
}

/// What all ids of files begin with here.
const ID: &str = "AgACAgIAAxkBAAI";

/// Whether this may be the id of a file, of whichever bot and whether or not it is still there.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(ID)
}

/// Keeps a file for a bot, and gives it its id.
pub(super) fn keep(files: &mut Files, token: &str, bytes: Bytes, mut attachment: Attachment) -> Attachment {
    let (_, folder, ending, _) = attachment.kind.names();
    let number = files.len() + 1;
    attachment.file_id = format!("{ID}{number:04}{:016x}", fastrand::u64(..));
    let path = format!("{folder}/file_{number}.{ending}");
    let kept = StoredFile { token: token.to_owned(), path, bytes, attachment: attachment.clone() };
    files.insert(attachment.file_id.clone(), kept);
    attachment
}

/// Puts a file into a `Message`, with the text of it.
pub(super) fn attach(message: &mut Value, file: &Attachment, caption: Option<&str>) {
    let field = file.kind.field();
    let mut shape = json!({
        "file_id": file.file_id, "file_unique_id": format!("u{}", &file.file_id[10..20]), "file_size": file.size
    });
    extend(&mut shape, &file.details.clone().unwrap_or_else(|| usual(file)));
    if file.kind.is_sticker() {
        extend(&mut shape, &sticker(file, caption));
    } else if let Some(caption) = caption {
        message["caption"] = json!(caption);
    }
    if file.kind == FileKind::Animation {
        let mut document = shape.clone();
        if let Some(fields) = document.as_object_mut() {
            fields.retain(|name, _| !["width", "height", "duration"].contains(&name.as_str()));
        }
        message["document"] = document;
    }
    let small = json!({ "file_id": "small", "file_unique_id": "s", "file_size": 9, "width": 90, "height": 67 });
    message[field] = if file.kind == FileKind::Photo { json!([small, shape]) } else { shape };
}

/// What Telegram finds out about a file.
fn usual(file: &Attachment) -> Value {
    match file.kind {
        FileKind::Photo => json!({ "width": 1280, "height": 960 }),
        FileKind::Video | FileKind::Animation => {
            json!({ "width": 640, "height": 480, "duration": 12, "mime_type": file.mime, "file_name": file.name })
        }
        FileKind::VideoNote => json!({ "length": 240, "duration": 7 }),
        FileKind::Voice => json!({ "duration": 3, "mime_type": file.mime }),
        FileKind::Audio => json!({ "duration": 181, "mime_type": file.mime, "performer": "Ann Lee",
            "title": file.name, "file_name": "track.mp3" }),
        FileKind::Document => json!({ "mime_type": file.mime, "file_name": file.name }),
        FileKind::Sticker | FileKind::MovingSticker | FileKind::VideoSticker | FileKind::AnimatedSticker => {
            json!({ "width": 512, "height": 512 })
        }
    }
}

/// What only stickers have.
fn sticker(file: &Attachment, emoji: Option<&str>) -> Value {
    let is_animated = matches!(file.kind, FileKind::MovingSticker | FileKind::AnimatedSticker);
    let mut shape = json!({ "type": "regular", "is_animated": is_animated,
        "is_video": file.kind == FileKind::VideoSticker, "emoji": emoji });
    if file.kind == FileKind::MovingSticker {
        let thumbnail = json!({ "file_id": file.file_id, "file_unique_id": "t", "file_size": file.size,
            "width": 128, "height": 128 });
        extend(&mut shape, &json!({ "file_id": "a vector animation", "file_size": 9, "thumbnail": thumbnail }));
    }
    shape
}

fn extend(shape: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        shape[name] = value.clone();
    }
}
