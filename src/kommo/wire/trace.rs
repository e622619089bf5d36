//! Kommo's number of a request (`trace_id`, "HTTP codes"), by which its support finds it. Each answer has one of its
//! own.

use serde_json::{Map, Value};

const BEFORE: &str = " (trace_id ";
const AFTER: char = ')';

/// The longest that one word of a stranger's is quoted.
const QUOTED_CHARS: usize = 200;

/// The number in an answer, if it has one.
pub(super) fn of(fields: &Map<String, Value>) -> Option<String> {
    let text = fields.get("trace_id")?.as_str().map(quoted)?;
    Some(text.replace(AFTER, "")).filter(|text| !text.trim().is_empty())
}

/// The words about an answer with its number behind them.
pub(super) fn behind(words: &str, trace: Option<&str>) -> String {
    trace.map_or_else(|| words.to_owned(), |trace| format!("{words}{BEFORE}{trace}{AFTER}"))
}

/// The words without numbers: the same trouble reads the same again.
#[must_use]
pub fn without(words: &str) -> String {
    let mut parts = words.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(AFTER).map_or(part, |(_, rest)| rest))
}

/// A text of a stranger's, fit for one line of a log.
pub(super) fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_reads_the_same_without_its_number() {
        let told = |trace: &str| format!("Kommo answered 500{}: tried again", behind(" x", Some(trace)));
        assert_eq!(told("a1"), "Kommo answered 500 x (trace_id a1): tried again");
        assert_eq!(without(&told("a1")), without(&told("b2")));
        assert_eq!(
            without("Kommo answered 500 x (trace_id a1), and 400 y (trace_id b2)"),
            "Kommo answered 500 x, and 400 y"
        );
        assert_eq!(without("nothing (to take away)"), "nothing (to take away)");
        assert_eq!(without("cut off (trace_id "), "cut off");
    }

    #[test]
    fn a_number_is_one_short_word_of_a_line() {
        let of = |text: &str| of(serde_json::json!({ "trace_id": text }).as_object().unwrap());
        assert_eq!(of("4bf92f35"), Some("4bf92f35".to_owned()));
        assert_eq!(of("a\nb)"), Some("a b".to_owned()));
        assert_eq!(of("x".repeat(9000).as_str()).map(|it| it.len()), Some(200));
        assert_eq!(of(""), None);
    }
}
