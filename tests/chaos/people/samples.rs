//! Files that tell in their bytes whose they are. They begin as files of their kinds do.

use std::fmt::Write as _;

use axum::body::Bytes;
use telekommo::sandbox::{kommo::AttachmentKind, telegram::FileKind};

/// What stands around the name in the bytes.
const BEFORE: &str = "\n<file>";
const AFTER: &str = "</file>\n";

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Photo,
    Video,
    Animation,
    VideoNote,
    Voice,
    Audio,
    Document,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::Photo, Self::Video, Self::Animation, Self::VideoNote, Self::Voice, Self::Audio, Self::Document];

    fn magic(self) -> Vec<u8> {
        match self {
            // 800 by 600.
            Self::Photo => b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\x02\x58\x03\x20\x03".to_vec(),
            Self::Video | Self::Animation | Self::VideoNote => b"\0\0\0\x20ftypisom".to_vec(),
            Self::Voice => [&b"OggS"[..], &[0; 24], b"OpusHead"].concat(),
            Self::Audio => b"ID3\x04\0\0".to_vec(),
            Self::Document => b"%PDF-1.7\n".to_vec(),
        }
    }

    /// As a customer sends it.
    pub(crate) const fn in_telegram(self) -> FileKind {
        match self {
            Self::Photo => FileKind::Photo,
            Self::Video => FileKind::Video,
            Self::Animation => FileKind::Animation,
            Self::VideoNote => FileKind::VideoNote,
            Self::Voice => FileKind::Voice,
            Self::Audio => FileKind::Audio,
            Self::Document => FileKind::Document,
        }
    }

    /// As a manager attaches it.
    pub(crate) const fn in_kommo(self) -> AttachmentKind {
        match self {
            Self::Photo => AttachmentKind::Picture,
            Self::Video | Self::Animation | Self::VideoNote => AttachmentKind::Video,
            Self::Voice => AttachmentKind::Voice,
            Self::Audio => AttachmentKind::Audio,
            Self::Document => AttachmentKind::File,
        }
    }
}

/// The bytes of a file of this kind and name, which follow from these alone.
pub(crate) fn bytes(kind: Kind, name: &str, length: usize) -> Bytes {
    let head = [&kind.magic()[..], BEFORE.as_bytes(), name.as_bytes(), AFTER.as_bytes()].concat();
    let mut noise =
        fastrand::Rng::with_seed(name.bytes().fold(7, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)));
    head.into_iter().chain(std::iter::repeat_with(|| noise.u8(..))).take(length.max(200)).collect()
}

/// The name of a file, by its bytes; what is wrong with it, if it is none of these or not whole.
pub(crate) fn name(found: &[u8]) -> String {
    let text = String::from_utf8_lossy(&found[..found.len().min(300)]);
    let name = text.split_once(BEFORE).and_then(|(_, rest)| Some(rest.split_once(AFTER)?.0.to_owned()));
    let Some(name) = name else { return broken(found, "without a name") };
    let is_it = |kind: &Kind| bytes(*kind, &name, found.len()) == found;
    let has_length = name.rsplit_once(' ').is_some_and(|(_, length)| length == found.len().to_string());
    if has_length && Kind::ALL.iter().any(is_it) { name } else { broken(found, &name) }
}

fn broken(found: &[u8], name: &str) -> String {
    let mut start = String::new();
    for byte in found.iter().take(16) {
        let _infallible = write!(start, "{byte:02x}");
    }
    format!("broken: {} bytes, {name}, {start}", found.len())
}
