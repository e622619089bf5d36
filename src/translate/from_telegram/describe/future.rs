//! Descriptions of unknown kinds.

use serde_json::Value;

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{describe::joined, people::one_line},
};

/// The longest description, in characters: that of the longest text.
const MAX_CHARS: usize = 4096;

/// Endings of the names of fields whose values mean nothing to people: ids, addresses, and constants.
const OPAQUE_FIELDS: &[&str] = &[
    "align",
    "alignment",
    "code",
    "codes",
    "color",
    "data",
    "format",
    "id",
    "ids",
    "language",
    "link",
    "mode",
    "path",
    "payload",
    "size",
    "state",
    "status",
    "style",
    "type",
    "uri",
    "url",
    "valign",
];

/// Endings of the names of fields that may contain secrets.
const SECRET_FIELDS: &[&str] = &["credentials", "hash", "key", "password", "secret", "token"];

/// Fields with numbers that mean something to people.
const NUMBER_FIELDS: &[&str] = &["amount", "count", "value"];

/// A text of letters and digits with at least this length counts as an id.
const MIN_ID_CHARS: usize = 20;

/// The texts in the content of an unknown `kind`, each after the name of its field.
pub(in crate::translate::from_telegram) fn compact(message: &RawObject, kind: &str) -> Option<String> {
    let mut texts = Vec::new();
    let content: Value = message.read(kind)?;
    gather(None, &content, &mut texts);
    let named = texts.into_iter().map(|(name, text)| match name {
        Some(name) => format!("{}: {}", one_line(name).replace('_', " "), one_line(&text)),
        None => one_line(&text),
    });
    let all = joined(", ", named);
    let shown: String = all.chars().take(MAX_CHARS).collect();
    let more = if shown.len() < all.len() { "…" } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{more}"))
}

/// The readable texts of an object, except those in the fields `known`, one per line.
pub(super) fn readable_beside(known: &[&str], object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    let mut texts = Vec::new();
    fields.for_each(|(name, value)| gather(Some(name), value, &mut texts));
    joined("\n", texts.into_iter().map(|(_, text)| text))
}

/// Collects the readable texts in a value, with the names of their fields.
fn gather<'a>(name: Option<&'a str>, value: &'a Value, texts: &mut Vec<(Option<&'a str>, String)>) {
    let ends = |known: &[&str]| name.is_some_and(|name| ends_in(name, known));
    match value {
        Value::Object(_) | Value::Array(_) if ends(SECRET_FIELDS) => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| gather(Some(name), value, texts)),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, texts)),
        Value::String(text) if !(ends(OPAQUE_FIELDS) || ends(SECRET_FIELDS) || is_opaque(text)) => {
            texts.push((name, text.clone()));
        }
        Value::Number(number) if ends(NUMBER_FIELDS) => texts.push((name, number.to_string())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn ends_in(name: &str, known: &[&str]) -> bool {
    known.iter().any(|it| name.strip_suffix(it).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// Whether a text is an id or an address, whatever its field is called.
fn is_opaque(text: &str) -> bool {
    let of_ids = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/');
    let is_id = text.len() >= MIN_ID_CHARS && text.chars().all(of_ids) && text.contains(|c: char| c.is_ascii_digit());
    let is_address = text.contains("://") && !text.contains(char::is_whitespace);
    is_id || is_address
}
