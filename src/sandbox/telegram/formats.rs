//! What a file is, by its first bytes.

use crate::sandbox::telegram::{attachments::FileKind, pictures, uploads::Upload};

/// The largest side of a sticker that stands still.
const STICKER_SIDE: u32 = 512;

/// Formats that Telegram tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    OggOpus,
    /// OGG with something else in it, FLAC, WAV.
    OtherAudio,
    Mp3,
    M4a,
    Mp4,
    Gif,
    Webm,
    /// A picture of a sticker's size.
    SmallWebp,
    Tgs,
    Other,
}

impl Format {
    fn of(upload: &Upload) -> Self {
        let bytes = &upload.bytes[..];
        let at = |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(magic));
        if at(0, b"OggS") {
            return if at(28, b"OpusHead") { Self::OggOpus } else { Self::OtherAudio };
        }
        if at(4, b"ftyp") {
            return if at(8, b"M4A") || at(8, b"M4B") { Self::M4a } else { Self::Mp4 };
        }
        if at(0, b"RIFF") && at(8, b"WEBP") {
            let small = pictures::dimensions(bytes).is_some_and(|(width, height)| width.max(height) <= STICKER_SIDE);
            return if small { Self::SmallWebp } else { Self::Other };
        }
        if at(0, b"fLaC") || at(0, b"RIFF") && at(8, b"WAVE") {
            return Self::OtherAudio;
        }
        if at(0, b"GIF8") {
            return Self::Gif;
        }
        if at(0, b"\x1a\x45\xdf\xa3") {
            return Self::Webm;
        }
        let is_named_tgs =
            upload.content_type == "application/x-tgsticker" || upload.name.to_ascii_lowercase().ends_with(".tgs");
        if at(0, b"\x1f\x8b") && is_named_tgs {
            return Self::Tgs;
        }
        let is_frame = bytes.first() == Some(&0xff) && bytes.get(1).is_some_and(|next| next & 0xe0 == 0xe0);
        if at(0, b"ID3") || is_frame { Self::Mp3 } else { Self::Other }
    }
}

/// As what Telegram delivers a file that a bot sends as `kind`: what does not fit the method goes as something else.
///
/// Sources: the Bot API's `sendVoice`, `sendVideo`, `sendAnimation`, `sendSticker`, and
/// `disable_content_type_detection` of `sendDocument`.
pub(super) fn delivered(kind: FileKind, upload: &Upload, detects: bool) -> FileKind {
    let format = Format::of(upload);
    match kind {
        FileKind::Photo => FileKind::Photo,
        FileKind::Voice => match format {
            Format::OggOpus | Format::Mp3 | Format::M4a => FileKind::Voice,
            Format::OtherAudio => FileKind::Audio,
            Format::Mp4 | Format::Gif | Format::Webm | Format::SmallWebp | Format::Tgs | Format::Other => {
                FileKind::Document
            }
        },
        FileKind::Audio => match format {
            Format::OggOpus | Format::Mp3 | Format::M4a | Format::OtherAudio => FileKind::Audio,
            Format::Mp4 | Format::Gif | Format::Webm | Format::SmallWebp | Format::Tgs | Format::Other => {
                FileKind::Document
            }
        },
        FileKind::Sticker | FileKind::MovingSticker | FileKind::AnimatedSticker | FileKind::VideoSticker => {
            sticker(format).unwrap_or(FileKind::Document)
        }
        FileKind::VideoNote if format == Format::Mp4 => FileKind::VideoNote,
        FileKind::Video if format == Format::Mp4 => FileKind::Video,
        FileKind::Animation if format == Format::Mp4 => FileKind::Animation,
        FileKind::Video | FileKind::Animation if format == Format::Gif => FileKind::Animation,
        FileKind::Document if detects => detected(format),
        FileKind::VideoNote | FileKind::Video | FileKind::Animation | FileKind::Document => FileKind::Document,
    }
}

/// What a file becomes if nobody says that it is to stay a file.
fn detected(format: Format) -> FileKind {
    match format {
        Format::Gif => FileKind::Animation,
        Format::Mp4 => FileKind::Video,
        Format::Mp3 | Format::M4a => FileKind::Audio,
        Format::SmallWebp | Format::Tgs => sticker(format).unwrap_or(FileKind::Document),
        Format::OggOpus | Format::OtherAudio | Format::Webm | Format::Other => FileKind::Document,
    }
}

const fn sticker(format: Format) -> Option<FileKind> {
    match format {
        Format::SmallWebp => Some(FileKind::Sticker),
        Format::Tgs => Some(FileKind::AnimatedSticker),
        Format::Webm => Some(FileKind::VideoSticker),
        Format::OggOpus
        | Format::OtherAudio
        | Format::Mp3
        | Format::M4a
        | Format::Mp4
        | Format::Gif
        | Format::Other => None,
    }
}
