//! One catalogue of all sentences that managers read in Kommo and customers read in Telegram, in four languages. What
//! the operator reads (the log, errors, commands) is not in it: that stays English.
//!
//! # Correcting a sentence
//!
//! Each language is one file: `en.toml`, `es.toml`, `pt.toml` and `ru.toml` in `src/words/`. Whoever corrects one needs
//! no Rust. A sentence keeps its name and its `{places}`, in any order. Where a number decides the form, there is one
//! line per form (`one`, `few`, `many`, `other`), as the plural rules of Unicode (CLDR) name them.
//!
//! # Adding a sentence
//!
//! 1. Name it in [`list`], with its places: `part(part, parts, sentence);` in the section of those who read it.
//! 2. Write it in all four files, under the same section and name.
//! 3. Use it: `refusal::part(2, 3, sentence).say(language)`.
//!
//! A test names what is missing, left over or filled differently in any language.
//!
//! # Which language
//! A [`Sentence`] is a value: it can be stored, be part of another one, and is rendered where its reader is known.
//! Managers read the language of their account ([`Spoken`]). Customers read their own, if Telegram names it, else that
//! of the account.

mod catalogue;
mod language;
pub mod list;
mod number;
mod plural;
mod sentence;
mod spoken;

pub use language::Language;
pub use list::*;
pub use sentence::{PlaceholderValue, Sentence};
pub use spoken::Spoken;

#[cfg(test)]
mod tests;
