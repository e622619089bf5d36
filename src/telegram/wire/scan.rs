//! Finds details in JSON without parsing it, so that neither depth nor malformed parts stop it. It does not recurse.

use std::ops::Range;

/// The key of the number.
const UPDATE_ID: &str = "update_id";
/// The end of the range of numbers (`TQueue`): 32 bits. A negative offset would discard the waiting updates.
const ID_END: i64 = i32::MAX as i64;

/// How deeply the objects and arrays of a text are nested.
#[must_use]
pub fn levels(text: &str) -> usize {
    tokens(text)
        .fold((0_usize, 0), |(depth, deepest), token| match token {
            Token::Open(_) => (depth + 1, deepest.max(depth + 1)),
            Token::Close => (depth.saturating_sub(1), deepest),
            Token::Text { .. } => (depth, deepest),
        })
        .1
}

/// The number of an update; `None` if it has none that can be confirmed, or two different ones.
#[must_use]
pub fn update_id(update: &str) -> Option<i64> {
    let ids = ids(update)?;
    let (_, first) = ids.first()?;
    ids.iter().all(|(_, id)| id == first).then_some(*first)
}

/// An update with another number, and otherwise unchanged; `None` if it has none that can be confirmed.
#[must_use]
pub fn renumbered(update: &str, id: i64) -> Option<String> {
    update_id(update)?;
    let mut text = update.to_owned();
    for (place, _) in ids(update)?.into_iter().rev() {
        text.replace_range(place, &id.to_string());
    }
    Some(text)
}

/// The positions and values of an update's number; `None` if one of them is no valid number.
fn ids(update: &str) -> Option<Vec<(Range<usize>, i64)>> {
    let bytes = update.as_bytes();
    let (mut depth, mut found) = (0_usize, Vec::new());
    for token in tokens(update) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Text { start, end } if depth == 1 && bytes.get(start..end) == Some(UPDATE_ID.as_bytes()) => {
                // Without a colon after it, this is a value and not a key.
                let Some(value) = update.get(end + 1..).and_then(|rest| rest.trim_start().strip_prefix(':')) else {
                    continue;
                };
                let number = integer_text(value);
                let id = number.parse().ok().filter(|id| (1..ID_END).contains(id))?;
                let at = update.len() - value.len() + (value.len() - value.trim_start().len());
                found.push((at..at + number.len(), id));
            }
            Token::Text { .. } => {}
        }
    }
    Some(found)
}

/// The first update in a response that cannot be parsed, up to the end of the response.
#[must_use]
pub fn first_update(answer: &str) -> Option<&str> {
    // It is in the array of the response's object.
    let opening = |token| match token {
        Token::Open(at) => Some(at),
        Token::Close | Token::Text { .. } => None,
    };
    let at = tokens(answer)
        .map_while(|token| match token {
            Token::Close => None,
            other => Some(other),
        })
        .filter_map(opening)
        .nth(2)?;
    answer.get(at..)
}

/// The beginning of a text that may be an integer.
fn integer_text(text: &str) -> &str {
    let end = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | '}' | ']');
    text.trim_start().split(end).next().unwrap_or_default()
}

/// The parts of JSON that decide the depth, and strings, which may be keys.
#[derive(Clone, Copy)]
enum Token {
    /// `{` or `[`, and its position.
    Open(usize),
    /// `}` or `]`.
    Close,
    /// The content of a string, with its escapes.
    Text { start: usize, end: usize },
}

fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            match byte {
                b'{' | b'[' => return Some(Token::Open(at - 1)),
                b'}' | b']' => return Some(Token::Close),
                b'"' => {
                    let start = at;
                    at = closing_quote(bytes, start);
                    let end = at;
                    at += 1;
                    return Some(Token::Text { start, end });
                }
                _ => {}
            }
        }
    })
}

