//! What nobody here knows yet.

use serde_json::Value;

use crate::{telegram::wire::Part, translate::from_telegram::people::one_line};

/// The most that is told, in characters.
const MOST: usize = 300;

/// Fields that hold words for people, wherever they are; also what ends in `_` and one of these.
const WORDS: &[&str] = &[
    "answer",
    "caption",
    "comment",
    "currency",
    "description",
    "emoji",
    "label",
    "message",
    "name",
    "question",
    "reason",
    "text",
    "title",
    "username",
];

/// Fields that hold numbers that say something to people.
const NUMBERS: &[&str] = &["amount", "count", "value"];

/// The words that the content of an unknown `kind` holds, each after the name of its field. Only fields that are named like
/// words are told, and nothing else: what is not known may hold what is nobody's business.
pub(in crate::translate::from_telegram) fn compact(message: &Part, kind: &str) -> Option<String> {
    let mut said = Vec::new();
    match message.read::<Value>(kind)? {
        Value::String(text) => said.push(one_line(&text)),
        other => gather(&other, &mut said),
    }
    let all = said.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
    let shown: String = all.chars().take(MOST).collect();
    let more = if shown.len() < all.len() { "…" } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{more}"))
}

fn gather(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_one_of(name, WORDS) => said.push(told(name, text)),
                    Value::Number(number) if is_one_of(name, NUMBERS) => said.push(told(name, &number.to_string())),
                    other => gather(other, said),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, said)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn told(name: &str, text: &str) -> String {
    format!("{}: {}", one_line(name).replace('_', " "), one_line(text))
}

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|it| name.strip_suffix(it).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}
