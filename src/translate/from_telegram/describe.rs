//! Descriptions of kinds that Kommo does not have.
//!
//! Each description begins with the kind in square brackets. Items of lists follow, one per line. The fields are those
//! of the Bot API, and any of them may be missing.

use crate::{
    telegram::wire::{Message, RawObject},
    translate::{
        from_telegram::{content, entities},
        text::is_visible,
    },
    words::{Language, Sentence},
};

mod amount;
mod chat;
mod future;
mod gifts;
mod lists;
mod paid;
mod rich;
mod shared;

pub(super) use amount::when;
pub(super) use future::compact;

/// The description of a `message` of a `kind` in `language`; `None` if the kind is unknown.
pub(super) fn line(kind: &str, message: &RawObject, language: Language) -> Option<String> {
    let what = message.part(kind);
    None.or_else(|| lists::line(kind, &what, language))
        .or_else(|| paid::line(kind, &what, language))
        .or_else(|| gifts::line(kind, &what, language))
        .or_else(|| shared::line(kind, message, &what, language))
        .or_else(|| chat::line(kind, message, &what, language))
        .or_else(|| if kind == "rich_message" { rich::text(message, language) } else { None })
}

/// A kind in brackets, and a text after it unless the text is blank.
fn headed(what: &Sentence, text: &str, language: Language) -> String {
    let what = what.say(language);
    if text.trim().is_empty() { format!("[{what}]") } else { format!("[{what}] {text}") }
}

/// A text with its formatting, if it is visible.
fn worded(part: &RawObject, field: &str) -> Option<String> {
    formatted(part, field, &format!("{field}_entities"))
}

/// As [`worded`], if the name of the entities does not follow that of the text.
fn formatted(part: &RawObject, field: &str, entities: &str) -> Option<String> {
    entities::of(part, field, entities).filter(|text| is_visible(text))
}

/// The texts that are not empty, with `between` them.
fn joined(between: &str, texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

/// The existing lines, below each other.
fn lines(lines: impl IntoIterator<Item = Option<String>>) -> String {
    joined("\n", lines.into_iter().flatten())
}

/// The existing texts, separated by commas.
fn row(words: impl IntoIterator<Item = Option<String>>) -> String {
    joined(", ", words.into_iter().flatten())
}

/// A bulleted list.
fn bullets(items: impl IntoIterator<Item = String>) -> String {
    lines(items.into_iter().map(|item| Some(format!("• {item}"))))
}

/// The text of another message, to which a field refers.
fn words_of(part: &RawObject, field: &str, language: Language) -> Option<String> {
    content::words(&part.read::<Message>(field)?, language)
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
