//! Formatted texts with their marks (Bot API, `RichText`), and buttons among them.

use serde_json::Value;

use crate::{
    telegram::wire::Entity,
    translate::from_telegram::{
        describe::{future, joined},
        entities,
        people::one_line,
    },
};

/// Kinds of text that only change the look, or link within the article.
const PLAIN: &[&str] = &[
    "bold",
    "italic",
    "underline",
    "subscript",
    "superscript",
    "marked",
    "anchor_link",
    "reference",
    "reference_link",
];

/// Kinds whose meaning is in a field of their own, which the text may lack.
const MEANING: &[(&str, &str)] = &[
    ("email_address", "email_address"),
    ("phone_number", "phone_number"),
    ("bank_card_number", "bank_card_number"),
    ("mention", "username"),
    ("hashtag", "hashtag"),
    ("cashtag", "cashtag"),
    ("bot_command", "bot_command"),
];

/// The plain text of a formatted text.
pub(super) fn words(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words).collect(),
        Value::Object(_) => styled(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn styled(part: &Value) -> String {
    let kind = part["type"].as_str().unwrap_or_default();
    let label = || words(&part["text"]);
    match kind {
        "anchor" => String::new(),
        "custom_emoji" => words(&part["alternative_text"]),
        "mathematical_expression" => words(&part["expression"]),
        "button" => button(&part["button"]),
        "code" | "spoiler" | "strikethrough" | "url" | "text_mention" | "date_time" => marked(part, label()),
        plain if PLAIN.contains(&plain) => label(),
        meaning => match MEANING.iter().find(|(kind, _)| *kind == meaning) {
            Some((_, field)) => explained(label(), part[*field].as_str().unwrap_or_default()),
            // An unknown kind.
            None => joined(" ", [label(), future::readable_beside(&["text"], part)]),
        },
    }
}

/// A label, followed by its meaning unless the label contains it.
fn explained(label: String, meaning: &str) -> String {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let says_so = bare(&label).contains(&bare(meaning));
    if says_so { label } else { format!("{label} ({})", one_line(meaning)) }
}

fn marked(part: &Value, label: String) -> String {
    let entity: Entity = serde_json::from_str(&part.to_string()).unwrap_or_default();
    match entities::marks(&entity, &label) {
        Some(marks) => format!("{}{label}{}", marks.before, marks.after),
        None => label,
    }
}

/// A button of an article: its label, and what it opens or copies.
pub(super) fn button(button: &Value) -> String {
    let label = words(&button["text"]);
    let leads = ["url", "web_app", "login_url"].into_iter().find_map(|field| {
        let target = &button[field];
        target.as_str().or_else(|| target["url"].as_str())
    });
    let copied = button["copy_text"]["text"].as_str().unwrap_or_default();
    let shown = format!("[{label}]");
    match leads {
        Some(url) => {
            let link = Entity { r#type: Some("url".to_owned()), url: Some(url.to_owned()), ..Entity::default() };
            let marks = entities::marks(&link, &label).unwrap_or_default();
            format!("{shown}{}", marks.after)
        }
        None if copied.is_empty() => shown,
        None => explained(shown, copied),
    }
}
