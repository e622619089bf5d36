//! The form of a file: the Bot API method that fits it best, and the next one if Telegram refuses that.

use crate::{
    domain::message::MediaKind,
    telegram::upload::sniff::{Format, ImageKind},
};

/// The largest photo (Bot API, `sendPhoto`).
pub(super) const PHOTO_BYTES: u64 = 10 << 20;
/// The maximum of a photo's width and height together (Bot API, `sendPhoto`).
const PHOTO_SUM: u32 = 10_000;
/// The maximum ratio of a photo's sides (Bot API, `sendPhoto`).
const PHOTO_RATIO: u32 = 20;
/// The longest side of a static sticker.
const STICKER_SIDE: u32 = 512;

/// The Bot API method that a file is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendAs {
    /// `sendPhoto`.
    Photo,
    /// `sendVideo`.
    Video,
    /// `sendAnimation`.
    Animation,
    /// `sendVoice`.
    Voice,
    /// `sendAudio`.
    Audio,
    /// `sendSticker`.
    Sticker,
    /// `sendDocument`, as it is.
    Document,
}

/// The kinds of albums. Telegram accepts only files of one kind together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Album {
    Pictures,
    Audios,
    Documents,
}

/// The properties of a file that decide its form.
#[derive(Clone, Copy, Debug)]
pub struct FileTraits<'a> {
    /// How it is to be shown.
    pub kind: MediaKind,
    pub format: Format,
    /// Bytes, if that is known.
    pub size_bytes: Option<u64>,
    pub name: &'a str,
}

impl SendAs {
    /// The best form for a file.
    #[must_use]
    pub fn of(file: &FileTraits<'_>) -> Self {
        match file.kind {
            MediaKind::Picture => still(file),
            MediaKind::Video => match file.format {
                Format::Mp4 => Self::Video,
                Format::Gif => Self::Animation,
                Format::Image(..)
                | Format::Opus
                | Format::Music(_)
                | Format::OtherAudio
                | Format::Webm
                | Format::Gzip
                | Format::Other => Self::Document,
            },
            MediaKind::Voice if file.format == Format::Opus => Self::Voice,
            MediaKind::Voice | MediaKind::Audio => match file.format {
                Format::Music(_) | Format::Opus | Format::OtherAudio => Self::Audio,
                Format::Image(..) | Format::Gif | Format::Mp4 | Format::Webm | Format::Gzip | Format::Other => {
                    Self::Document
                }
            },
            MediaKind::Sticker => sticker(file),
            MediaKind::File => Self::Document,
        }
    }

    /// The form to try if Telegram refuses this one.
    #[must_use]
    pub fn next(self, file: &FileTraits<'_>) -> Option<Self> {
        let or_document = |form: Self| Some(if form == self { Self::Document } else { form });
        match self {
            Self::Voice => Some(Self::Audio),
            Self::Sticker => or_document(still(file)),
            Self::Photo | Self::Video | Self::Animation | Self::Audio => Some(Self::Document),
            Self::Document => None,
        }
    }

    /// The kind of album that accepts it.
    #[must_use]
    pub const fn album(self) -> Option<Album> {
        match self {
            Self::Photo | Self::Video => Some(Album::Pictures),
            Self::Audio => Some(Album::Audios),
            Self::Document => Some(Album::Documents),
            Self::Animation | Self::Voice | Self::Sticker => None,
        }
    }

    /// The method, and its field with the file.
    pub(super) const fn method(self) -> (&'static str, &'static str) {
        match self {
            Self::Photo => ("sendPhoto", "photo"),
            Self::Video => ("sendVideo", "video"),
            Self::Animation => ("sendAnimation", "animation"),
            Self::Voice => ("sendVoice", "voice"),
            Self::Audio => ("sendAudio", "audio"),
            Self::Sticker => ("sendSticker", "sticker"),
            Self::Document => ("sendDocument", "document"),
        }
    }

    /// The chat action during an upload (Bot API, `sendChatAction`).
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Photo => "upload_photo",
            Self::Video | Self::Animation => "upload_video",
            Self::Voice => "upload_voice",
            Self::Sticker => "choose_sticker",
            Self::Audio | Self::Document => "upload_document",
        }
    }

    /// The largest file in this form, if `limit_bytes` is the server's limit.
    pub(super) fn limit_bytes(self, limit_bytes: u64) -> u64 {
        if self == Self::Photo { limit_bytes.min(PHOTO_BYTES) } else { limit_bytes }
    }
}

/// The form of a picture.
fn still(file: &FileTraits<'_>) -> SendAs {
    match file.format {
        Format::Gif => SendAs::Animation,
        Format::Image(_, size) if may_be_photo(file.size_bytes, size) => SendAs::Photo,
        Format::Image(..)
        | Format::Opus
        | Format::Music(_)
        | Format::OtherAudio
        | Format::Mp4
        | Format::Webm
        | Format::Gzip
        | Format::Other => SendAs::Document,
    }
}

