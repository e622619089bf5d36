//! Half characters. JSON may escape half of a surrogate pair, which is no text, and one of them would cost a customer's
//! words.

use std::borrow::Cow;

/// How an escape begins that may be half of a pair.
const HIGH: std::ops::RangeInclusive<u16> = 0xd800..=0xdbff;
const LOW: std::ops::RangeInclusive<u16> = 0xdc00..=0xdfff;
/// What stands in for half a character, as long as its escape.
const REPLACEMENT: &str = "\\ufffd";

/// The text of some JSON with each half character replaced by the sign for one that is lost.
#[must_use]
pub(super) fn paired(raw: &str) -> Cow<'_, str> {
    let halves = halves(raw.as_bytes());
    if halves.is_empty() {
        return Cow::Borrowed(raw);
    }
    let mut text = raw.to_owned();
    for at in halves {
        text.replace_range(at..at + REPLACEMENT.len(), REPLACEMENT);
    }
    Cow::Owned(text)
}

/// Where half characters are escaped.
fn halves(raw: &[u8]) -> Vec<usize> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(offset) = raw.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += offset;
        let unit = escaped(raw, at);
        at += match unit {
            Some(unit) if HIGH.contains(&unit) && escaped(raw, at + 6).is_some_and(|next| LOW.contains(&next)) => 12,
            Some(unit) => {
                if HIGH.contains(&unit) || LOW.contains(&unit) {
                    found.push(at);
                }
                6
            }
            None => 2,
        };
    }
    found
}

/// The UTF-16 unit that is escaped at a place, if one is.
fn escaped(raw: &[u8], at: usize) -> Option<u16> {
    let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_replaced_and_nothing_else() {
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
            assert_eq!(serde_json::from_str::<String>(&paired(raw)).unwrap(), read, "{raw}");
        }
        for odd in ["", "\\", r"\u", r"\ud8", r"\ud83", r"\ud83d\", r"\ud83d\u", r"\uzzzz", "\\é1234"] {
            assert_eq!(paired(odd).len(), odd.len(), "{odd}");
        }
    }
}
