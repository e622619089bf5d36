//! Kommo's id of a request (`trace_id`, "HTTP codes"), by which its support finds it. It differs for each request.

use serde_json::{Map, Value};

const BEFORE: &str = " (trace_id ";
const AFTER: char = ')';

/// How much of a remote's text is quoted.
const QUOTED_CHARS: usize = 200;

/// The id in a response, if it has one.
pub(super) fn of(fields: &Map<String, Value>) -> Option<String> {
    let text = fields.get("trace_id")?.as_str().map(quoted)?;
    Some(text.replace(AFTER, "")).filter(|text| !text.trim().is_empty())
}

/// A text about a response, followed by the id.
pub(super) fn behind(words: &str, trace: Option<&str>) -> String {
    trace.map_or_else(|| words.to_owned(), |trace| format!("{words}{BEFORE}{trace}{AFTER}"))
}

/// A text without the ids, so that equal errors have equal texts.
#[must_use]
pub fn without(words: &str) -> String {
    let mut parts = words.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(AFTER).map_or(part, |(_, rest)| rest))
}

/// A remote's text, cleaned and shortened for one line of a log.
pub(super) fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_errors_have_equal_texts_without_the_id() {
        let text = |trace: &str| format!("Kommo answered 500{}: tried again", behind(" x", Some(trace)));
        assert_eq!(text("a1"), "Kommo answered 500 x (trace_id a1): tried again");
        assert_eq!(without(&text("a1")), without(&text("b2")));
        assert_eq!(
            without("Kommo answered 500 x (trace_id a1), and 400 y (trace_id b2)"),
            "Kommo answered 500 x, and 400 y"
        );
        assert_eq!(without("nothing (to take away)"), "nothing (to take away)");
        assert_eq!(without("cut off (trace_id "), "cut off");
    }

    #[test]
    fn an_id_is_short_and_on_one_line() {
        let of = |text: &str| of(serde_json::json!({ "trace_id": text }).as_object().unwrap());
        assert_eq!(of("4bf92f35"), Some("4bf92f35".to_owned()));
        assert_eq!(of("a\nb)"), Some("a b".to_owned()));
        assert_eq!(of("x".repeat(9000).as_str()).map(|it| it.len()), Some(200));
        assert_eq!(of(""), None);
    }
}