/// The end of the string that begins at `from`: its quotation mark, or the end of the text.
fn closing_quote(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_at_any_position() {
        for (update, id) in [
            (r#"{"update_id":5}"#, Some(5)),
            (r#" { "update_id" : 5 , "a":1}"#, Some(5)),
            (r#"{"a":{"update_id":6},"b":["update_id",7],"update_id":5}"#, Some(5)),
            (r#"{"a":"update_id","update_id":5}"#, Some(5)),
            (r#"{"a":"\"update_id\":6,","update_id":5}"#, Some(5)),
            (r#"{"a":"\\","update_id":5}"#, Some(5)),
            (r#"{"a":"\ud800","b":1e9999,"update_id":2147483646}"#, Some(2_147_483_646)),
            (r#"{"update_id":5,"update_id":5}"#, Some(5)),
            // What comes after may be broken.
            (r#"{"update_id":5,"message":{"text":"cut o"#, Some(5)),
            (r#"{"update_id":5,"message":{"text":"\"#, Some(5)),
        ] {
            assert_eq!(update_id(update), id, "{update}");
        }
    }

    #[test]
    fn a_number_that_cannot_be_confirmed_is_none() {
        for update in [
            r#"{"update_id":5,"update_id":6}"#,
            r#"{"update_id":5,"update_id":"5"}"#,
            r#"{"update_id":"5"}"#,
            r#"{"update_id":5.0}"#,
            r#"{"update_id":5e1}"#,
            r#"{"update_id":-5}"#,
            r#"{"update_id":0}"#,
            r#"{"update_id":2147483647}"#,
            r#"{"update_id":9223372036854775808}"#,
            r#"{"update_id":null}"#,
            r#"{"update_id"}"#,
            r#"{"message":{"update_id":5}}"#,
            r#"[{"update_id":5}]"#,
            r#""update_id":5"#,
            "{}",
            "7",
            "",
        ] {
            assert_eq!(update_id(update), None, "{update}");
        }
    }

    #[test]
    fn renumbering_changes_nothing_else() {
        for (update, want) in [
            (r#"{"update_id":5,"a":5}"#, r#"{"update_id":1234,"a":5}"#),
            (r#" { "update_id" : 5 , "t":"\ud83d 5"}"#, r#" { "update_id" : 1234 , "t":"\ud83d 5"}"#),
            (r#"{"m":{"update_id":5},"update_id":5}"#, r#"{"m":{"update_id":5},"update_id":1234}"#),
            (r#"{"update_id":5,"update_id":5}"#, r#"{"update_id":1234,"update_id":1234}"#),
            (r#"{"update_id":5,"message":{"text":"cut o"#, r#"{"update_id":1234,"message":{"text":"cut o"#),
        ] {
            assert_eq!(renumbered(update, 1234).as_deref(), Some(want), "{update}");
        }
        for none in [r#"{"update_id":5,"update_id":6}"#, r#"{"update_id":"5"}"#, "{}"] {
            assert_eq!(renumbered(none, 1234), None, "{none}");
        }
    }

    #[test]
    fn levels_are_counted_without_a_limit() {
        for (text, deep) in [
            ("", 0),
            ("7", 0),
            (r#""[[[""#, 0),
            ("{}", 1),
            (r#"{"a":[{}],"b":[]}"#, 3),
            ("]][", 1),
            (r#"["\"[",[]]"#, 2),
        ] {
            assert_eq!(levels(text), deep, "{text}");
        }
        assert_eq!(levels(&"[".repeat(1_000_000)), 1_000_000);
    }

    #[test]
    fn the_first_update_of_a_broken_answer_is_found() {
        let cases = [
            (r#"{"ok":true,"result":[{"update_id":5,"x":\u}]}"#, Some(r#"{"update_id":5,"x":\u}]}"#)),
            (r#"{"ok":true,"a":"[{","result":[{"upd"#, Some(r#"{"upd"#)),
            (r#"{"ok":true,"result":[]}"#, None),
            (r#"{"ok":true,"result":"#, None),
            ("<html>{[{", Some("{")),
            ("<html>", None),
        ];
        for (answer, update) in cases {
            assert_eq!(first_update(answer), update, "{answer}");
        }
    }
}
