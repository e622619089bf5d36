//! What nobody here knows yet.

use serde_json::Value;

use crate::{
    telegram::wire::RawObject,
    translate::from_telegram::{describe::joined, people::one_line},
};

/// The most that is shown, in characters: as much as the longest text.
const MOST: usize = 4096;

/// How names of fields end whose texts say nothing to people: ids, addresses, and choices among a few words.
const MUTE: &[&str] = &[
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

/// How names of fields end that may hold what is nobody's business, in whatever form.
const SECRET: &[&str] = &["credentials", "hash", "key", "password", "secret", "token"];

/// Fields that hold numbers that say something to people.
const NUMBERS: &[&str] = &["amount", "count", "value"];

/// A text without spaces that is at least so long, and of letters and digits alone, is an id.
const ID_CHARS: usize = 20;

/// The words that the content of an unknown `kind` holds, each after the name of its field.
pub(in crate::translate::from_telegram) fn compact(message: &RawObject, kind: &str) -> Option<String> {
    let mut said = Vec::new();
    let content: Value = message.read(kind)?;
    gather(None, &content, &mut said);
    let named = said.into_iter().map(|(name, text)| match name {
        Some(name) => format!("{}: {}", one_line(name).replace('_', " "), one_line(&text)),
        None => one_line(&text),
    });
    let all = joined(", ", named);
    let shown: String = all.chars().take(MOST).collect();
    let more = if shown.len() < all.len() { "…" } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{more}"))
}

/// All that can be read in an object beside some of its fields, one below the other.
pub(super) fn readable_beside(known: &[&str], object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    let mut said = Vec::new();
    fields.for_each(|(name, value)| gather(Some(name), value, &mut said));
    joined("\n", said.into_iter().map(|(_, text)| text))
}

/// What somebody can read in a value, each with the name of its field.
fn gather<'a>(name: Option<&'a str>, value: &'a Value, said: &mut Vec<(Option<&'a str>, String)>) {
    let ends = |known: &[&str]| name.is_some_and(|name| ends_in(name, known));
    match value {
        Value::Object(_) | Value::Array(_) if ends(SECRET) => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| gather(Some(name), value, said)),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, said)),
        Value::String(text) if !(ends(MUTE) || ends(SECRET) || is_opaque(text)) => said.push((name, text.clone())),
        Value::Number(number) if ends(NUMBERS) => said.push((name, number.to_string())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn ends_in(name: &str, known: &[&str]) -> bool {
    known.iter().any(|it| name.strip_suffix(it).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// Whether a text is an id or an address, whatever its field is called.
fn is_opaque(text: &str) -> bool {
    let of_ids = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/');
    let is_id = text.len() >= ID_CHARS && text.chars().all(of_ids) && text.contains(|c: char| c.is_ascii_digit());
    let is_address = text.contains("://") && !text.contains(char::is_whitespace);
    is_id || is_address
}
