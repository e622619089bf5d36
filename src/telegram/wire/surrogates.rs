//! Lone surrogates. JSON may escape half of a surrogate pair, which no Rust string can hold, and a parser would reject
//! the whole message.

use std::borrow::Cow;

const HIGH: std::ops::RangeInclusive<u16> = 0xd800..=0xdbff;
const LOW: std::ops::RangeInclusive<u16> = 0xdc00..=0xdfff;
/// The replacement, which is as long as an escape.
const REPLACEMENT: &str = "\\ufffd";

/// JSON in which each lone surrogate is replaced by the replacement character.
#[must_use]
pub(super) fn replace_lone(raw: &str) -> Cow<'_, str> {
    let lone_surrogates = lone_surrogates(raw.as_bytes());
    if lone_surrogates.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut text = raw.to_owned();
    for at in lone_surrogates {
        text.replace_range(at..at + REPLACEMENT.len(), REPLACEMENT);
    }
    Cow::Owned(text)
}

/// The positions of escaped lone surrogates.
fn lone_surrogates(raw: &[u8]) -> Vec<usize> {
    let (mut positions, mut at) = (Vec::new(), 0);
    while let Some(offset) = raw.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += offset;
        let unit = escaped(raw, at);
        at += match unit {
            Some(unit) if HIGH.contains(&unit) && escaped(raw, at + 6).is_some_and(|next| LOW.contains(&next)) => 12,
            Some(unit) => {
                if HIGH.contains(&unit) || LOW.contains(&unit) {
                    positions.push(at);
                }
                6
            }
            None => 2,
        };
    }
    positions
}

/// The escaped UTF-16 unit at a position.
fn escaped(raw: &[u8], at: usize) -> Option<u16> {
    let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (raw, read) in [
            (r#""plain é 👋""#, "plain é 👋"),
            (r#""\ud83d\udc4b""#, "👋"),
            (r#""\uD83D\uDC4B!""#, "👋!"),
            (r#""Hi \ud83d there""#, "Hi \u{fffd} there"),
            (r#""\udc4b\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\udc4b""#, "\u{fffd}👋"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83d\n""#, "\\\u{fffd}\n"),
        ] {
            assert_eq!(serde_json::from_str::<String>(&replace_lone(raw)).unwrap(), read, "{raw}");
        }
        for odd in ["", "\\", r"\u", r"\ud8", r"\ud83", r"\ud83d\", r"\ud83d\u", r"\uzzzz", "\\é1234"] {
            assert_eq!(replace_lone(odd).len(), odd.len(), "{odd}");
        }
    }
}
