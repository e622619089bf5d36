//! Text as editors save it: some put a byte order mark in front of UTF-8, and some do not write UTF-8 at all.

use std::{
    fs,
    io::{self, BufRead},
    path::Path,
};

/// The byte order mark. It is no part of the text.
const BOM: char = '\u{feff}';
/// The same as bytes of UTF-8.
const BOM_BYTES: &[u8] = "\u{feff}".as_bytes();

/// The error about UTF-16. Advice can follow.
const UTF_16: &str = "it is saved as UTF-16";

/// Reads the file at `path`, without a byte order mark.
///
/// # Errors
/// If it cannot be read. One that is not UTF-8 is [`io::ErrorKind::InvalidData`], and UTF-16 is named.
pub fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    if is_utf_16(&bytes) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, UTF_16));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(without_bom(&text).to_owned())
}

/// A text without a byte order mark.
#[must_use]
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Skips a byte order mark at the beginning of a reader.
///
/// # Errors
/// If it cannot be read, or is UTF-16.
pub fn skip_bom(reader: &mut impl BufRead) -> io::Result<()> {
    let beginning = reader.fill_buf()?;
    if is_utf_16(beginning) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{UTF_16}: save it as UTF-8")));
    }
    if beginning.starts_with(BOM_BYTES) {
        reader.consume(BOM_BYTES.len());
    }
    Ok(())
}

/// Whether it is UTF-16: by its byte order mark, or by a zero byte beside the first character, which is ASCII in all
/// our files.
fn is_utf_16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        [] | [_] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(bytes: &[u8]) -> io::Result<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        for (bytes, want) in [
            (&b"\xef\xbb\xbfa = 1"[..], "a = 1"),
            (b"a = 1", "a = 1"),
            (b"\xef\xbb\xbf", ""),
            (b"", ""),
            (b"a", "a"),
            // Within a text it is a character like others.
            (b"a\xef\xbb\xbf", "a\u{feff}"),
        ] {
            assert_eq!(saved(bytes).unwrap(), want);
            let mut reader = io::BufReader::new(bytes);
            skip_bom(&mut reader).unwrap();
            assert_eq!(io::read_to_string(reader).unwrap(), want);
        }
    }

    #[test]
    fn utf_16_is_named_in_the_error() {
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"a\0=\0", b"\0a\0=", b"\xff\xfe"] {
            let error = saved(bytes).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, UTF_16));
            let error = skip_bom(&mut io::BufReader::new(bytes)).unwrap_err();
            assert_eq!(error.to_string(), "it is saved as UTF-16: save it as UTF-8");
        }
        assert_eq!(saved(b"\xffa").unwrap_err().to_string(), "it is not UTF-8");
    }
}
