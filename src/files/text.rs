//! Text as editors save it: some put a mark in front of UTF-8, and some do not write UTF-8 at all.

use std::{
    fs,
    io::{self, BufRead},
    path::Path,
};

/// The mark that some editors put in front of a text. It is no part of the text.
const MARK: char = '\u{feff}';
/// The same as bytes of UTF-8.
const MARK_BYTES: &[u8] = "\u{feff}".as_bytes();

/// What a text in UTF-16 is called. A remedy can follow.
const WIDE: &str = "it is saved as UTF-16";

/// The text of the file at `path`, without a mark in front.
///
/// # Errors
/// If it cannot be read. One that is not UTF-8 is [`io::ErrorKind::InvalidData`], and UTF-16 is named.
pub fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    if is_wide(&bytes) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, WIDE));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(unmarked(&text).to_owned())
}

/// A text without a mark in front.
#[must_use]
pub fn unmarked(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Skips a mark at the beginning of what is read piece by piece.
///
/// # Errors
/// If it cannot be read, or is UTF-16.
pub fn skip_mark(reader: &mut impl BufRead) -> io::Result<()> {
    let beginning = reader.fill_buf()?;
    if is_wide(beginning) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{WIDE}: save it as UTF-8")));
    }
    if beginning.starts_with(MARK_BYTES) {
        reader.consume(MARK_BYTES.len());
    }
    Ok(())
}

/// Whether it is UTF-16: by its mark, or by the zero beside the first letter, which is a plain one in all files of
/// ours.
fn is_wide(bytes: &[u8]) -> bool {
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
    fn a_mark_in_front_is_no_part_of_the_text() {
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
            skip_mark(&mut reader).unwrap();
            assert_eq!(io::read_to_string(reader).unwrap(), want);
        }
    }

    #[test]
    fn a_text_in_utf_16_is_called_so() {
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"a\0=\0", b"\0a\0=", b"\xff\xfe"] {
            let error = saved(bytes).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, WIDE));
            let error = skip_mark(&mut io::BufReader::new(bytes)).unwrap_err();
            assert_eq!(error.to_string(), "it is saved as UTF-16: save it as UTF-8");
        }
        assert_eq!(saved(b"\xffa").unwrap_err().to_string(), "it is not UTF-8");
    }
}
