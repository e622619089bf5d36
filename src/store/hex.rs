//! Bytes as text.

use std::fmt::Write as _;

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// Reads back what [`hex`] wrote. A sign is no digit, though a number may have one.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_byte = |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(is_byte));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
