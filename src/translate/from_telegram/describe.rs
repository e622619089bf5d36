//! What Kommo has no kind for, told in words.
//!
//! Each message begins with what it is in square brackets; lists go below, one item a line. The fields are those of the
//! Bot API's page, and any of them may be missing.

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

/// What a `message` of a `kind` says in `language`; `None` if nobody here knows the kind.
pub(super) fn line(kind: &str, message: &RawObject, language: Language) -> Option<String> {
    let what = message.part(kind);
    None.or_else(|| lists::line(kind, &what, language))
        .or_else(|| paid::line(kind, &what, language))
        .or_else(|| gifts::line(kind, &what, language))
        .or_else(|| shared::line(kind, message, &what, language))
        .or_else(|| chat::line(kind, message, &what, language))
        .or_else(|| if kind == "rich_message" { rich::text(message, language) } else { None })
}

/// What it is, and what it says where it says something.
fn headed(what: &Sentence, says: &str, language: Language) -> String {
    let what = what.say(language);
    if says.trim().is_empty() { format!("[{what}]") } else { format!("[{what}] {says}") }
}

/// A text with its formatting, if anything of it can be seen.
fn worded(part: &RawObject, field: &str) -> Option<String> {
    formatted(part, field, &format!("{field}_entities"))
}

/// The same where the entities are not called after the text.
fn formatted(part: &RawObject, field: &str, entities: &str) -> Option<String> {
    entities::of(part, field, entities).filter(|text| is_visible(text))
}

/// The texts that say something, with `between` them.
fn joined(between: &str, texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

/// The lines that there are, below each other.
fn lines(lines: impl IntoIterator<Item = Option<String>>) -> String {
    joined("\n", lines.into_iter().flatten())
}

/// The words that there are, in a row.
fn row(words: impl IntoIterator<Item = Option<String>>) -> String {
    joined(", ", words.into_iter().flatten())
}

/// Items, one a line.
fn bullets(items: impl IntoIterator<Item = String>) -> String {
    lines(items.into_iter().map(|item| Some(format!("• {item}"))))
}

/// What another message says that this one is about.
fn words_of(part: &RawObject, field: &str, language: Language) -> Option<String> {
    content::words(&part.read::<Message>(field)?, language)
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
