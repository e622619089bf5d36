//! Detects the format of a file by its first bytes, because its name and its declared type may be wrong.

/// A format that Telegram treats specially.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An image that Telegram can show as a photo, with its width and height if they are near the beginning.
    Image(ImageKind, Option<(u32, u32)>),
    /// An animated GIF.
    Gif,
    /// OGG with Opus: a voice message.
    Opus,
    /// MP3 or M4A.
    Music(MusicKind),
    /// OGG with another codec, FLAC, WAV.
    OtherAudio,
    /// MPEG-4.
    Mp4,
    /// `WebM`: a video sticker, or a video that Telegram does not play.
    Webm,
    /// gzip: an animated sticker, if its name says so.
    Gzip,
    Other,
}

/// A format of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    Jpeg,
    Png,
    Webp,
}

/// A format of music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MusicKind {
    Mp3,
    /// MPEG-4 with audio only.
    M4a,
}

impl Format {
    /// Reads the first bytes of a file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let at = |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(magic));
        if at(0, b"\xff\xd8\xff") {
            Self::Image(ImageKind::Jpeg, jpeg(bytes))
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            Self::Image(ImageKind::Png, be32(bytes, 16).zip(be32(bytes, 20)))
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Self::Image(ImageKind::Webp, webp(bytes))
        } else if at(0, b"GIF8") {
            Self::Gif
        } else if at(0, b"OggS") {
            if at(28, b"OpusHead") { Self::Opus } else { Self::OtherAudio }
        } else if at(0, b"fLaC") || (at(0, b"RIFF") && at(8, b"WAVE")) {
            Self::OtherAudio
        } else if at(4, b"ftyp") {
            mpeg4(bytes)
        } else if at(0, b"\x1a\x45\xdf\xa3") {
            Self::Webm
        } else if at(0, b"\x1f\x8b") {
            Self::Gzip
        } else if at(0, b"ID3") || is_mpeg_audio(bytes) {
            Self::Music(MusicKind::Mp3)
        } else {
            Self::Other
        }
    }

    /// The file extension; `None` if the format has no single one.
    #[must_use]
    pub const fn ending(self) -> Option<&'static str> {
        match self {
            Self::Image(ImageKind::Jpeg, _) => Some("jpg"),
            Self::Image(ImageKind::Png, _) => Some("png"),
            Self::Image(ImageKind::Webp, _) => Some("webp"),
            Self::Gif => Some("gif"),
            Self::Opus => Some("ogg"),
            Self::Music(MusicKind::Mp3) => Some("mp3"),
            Self::Music(MusicKind::M4a) => Some("m4a"),
            Self::Mp4 => Some("mp4"),
            Self::Webm => Some("webm"),
            Self::OtherAudio | Self::Gzip | Self::Other => None,
        }
    }
}

/// The brand distinguishes audio from video (ISO/IEC 14496-12; the audio brands are Apple's). `QuickTime` files begin
/// alike.
fn mpeg4(bytes: &[u8]) -> Format {
    match bytes.get(8..12) {
        Some(b"M4A " | b"M4B ") => Format::Music(MusicKind::M4a),
        None | Some(b"qt  " | b"heic" | b"heix" | b"mif1" | b"avif" | b"crx ") => Format::Other,
        Some(_) => Format::Mp4,
    }
}

/// A frame of layer III, without a tag before it.
fn is_mpeg_audio(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, second, ..] if second & 0xe6 == 0xe2)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u16::from_be_bytes).map(u32::from)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u32::from_be_bytes)
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u16::from_le_bytes).map(u32::from)
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(|[a, b, c]: [u8; 3]| u32::from_le_bytes([a, b, c, 0]))
}

/// Skips segments up to the frame header, which has the size.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = number(bytes, at)? else { return None };
        match marker {
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return be16(bytes, at + 7).zip(be16(bytes, at + 5));
            }
            _ => at += 2 + usize::try_from(be16(bytes, at + 2)?).ok()?,
        }
    }
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8 " => Some((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
        b"VP8L" => {
            let packed = number(bytes, 21).map(u32::from_le_bytes)?;
            Some(((packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((le24(bytes, 24)? + 1, le24(bytes, 27)? + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(kind: ImageKind) -> Format {
        Format::Image(kind, Some((7, 9)))
    }

    /// The beginnings of files, by the specifications of their formats.
    #[test]
    fn the_first_bytes_decide_the_format() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &7_u32.to_be_bytes(), &9_u32.to_be_bytes()].concat();
        let riff = |rest: &[u8]| [b"RIFF\0\0\0\0WEBP", rest].concat();
        let lossless = [&b"VP8L\0\0\0\0\x2f"[..], &(6_u32 | 8 << 14).to_le_bytes()].concat();
        let ogg = |rest: &[u8]| [&b"OggS"[..], &[0; 24], rest].concat();
        for (bytes, format) in [
            (
                b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x03c\xff\xff\xc2\0\x0b\x08\0\x09\0\x07\x03".to_vec(),
                image(ImageKind::Jpeg),
            ),
            (b"\xff\xd8\xff\xe0\xff\xff".to_vec(), Format::Image(ImageKind::Jpeg, None)),
            (png, image(ImageKind::Png)),
            (riff(b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x07\0\x09\0"), image(ImageKind::Webp)),
            (riff(&lossless), image(ImageKind::Webp)),
            (riff(b"VP8X\x0a\0\0\0\0\0\0\0\x06\0\0\x08\0\0"), image(ImageKind::Webp)),
            (b"GIF89a".to_vec(), Format::Gif),
            (ogg(b"OpusHead"), Format::Opus),
            (ogg(b"\x01vorbis"), Format::OtherAudio),
            (b"RIFF\0\0\0\0WAVE".to_vec(), Format::OtherAudio),
            (b"ID3\x04".to_vec(), Format::Music(MusicKind::Mp3)),
            (b"\xff\xfb\x90".to_vec(), Format::Music(MusicKind::Mp3)),
            (b"\0\0\0\x20ftypM4A ".to_vec(), Format::Music(MusicKind::M4a)),
            (b"\0\0\0\x20ftypisom".to_vec(), Format::Mp4),
            (b"\0\0\0\x20ftypqt  ".to_vec(), Format::Other),
            (b"\x1a\x45\xdf\xa3".to_vec(), Format::Webm),
            (b"\x1f\x8b\x08".to_vec(), Format::Gzip),
            (b"%PDF-1.7".to_vec(), Format::Other),
            (Vec::new(), Format::Other),
        ] {
            assert_eq!(Format::of(&bytes), format, "{}", bytes.escape_ascii());
        }
    }

    const STARTS: &[&[u8]] = &[b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n", b"\0\0\0\0ftyp", b""];

    proptest! {
        #[test]
        fn any_bytes_have_a_format(
            start in prop::sample::select(STARTS),
            rest in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = Format::of(&[start, &rest[..]].concat());
        }
    }
}
