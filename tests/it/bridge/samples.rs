//! Files that begin as files of their formats do.

use axum::body::Bytes;

/// Bytes that repeat nowhere soon, so that a part cannot be taken for another.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(11);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

fn led(start: &[u8], length: usize) -> Bytes {
    [start, &noise(length.saturating_sub(start.len()))].concat().into()
}

pub(crate) fn jpeg(width: u16, height: u16, length: usize) -> Bytes {
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    led(&[&b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08"[..], &size, b"\x03"].concat(), length)
}

pub(crate) fn webp(side: u8, length: usize) -> Bytes {
    led(&[&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0"[..], &[side, 0, 0, side, 0, 0]].concat(), length)
}

pub(crate) fn opus(length: usize) -> Bytes {
    led(&[&b"OggS"[..], &[0; 24], b"OpusHead"].concat(), length)
}

pub(crate) fn mp3(length: usize) -> Bytes {
    led(b"ID3\x04\0\0", length)
}

pub(crate) fn mp4(length: usize) -> Bytes {
    led(b"\0\0\0\x20ftypisom", length)
}

pub(crate) fn gif(length: usize) -> Bytes {
    led(b"GIF89a\x20\0\x20\0", length)
}

pub(crate) fn pdf(length: usize) -> Bytes {
    led(b"%PDF-1.7\n", length)
}