/// Whether Telegram accepts a photo of this size. An unknown size is tried.
fn may_be_photo(size_bytes: Option<u64>, size: Option<(u32, u32)>) -> bool {
    let has_shape = |(width, height): (u32, u32)| {
        let (short, long) = (width.min(height), width.max(height));
        short > 0 && short.saturating_add(long) <= PHOTO_SUM && long <= short.saturating_mul(PHOTO_RATIO)
    };
    size_bytes.is_none_or(|size| size <= PHOTO_BYTES) && size.is_none_or(has_shape)
}

fn sticker(file: &FileTraits<'_>) -> SendAs {
    let is_small = |(width, height): (u32, u32)| width.max(height) <= STICKER_SIDE;
    match file.format {
        Format::Image(ImageKind::Webp, size) if size.is_none_or(is_small) => SendAs::Sticker,
        Format::Webm => SendAs::Sticker,
        Format::Gzip if file.name.to_ascii_lowercase().ends_with(".tgs") => SendAs::Sticker,
        Format::Image(..)
        | Format::Gif
        | Format::Opus
        | Format::Music(_)
        | Format::OtherAudio
        | Format::Mp4
        | Format::Gzip
        | Format::Other => still(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telegram::upload::sniff::MusicKind;

    fn image(width: u32, height: u32) -> Format {
        Format::Image(ImageKind::Jpeg, Some((width, height)))
    }

    fn traits(kind: MediaKind, format: Format) -> FileTraits<'static> {
        FileTraits { kind, format, size_bytes: Some(1000), name: "x" }
    }

    #[test]
    fn each_file_has_its_best_form() {
        use MediaKind::{Audio, File, Picture, Sticker, Video, Voice};
        let webp = |side| Format::Image(ImageKind::Webp, Some((side, side)));
        let mp3 = Format::Music(MusicKind::Mp3);
        for (kind, format, form) in [
            (Picture, image(800, 600), SendAs::Photo),
            (Picture, Format::Image(ImageKind::Png, None), SendAs::Photo),
            (Picture, image(5001, 5000), SendAs::Document),
            (Picture, image(2001, 100), SendAs::Document),
            (Picture, image(2000, 100), SendAs::Photo),
            (Picture, image(0, 100), SendAs::Document),
            (Picture, Format::Gif, SendAs::Animation),
            (Picture, Format::Other, SendAs::Document),
            (Video, Format::Mp4, SendAs::Video),
            (Video, Format::Webm, SendAs::Document),
            (Video, Format::Gif, SendAs::Animation),
            (Voice, Format::Opus, SendAs::Voice),
            (Voice, mp3, SendAs::Audio),
            (Voice, Format::OtherAudio, SendAs::Audio),
            (Voice, Format::Other, SendAs::Document),
            (Audio, Format::Opus, SendAs::Audio),
            (Audio, Format::Mp4, SendAs::Document),
            (Sticker, webp(512), SendAs::Sticker),
            (Sticker, webp(513), SendAs::Photo),
            (Sticker, Format::Webm, SendAs::Sticker),
            (Sticker, image(100, 100), SendAs::Photo),
            (Sticker, Format::Gzip, SendAs::Document),
            (File, image(100, 100), SendAs::Document),
            (File, Format::Gif, SendAs::Document),
        ] {
            assert_eq!(SendAs::of(&traits(kind, format)), form, "{kind:?} {format:?}");
        }
        let tgs = FileTraits { name: "hello.TGS", ..traits(Sticker, Format::Gzip) };
        assert_eq!(SendAs::of(&tgs), SendAs::Sticker);
    }

    #[test]
    fn a_photo_of_more_than_ten_megabytes_is_a_document() {
        let photo = |size_bytes| FileTraits { size_bytes, ..traits(MediaKind::Picture, image(800, 600)) };
        assert_eq!(SendAs::of(&photo(Some(PHOTO_BYTES))), SendAs::Photo);
        assert_eq!(SendAs::of(&photo(Some(PHOTO_BYTES + 1))), SendAs::Document);
        assert_eq!(SendAs::of(&photo(None)), SendAs::Photo);
    }

    #[test]
    fn the_last_form_is_a_document() {
        use SendAs::{Animation, Audio, Document, Photo, Sticker, Voice};
        let path = |kind, format| {
            let file = traits(kind, format);
            let mut forms = vec![SendAs::of(&file)];
            while let Some(next) = forms.last().and_then(|form| form.next(&file)) {
                forms.push(next);
            }
            forms
        };
        assert_eq!(path(MediaKind::Voice, Format::Opus), [Voice, Audio, Document]);
        let webp = Format::Image(ImageKind::Webp, Some((512, 512)));
        assert_eq!(path(MediaKind::Sticker, webp), [Sticker, Photo, Document]);
        assert_eq!(path(MediaKind::Sticker, Format::Webm), [Sticker, Document]);
        assert_eq!(path(MediaKind::Picture, Format::Gif), [Animation, Document]);
        assert_eq!(path(MediaKind::File, Format::Gif), [Document]);
    }
}
