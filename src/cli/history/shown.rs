//! A history for people and for programs.

use std::fmt::Display;

use chrono::{DateTime, TimeZone};
use serde::Serialize;

use crate::{
    cli::table::{pieces, plain, width_of},
    translate::from_history::{GeoPoint, NamedNumber, Past},
};

/// A message for programs.
#[derive(Serialize)]
pub(in crate::cli) struct Message<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    our_id: Option<&'a str>,
    at_ms: i64,
    author: &'a str,
    is_answer: bool,
    r#type: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    file_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    media: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<GeoPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a NamedNumber>,
}

impl<'a> Message<'a> {
    pub(in crate::cli) fn of(past: &'a Past) -> Self {
        Self {
            id: &past.id.0,
            our_id: past.ours.as_deref(),
            at_ms: past.at.0,
            author: &past.author,
            is_answer: past.is_answer,
            r#type: &past.kind,
            text: &past.text,
            file_name: &past.file_name,
            media: &past.media,
            location: past.place,
            contact: past.card.as_ref(),
        }
    }
}

/// Messages for programs.
///
/// # Errors
/// Never: a message has string keys only.
pub(super) fn json(past: &[Past]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&past.iter().map(Message::of).collect::<Vec<_>>())
}

/// Messages for people, with their times in `zone`, in lines of at most so many columns.
pub(super) fn text<Z: TimeZone<Offset: Display>>(past: &[Past], zone: &Z, columns: usize) -> String {
    past.iter().map(|past| shown(past, zone, columns)).collect()
}

/// When and who, and below it what.
fn shown<Z: TimeZone<Offset: Display>>(past: &Past, zone: &Z, columns: usize) -> String {
    let at = DateTime::from_timestamp_millis(past.at.0).unwrap_or_default().with_timezone(zone);
    let at = at.format("%Y-%m-%d %H:%M:%S %Z");
    let author = if past.author.is_empty() { "unknown" } else { &past.author };
    let arrow = if past.is_answer { " (in Kommo)" } else { "" };
    let mut text = fitted(&format!("{at} {author}{arrow}"), "", columns);
    if past.kind != "text" {
        text += &fitted(&format!("[{}] {}", past.kind, content(past)), INDENT, columns);
    }
    for line in past.text.lines() {
        text += &fitted(line, INDENT, columns);
    }
    text
}

/// What stands in a message beside its text.
fn content(past: &Past) -> String {
    let place = past.place.map(|GeoPoint { latitude, longitude }| {
        format!("{latitude}, {longitude} https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}")
    });
    let card = past.card.as_ref().map(|card| format!("{} {}", card.name, card.phone).trim().to_owned());
    let file = Some(file_name(past)).filter(|name| !name.is_empty()).map(str::to_owned);
    [file, place, card].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A file's name, or where it is if Kommo names none.
fn file_name(past: &Past) -> &str {
    if past.file_name.is_empty() { &past.media } else { &past.file_name }
}

const INDENT: &str = "    ";

/// A line broken between words, or within those that are wider than a line. What a terminal would take for a command is
/// left out.
fn fitted(line: &str, indent: &str, columns: usize) -> String {
    let width = columns.saturating_sub(indent.len()).max(1);
    let mut lines = vec![String::new()];
    let line = plain(line);
    for word in line.split_whitespace() {
        for piece in pieces(word, width) {
            let used = lines.last().map_or(0, |line| width_of(line));
            if used > 0 && used + 1 + width_of(&piece) > width {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&piece);
            }
        }
    }
    lines.iter().map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, Utc};

    use super::*;
    use crate::domain::{address::KommoMessageId, time::UnixMillis};

    fn past(kind: &str, text: &str, file_name: &str) -> Past {
        Past {
            id: KommoMessageId("m".to_owned()),
            ours: None,
            at: UnixMillis(1_738_864_454_584),
            author: "Maria".to_owned(),
            author_id: None,
            is_answer: true,
            kind: kind.to_owned(),
            text: text.to_owned(),
            file_name: file_name.to_owned(),
            media: String::new(),
            place: None,
            card: None,
        }
    }

    #[test]
    fn a_message_is_shown_with_when_who_and_what() {
        insta::assert_snapshot!(text(&[past("picture", "Two\nlines", "cat.jpg")], &Utc, 80), @r"
        2025-02-06 17:54:14 UTC Maria (in Kommo)
            [picture] cat.jpg
            Two
            lines
        ");
        let nameless = Past { media: "https://example.com/f/1".to_owned(), ..past("voice", "", "") };
        assert!(text(&[nameless], &Utc, 80).contains("    [voice] https://example.com/f/1\n"));
    }

    #[test]
    fn places_and_cards_say_where_and_who() {
        let place = Some(GeoPoint { latitude: 48.8566, longitude: 2.3522 });
        let card = |name: &str, phone: &str| Some(NamedNumber { name: name.to_owned(), phone: phone.to_owned() });
        let messages = [
            Past { place, ..past("location", "", "") },
            Past { card: card("Bob", "+15550101"), ..past("contact", "", "") },
            Past { card: card("", "+15550101"), ..past("contact", "", "") },
        ];
        let zone = FixedOffset::east_opt(3600).unwrap();
        insta::assert_snapshot!(text(&messages, &zone, 80), @r"
        2025-02-06 18:54:14 +01:00 Maria (in Kommo)
            [location] 48.8566, 2.3522
            https://www.openstreetmap.org/?mlat=48.8566&mlon=2.3522
        2025-02-06 18:54:14 +01:00 Maria (in Kommo)
            [contact] Bob +15550101
        2025-02-06 18:54:14 +01:00 Maria (in Kommo)
            [contact] +15550101
        ");
        let text = json(&messages).unwrap();
        assert!(text.contains("\"latitude\": 48.8566") && text.contains("\"phone\": \"+15550101\""), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_or_commands_it() {
        for columns in [80, 40, 20] {
            let long = format!("{} {} {}\u{1b}[2J", "word ".repeat(60), "é".repeat(300), "漢".repeat(300));
            let text = text(&[past("text", &long, "")], &Utc, columns);
            assert!(text.lines().all(|line| width_of(line) <= columns), "{text}");
            assert!(!text.contains('\u{1b}'));
            let counts = ["word", "é", "漢"].map(|part| text.matches(part).count());
            assert_eq!(counts, [60, 300, 300]);
        }
    }
}
