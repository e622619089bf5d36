//! Splits text to Telegram's limits.

/// The longest text of one message, in UTF-16 units. Telegram counts code points after parsing entities, and there are
/// never more of them than units.
pub const MESSAGE_UNITS: usize = 4096;

/// The longest caption, in UTF-16 units.
pub const CAPTION_UNITS: usize = 1024;

/// Whether a text has a visible character. Kommo and Telegram refuse a text without one.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|c| {
        let blank = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
            || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
        !blank && !c.is_whitespace() && !c.is_control()
    })
}

/// Splits `text` into parts of at most `limit` UTF-16 units, between paragraphs, lines, sentences or words, or else
/// between characters.
///
/// White space at a cut is dropped, and nothing else. A blank text has no parts. `limit` is at least 2, the size of the
/// largest character.
#[must_use]
pub fn split(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (part, tail) = rest.split_at(cut(rest, limit.max(2)));
        parts.push(part.trim_end());
        rest = tail.trim_start();
    }
    parts
}

/// As [`split`], but leaves `room` units free in the last part, unless `room` is more than half of the limit.
#[must_use]
pub fn split_leaving(text: &str, limit: usize, room: usize) -> Vec<&str> {
    let mut parts = split(text, limit);
    let crowded = |last: &mut &str| room <= limit / 2 && last.encode_utf16().count() + room > limit;
    if let Some(last) = parts.pop_if(crowded) {
        parts.extend(split(last, limit - room));
    }
    parts
}

/// Where the first part of `text` ends, in bytes. Never 0.
fn cut(text: &str, limit: usize) -> usize {
    let fits = prefix(text, limit);
    if fits == text.len() {
        return fits;
    }
    let window = &text[..fits];
    // A worse boundary further on is better than a very short part.
    let late = |at: &usize| *at >= fits / 2;
    let after = |mark: &str| window.rfind(mark).map(|at| at + mark.len());
    let sentence = || [". ", "! ", "? ", "… ", "。"].into_iter().filter_map(after).max();
    // The cut may also be right before a space that no longer fits.
    let word =
        || if text[fits..].starts_with(char::is_whitespace) { Some(fits) } else { window.rfind(char::is_whitespace) };
    None.or_else(|| after("\n\n").filter(late))
        .or_else(|| after("\n").filter(late))
        .or_else(|| sentence().filter(late))
        .or_else(|| word().filter(late))
        .unwrap_or_else(|| whole_character(text, fits))
}

/// The longest prefix of at most `limit` UTF-16 units, in bytes.
fn prefix(text: &str, limit: usize) -> usize {
    let mut units = 0;
    let over = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > limit
    });
    over.map_or(text.len(), |(at, _)| at)
}

/// Moves a cut back to the start of a grapheme: a joined emoji, or a letter with its marks. It gives up after a few
/// steps, because hostile text can join characters without end.
fn whole_character(text: &str, at: usize) -> usize {
    let mut cut = at;
    for _ in 0..16 {
        let (head, tail) = text.split_at(cut);
        let joined = tail.starts_with(continues) || head.ends_with('\u{200d}');
        match head.char_indices().last() {
            Some((start, _)) if joined && start > 0 => cut = start,
            _ => return if joined { at } else { cut },
        }
    }
    at
}

/// Whether a character belongs to the one before it: joiners, variation selectors, skin tones, combining marks, tags.
const fn continues(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(split("  Hi there\n", 4096), ["Hi there"]);
        assert!(split(" \n\u{a0} ", 4096).is_empty());
    }

    #[test]
    fn the_best_boundary_wins() {
        assert_eq!(split("First part.\n\nSecond one. And more", 20), ["First part.", "Second one. And more"]);
        assert_eq!(split("Line number one\nLine number two", 20), ["Line number one", "Line number two"]);
        assert_eq!(split("One sentence. Another sentence", 20), ["One sentence.", "Another sentence"]);
        assert_eq!(split("several words without a stop", 20), ["several words", "without a stop"]);
        assert_eq!(split("exactly-ten and-more", 11), ["exactly-ten", "and-more"]);
        assert_eq!(split("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn a_boundary_near_the_start_is_ignored() {
        assert_eq!(split("a\n\nbbbb bbbb bbbb", 12), ["a\n\nbbbb bbbb", "bbbb"]);
    }

    #[test]
    fn the_last_part_leaves_room() {
        assert_eq!(split_leaving("one two three four", 18, 8), ["one two", "three four"]);
        assert_eq!(split_leaving("one two", 18, 8), ["one two"]);
        assert_eq!(split_leaving("one two three four", 18, 10), ["one two three four"], "more than half of the limit");
        assert!(split_leaving(" ", 18, 8).is_empty());
    }

    #[test]
    fn emoji_count_two_units_and_stay_whole() {
        assert_eq!(split("😀😀😀", 4), ["😀😀", "😀"]);
        assert_eq!(split("ab👩\u{200d}👧cd", 6), ["ab", "👩\u{200d}👧c", "d"]);
        assert_eq!(split("abc👍🏽", 5), ["abc", "👍🏽"]);
    }

    fn units(text: &str) -> usize {
        text.encode_utf16().count()
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_lost(text in "(\\PC|[ \n.😀\u{200d}\u{fe0f}]){0,200}", limit in 2_usize..40) {
            let parts = split(&text, limit);
            prop_assert!(parts.iter().all(|part| !part.is_empty() && units(part) <= limit));
            let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&parts.concat()), squeeze(&text));
        }
    }
}
