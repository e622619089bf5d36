//! What managers attach: kept as long as the server runs, and given to whoever knows the address, as Kommo does.
//!
//! "Chat webhooks": `media` is an address at the host of the Chats API, fetched by a plain GET.

use axum::{body::Bytes, http::request::Parts, response::Response};
use reqwest::Url;

use crate::sandbox::{
    fault,
    kommo::{Core, Fetched, FileAddress, Media, world::uuid},
};

mod serving;

pub use serving::Serving;

/// What a manager attaches to a message. Clones share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    kind: AttachmentKind,
    name: String,
    content_type: String,
    bytes: Bytes,
    thumbnail: Option<Bytes>,
    duration: Option<u64>,
    serving: Serving,
}

/// The type of a message that has a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// `picture`.
    Picture,
    /// `video`.
    Video,
    /// `audio`: music.
    Audio,
    /// `voice`: a recording.
    Voice,
    /// `sticker`.
    Sticker,
    /// `file`: anything else.
    File,
}

impl AttachmentKind {
    pub const ALL: [Self; 6] = [Self::Picture, Self::Video, Self::Audio, Self::Voice, Self::Sticker, Self::File];

    /// As on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Voice => "voice",
            Self::Sticker => "sticker",
            Self::File => "file",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Picture => "image/jpeg",
            Self::Video => "video/mp4",
            Self::Audio => "audio/mpeg",
            Self::Voice => "audio/ogg",
            Self::Sticker => "image/webp",
            Self::File => "application/octet-stream",
        }
    }
}

impl Attachment {
    /// A file of that name. Its `Content-Type` is the usual one of its kind; a picture is its own thumbnail.
    pub fn new(kind: AttachmentKind, name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            kind,
            name: name.into(),
            content_type: kind.content_type().to_owned(),
            thumbnail: (kind == AttachmentKind::Picture).then(|| bytes.clone()),
            bytes,
            duration: None,
            serving: Serving::Whole,
        }
    }

    /// With this `Content-Type`; empty for none.
    #[must_use]
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// With a thumbnail, which only pictures and videos show.
    #[must_use]
    pub fn thumbnail(self, jpeg: impl Into<Bytes>) -> Self {
        Self { thumbnail: Some(jpeg.into()), ..self }
    }

    /// With `media_duration`, in seconds.
    #[must_use]
    pub fn lasting(self, seconds: u64) -> Self {
        Self { duration: Some(seconds), ..self }
    }

    /// Given to those who fetch it in this way.
    #[must_use]
    pub fn served(self, serving: Serving) -> Self {
        Self { serving, ..self }
    }

    pub(super) const fn kind(&self) -> AttachmentKind {
        self.kind
    }
}

/// A file with its address.
pub(super) struct Kept {
    /// Of the address, as it is encoded there.
    path: String,
    content_type: String,
    bytes: Bytes,
    serving: Serving,
}

impl Kept {
    pub(super) fn is_at(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.path() == self.path)
    }

    pub(super) fn serve_as(&mut self, serving: Serving) {
        self.serving = serving;
    }
}

/// Where an account's files are, and their addresses from now on.
pub(super) struct Shelf<'a> {
    pub(super) base_url: &'a str,
    pub(super) account_id: &'a str,
    pub(super) addresses: FileAddress,
    pub(super) kept: &'a mut Vec<Kept>,
}

impl Shelf<'_> {
    /// Keeps a file and tells what the message shows of it.
    pub(super) fn keep(&mut self, file: Attachment) -> Media {
        let id = uuid();
        let shows_thumbnail = matches!(file.kind, AttachmentKind::Picture | AttachmentKind::Video);
        let thumbnail = file.thumbnail.filter(|_| shows_thumbnail);
        let thumbnail =
            thumbnail.map(|jpeg| self.put(&id, &thumbnail_name(&file.name), "image/jpeg", jpeg, Serving::Whole));
        let url = self.put(&id, &file.name, &file.content_type, file.bytes.clone(), file.serving);
        Media {
            url,
            name: file.name,
            size: Some(file.bytes.len() as u64),
            duration: file.duration,
            thumbnail,
            fetched: Some(Fetched { status: Some(200), content_type: file.content_type, bytes: file.bytes }),
        }
    }

    fn put(&mut self, id: &str, name: &str, content_type: &str, bytes: Bytes, serving: Serving) -> String {
        let mut url = Url::parse(self.base_url).expect("the address of this server is valid");
        let folders: &[&str] = match self.addresses {
            FileAddress::Older => &["attachments", self.account_id],
            FileAddress::Newer => &["v2", self.account_id, "attachments"],
        };
        url.path_segments_mut().expect("an http address has a path").extend(folders).extend([id, name]);
        let (path, content_type) = (url.path().to_owned(), content_type.to_owned());
        self.kept.push(Kept { path, content_type, bytes, serving });
        url.into()
    }
}

/// `image.jpg` has `image_320x200.jpg` beside it.
fn thumbnail_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{stem}_320x200.jpg")
}

/// Whether a path is that of a manager's file.
pub(super) fn is_address(path: &str) -> bool {
    let mut folders = path.split('/').skip(1);
    match folders.next() {
        Some("attachments") => true,
        Some("v2") => folders.nth(1) == Some("attachments"),
        Some(_) | None => false,
    }
}

/// Answers a GET or a HEAD of an attachment.
pub(super) fn answer(core: &Core, head: &Parts) -> Response {
    let path = head.uri.path();
    core.world.read(|world| {
        let kept = world.attachments.iter().find(|kept| kept.path == path);
        kept.map_or_else(|| fault::json(404, ""), |kept| serving::answer(kept, &head.method))
    })
}
