//! Files that bots send.

use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage,
        arguments::Arguments,
        attachments::{self, Attachment, FileKind},
        formats,
        methods::{Answer, Refusal},
        pictures,
        places::Spot,
        sending, texts,
        uploads::Upload,
        world::World,
    },
};

/// The largest photo (client library's source).
const LARGEST_PHOTO: usize = 10 << 20;
/// The largest round film (client library's source).
const LARGEST_VIDEO_NOTE: usize = 12 << 20;

/// Where a file comes from.
pub(super) enum Source<'a> {
    Upload(&'a Upload),
    /// Telegram, by its id, or the web, by its address.
    Named(&'a str),
}

impl<'a> Source<'a> {
    /// The file of a field, given as the value of the field or below its name.
    pub(super) fn of(arguments: &'a Arguments, field: &'a str, value: Option<&'a str>) -> Option<Self> {
        match value {
            Some(value) => match value.strip_prefix("attach://") {
                Some(name) => arguments.file(name).map(Self::Upload),
                None => Some(Self::Named(value)),
            },
            None => arguments.file(field).map(Self::Upload),
        }
    }
}

/// A file to send.
pub(super) struct Item<'a> {
    pub(super) source: Source<'a>,
    pub(super) kind: FileKind,
    /// Whether Telegram may find another kind for a document.
    pub(super) detects: bool,
    /// The fields that the bot has sent with it.
    pub(super) fields: Value,
}

/// Answers the method that sends `kind`.
pub(super) fn send(world: &mut World, token: &str, arguments: &Arguments, kind: FileKind, now: UnixMillis) -> Answer {
    let field = kind.field();
    let missing = || Refusal::bad(&format!("there is no {} in the request", field.replace('_', " ")));
    let source = Source::of(arguments, field, arguments.text(field)).ok_or_else(missing)?;
    let text = match kind {
        FileKind::Sticker => arguments.text("emoji").unwrap_or_default().to_owned(),
        FileKind::VideoNote => String::new(),
        FileKind::Photo
        | FileKind::Video
        | FileKind::Animation
        | FileKind::Voice
        | FileKind::Audio
        | FileKind::Document
        | FileKind::MovingSticker
        | FileKind::VideoSticker
        | FileKind::AnimatedSticker => texts::caption(arguments.text("caption"))?,
    };
    let number = |name: &str| arguments.integer(name, 0, 0, i64::from(i32::MAX));
    if kind == FileKind::VideoNote && number("length") > 640 {
        return Err(Refusal::new(400, "Bad Request: wrong video note length"));
    }
    let fields = json!({ "width": number("width"), "height": number("height"), "duration": number("duration"),
        "length": number("length"), "title": arguments.text("title"), "performer": arguments.text("performer") });
    let item = Item { source, kind, detects: !arguments.flag("disable_content_type_detection"), fields };
    sending::send(world, token, arguments, now, |spot| {
        let file = item.keep(spot)?;
        Ok(ChatMessage { text, file: Some(file), ..ChatMessage::default() })
    })
}

impl Item<'_> {
    /// Judges the file and keeps it.
    pub(super) fn keep(&self, spot: &mut Spot<'_>) -> Result<Attachment, Refusal> {
        match self.source {
            Source::Upload(upload) => {
                let attachment = self.judge(upload)?;
                Ok(attachments::keep(spot.files, spot.token, upload.bytes.clone(), attachment))
            }
            Source::Named(name) => self.known(spot, name),
        }
    }

    fn judge(&self, upload: &Upload) -> Result<Attachment, Refusal> {
        let size = upload.bytes.len();
        if size == 0 {
            return Err(Refusal::new(400, "Bad Request: file must be non-empty"));
        }
        let too_big = |what: &str, most: usize| {
            Refusal::bad(&format!(
                "file of size {size} bytes is too big for a {what}; the maximum size is {most} bytes"
            ))
        };
        let mut fields = self.fields.clone();
        match self.kind {
            FileKind::Photo if size > LARGEST_PHOTO => return Err(too_big("photo", LARGEST_PHOTO)),
            FileKind::VideoNote if size > LARGEST_VIDEO_NOTE => return Err(too_big("video note", LARGEST_VIDEO_NOTE)),
            FileKind::Photo => {
                (fields["width"], fields["height"]) =
                    pictures::photo(&upload.bytes).map(|(w, h)| (w.into(), h.into()))?;
            }
            FileKind::Video
            | FileKind::Animation
            | FileKind::VideoNote
            | FileKind::Voice
            | FileKind::Audio
            | FileKind::Document
            | FileKind::Sticker
            | FileKind::MovingSticker
            | FileKind::VideoSticker
            | FileKind::AnimatedSticker => {}
        }
        let kind = formats::delivered(self.kind, upload, self.detects);
        let mime = if kind.has_name() { upload.content_type.clone() } else { kind.mime().to_owned() };
        let name = Some(upload.name.clone()).filter(|name| kind.has_name() && !name.is_empty());
        (fields["mime_type"], fields["file_name"]) = (json!(mime), json!(name));
        let details = Some(of_kind(kind, &fields));
        Ok(Attachment { file_id: String::new(), kind, name, mime, size, details })
    }

    /// A file that Telegram has already.
    fn known(&self, spot: &Spot<'_>, name: &str) -> Result<Attachment, Refusal> {
        // Nothing outside of the sandbox can be reached from it.
        if name.starts_with("http://") || name.starts_with("https://") {
            return Err(Refusal::new(400, "Bad Request: failed to get HTTP URL content"));
        }
        let file = spot.files.get(name).filter(|file| file.token == spot.token);
        let wrong = Refusal::new(400, "Bad Request: wrong file identifier/HTTP URL specified");
        let file = &file.ok_or(wrong)?.attachment;
        if (file.kind == FileKind::Photo) != (self.kind == FileKind::Photo) {
            return Err(Refusal::bad(&format!("can't use file of type {:?} as {:?}", file.kind, self.kind)));
        }
        Ok(file.clone())
    }
}

/// The fields that a kind of file has.
fn of_kind(kind: FileKind, fields: &Value) -> Value {
    let names: &[&str] = match kind {
        FileKind::Photo => &["width", "height"],
        FileKind::Video | FileKind::Animation => &["width", "height", "duration", "mime_type", "file_name"],
        FileKind::VideoNote => &["length", "duration"],
        FileKind::Voice => &["duration", "mime_type"],
        FileKind::Audio => &["duration", "mime_type", "file_name", "title", "performer"],
        FileKind::Document => &["mime_type", "file_name"],
        FileKind::Sticker | FileKind::MovingSticker | FileKind::VideoSticker | FileKind::AnimatedSticker => {
            return json!({ "width": 512, "height": 512 });
        }
    };
    names.iter().map(|name| ((*name).to_owned(), fields.get(*name).cloned().unwrap_or_else(|| json!(0)))).collect()
}
