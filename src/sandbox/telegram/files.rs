//! Files that customers send: how they stand in updates, and how a bot fetches them.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::sandbox::telegram::{
    arguments::Arguments,
    methods::{Answer, Refusal, UNAUTHORIZED},
    world::World,
};

/// The largest file that `getFile` gives (server source).
const LARGEST: usize = 20 << 20;

/// How a customer sends a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture; Telegram makes smaller sizes of it.
    Photo,
    /// A film.
    Video,
    /// A film without sound.
    Animation,
    /// A round film.
    VideoNote,
    /// A recorded voice.
    Voice,
    /// Music.
    Audio,
    /// Any file as it is.
    Document,
    /// A sticker that stands still.
    Sticker,
    /// A sticker that moves; the bytes are those of its still image.
    MovingSticker,
}

/// A file that a customer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// How.
    pub kind: FileKind,
    /// The file itself.
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
    /// Bytes.
    pub size: usize,
}

/// A file as the server keeps it.
pub(super) struct StoredFile {
    pub(super) token: String,
    pub(super) path: String,
    pub(super) bytes: Bytes,
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
        }
    }
}

impl World {
    /// Keeps a file for a bot.
    pub(super) fn keep(&mut self, token: &str, file: &NewFile) -> Attachment {
        let (_, folder, ending, _) = file.kind.names();
        let number = self.files.len() + 1;
        let file_id = format!("AgACAgIAAxkBAAI{number:04}{:016x}", fastrand::u64(..));
        let path = format!("{folder}/file_{number}.{ending}");
        self.files.insert(file_id.clone(), StoredFile { token: token.to_owned(), path, bytes: file.bytes.clone() });
        Attachment { file_id, kind: file.kind, name: file.name.clone(), size: file.bytes.len() }
    }
}

/// Puts a file into the `Message` of its text, which becomes the caption.
pub(super) fn attach(message: &mut Value, file: &Attachment, caption: Option<&str>) {
    let (field, _, _, kind) = file.kind.names();
    let mut shape = json!({
        "file_id": file.file_id, "file_unique_id": format!("u{}", &file.file_id[10..20]), "file_size": file.size
    });
    let of_kind = match file.kind {
        FileKind::Photo => json!({ "width": 1280, "height": 960 }),
        FileKind::Video | FileKind::Animation => {
            json!({ "width": 640, "height": 480, "duration": 12, "mime_type": kind, "file_name": file.name })
        }
        FileKind::VideoNote => json!({ "length": 240, "duration": 7 }),
        FileKind::Voice => json!({ "duration": 3, "mime_type": kind }),
        FileKind::Audio => json!({ "duration": 181, "mime_type": kind, "performer": "Ann Lee", "title": file.name,
            "file_name": "track.mp3" }),
        FileKind::Document => json!({ "mime_type": kind, "file_name": file.name }),
        FileKind::Sticker | FileKind::MovingSticker => json!({ "width": 512, "height": 512, "type": "regular",
            "is_animated": file.kind == FileKind::MovingSticker, "is_video": false, "emoji": caption }),
    };
    extend(&mut shape, &of_kind);
    if file.kind == FileKind::MovingSticker {
        let thumbnail = json!({ "file_id": file.file_id, "file_unique_id": "t", "file_size": file.size,
            "width": 128, "height": 128 });
        extend(&mut shape, &json!({ "file_id": "a vector animation", "file_size": 9, "thumbnail": thumbnail }));
    }
    if let Some(fields) = message.as_object_mut() {
        fields.remove("text");
        fields.remove("entities");
        let is_sticker = matches!(file.kind, FileKind::Sticker | FileKind::MovingSticker);
        if let Some(caption) = caption.filter(|_| !is_sticker) {
            fields.insert("caption".to_owned(), json!(caption));
        }
        if file.kind == FileKind::Animation {
            fields.insert("document".to_owned(), shape.clone());
        }
        let small = json!({ "file_id": "small", "file_unique_id": "s", "file_size": 9, "width": 90, "height": 67 });
        fields.insert(field.to_owned(), if file.kind == FileKind::Photo { json!([small, shape]) } else { shape });
    }
}

fn extend(shape: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        shape[name] = value.clone();
    }
}

/// `getFile`.
pub(super) fn get_file(world: &World, token: &str, arguments: &Arguments) -> Answer {
    let id = arguments.text("file_id").ok_or(Refusal::new(400, "Bad Request: file_id not specified"))?;
    let known = world.files.get(id).filter(|file| file.token == token);
    let file = known.ok_or(Refusal::new(400, "Bad Request: invalid file_id"))?;
    if file.bytes.len() > LARGEST {
        return Err(Refusal::new(400, "Bad Request: file is too big"));
    }
    Ok(json!({ "file_id": id, "file_unique_id": "u", "file_size": file.bytes.len(), "file_path": file.path }))
}

/// The token and the file that a path names: `/file/bot<token>/<path>`, the path's slashes encoded or not.
pub(super) fn address(path: &str) -> Option<(String, String)> {
    let (token, path) = path.strip_prefix("/file/bot")?.split_once('/')?;
    Some((token.replace("%3A", ":"), path.replace("%2F", "/")))
}

/// The file, or the part of it that `Range` asks for.
pub(super) fn download(world: &World, token: &str, path: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    if world.bots.get(token).is_none_or(|bot| bot.revoked) {
        return Err(UNAUTHORIZED);
    }
    let file = world.files.values().find(|file| file.token == token && file.path == path);
    let bytes = file.ok_or(Refusal::new(404, "Not Found"))?.bytes.clone();
    let length = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let kind = [(header::CONTENT_TYPE, "application/octet-stream"), (header::ACCEPT_RANGES, "bytes")];
    Ok(match asked.map_or(Part::Whole, |range| Part::of(range, length)) {
        Part::Whole => (kind, bytes).into_response(),
        Part::Beyond => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, whole, Body::empty()).into_response()
        }
        Part::Bytes(first, last) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, kind, range, bytes.slice(first..=last)).into_response()
        }
    })
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Everything, since nothing that can be read is asked for.
    Whole,
    /// Nothing that the file has.
    Beyond,
    /// The first and the last byte.
    Bytes(usize, usize),
}

impl Part {
    /// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
    fn of(range: &str, length: usize) -> Self {
        let ends = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let Some((first, last)) = ends else { return Self::Whole };
        let Some(end) = length.checked_sub(1) else { return Self::Beyond };
        let read = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.min(end)),
            (Ok(first), Err(_)) => (first, end),
            (Err(_), Ok(count)) => (length.saturating_sub(count), end),
            (Err(_), Err(_)) => return Self::Whole,
        };
        if read.0 <= read.1 { Self::Bytes(read.0, read.1) } else { Self::Beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_http_says() {
        for (range, read) in [
            ("bytes=0-3", Part::Bytes(0, 3)),
            ("bytes=4-", Part::Bytes(4, 9)),
            ("bytes=-2", Part::Bytes(8, 9)),
            ("bytes=5-99", Part::Bytes(5, 9)),
            ("bytes=10-", Part::Beyond),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(Part::of(range, 10), read, "{range}");
        }
    }
}
