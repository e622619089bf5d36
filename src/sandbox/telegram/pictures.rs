//! The width and height of pictures, from their headers.

use crate::sandbox::telegram::methods::Refusal;

/// The most pixels of width and height together (Bot API, `sendPhoto`).
const LARGEST_SUM: u32 = 10_000;
/// How many times as long as the other a side may be (Bot API, `sendPhoto`).
const LARGEST_RATIO: u32 = 20;

/// Judges a photo that a bot sends. Returns its width and height.
pub(super) fn photo(bytes: &[u8]) -> Result<(u32, u32), Refusal> {
    let (width, height) = dimensions(bytes).ok_or(Refusal::new(400, "Bad Request: IMAGE_PROCESS_FAILED"))?;
    let (short, long) = (width.min(height), width.max(height));
    let fits = short > 0 && short.saturating_add(long) <= LARGEST_SUM && long <= short.saturating_mul(LARGEST_RATIO);
    if fits { Ok((width, height)) } else { Err(Refusal::new(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")) }
}

/// Width and height of a JPEG, PNG, GIF, WEBP or BMP; `None` of anything else.
pub(super) fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let pair = |at: usize, read: fn(&[u8], usize) -> Option<u32>, step: usize| {
        Some((read(bytes, at)?, read(bytes, at + step)?))
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return pair(16, be32, 4);
    }
    if bytes.starts_with(b"GIF8") {
        return pair(6, le16, 2);
    }
    if bytes.starts_with(b"BM") {
        return pair(18, le32, 4);
    }
    if bytes.starts_with(b"\xff\xd8") {
        return jpeg(bytes);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return webp(bytes);
    }
    None
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Goes from segment to segment up to the one that starts the frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1).filter(|_| bytes[at] == 0xff)?;
        let starts_frame = (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if starts_frame {
            return Some((be16(bytes, at + 7)?, be16(bytes, at + 5)?));
        }
        at += 2 + usize::try_from(be16(bytes, at + 2)?).ok()?;
    }
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8 " => Some((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
        b"VP8L" => {
            let packed = le32(bytes, 21)?;
            Some(((packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => {
            let side = |at: usize| Some((le32(bytes, at)? & 0x00ff_ffff) + 1);
            Some((side(24)?, le32(bytes, 26).map(|it| (it >> 8) + 1)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    #[test]
    fn reads_the_headers_of_all_formats() {
        let bmp = [&b"BM"[..], &[0; 16], &7_u32.to_le_bytes(), &9_u32.to_le_bytes()].concat();
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x03c\xff\xc2\0\x0b\x08\0\x09\0\x07\x03".to_vec();
        let riff = |rest: &[u8]| [b"RIFF\0\0\0\0WEBP", rest].concat();
        let lossy = riff(b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x07\0\x09\0");
        let lossless = riff(&[b"VP8L\0\0\0\0\x2f", &(6_u32 | 8 << 14).to_le_bytes()[..]].concat());
        let extended = riff(b"VP8X\x0a\0\0\0\0\0\0\0\x06\0\0\x08\0\0");
        for picture in [png(7, 9), b"GIF89a\x07\0\x09\0".to_vec(), bmp, jpeg, lossy, lossless, extended] {
            assert_eq!(dimensions(&picture), Some((7, 9)), "{}", picture.escape_ascii());
            for end in 0..picture.len().min(10) {
                assert_eq!(dimensions(&picture[..end]), None);
            }
        }
        assert_eq!(dimensions(b"%PDF-1.7"), None);
    }

    #[test]
    fn a_photo_is_neither_too_large_nor_too_narrow() {
        let judged = |width, height| photo(&png(width, height)).map_err(|refusal| refusal.description.into_owned());
        let invalid = Err("Bad Request: PHOTO_INVALID_DIMENSIONS".to_owned());
        assert_eq!(judged(5000, 5000), Ok((5000, 5000)));
        assert_eq!(judged(5001, 5000), invalid);
        assert_eq!(judged(20, 400), Ok((20, 400)));
        assert_eq!(judged(401, 20), invalid);
        assert_eq!(judged(0, 20), invalid);
        assert_eq!(photo(b"text").unwrap_err().description, "Bad Request: IMAGE_PROCESS_FAILED");
    }
}
