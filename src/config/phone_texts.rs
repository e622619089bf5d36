//! The texts that ask customers for their phone number: defaults, overridden by the operator's.

use std::collections::BTreeMap;

use crate::{
    config::{
        error::{Reported, Wrong},
        keys::PHONE_TEXTS,
        parse,
        sections::Reading,
    },
    domain::crm::{PhoneText, PhoneTexts},
    words::{Language, phone},
};

/// The longest text, in characters. Telegram takes more, but nobody would read it.
const MAX_CHARS: usize = 1000;

/// The texts in all languages.
pub(super) fn read(reading: &Reading<'_>) -> Result<PhoneTexts, Reported> {
    let defaults = Language::ALL.map(|language| {
        let [ask, button, thanks] = [phone::ask(), phone::button(), phone::thanks()].map(|it| it.say(language));
        (language.code().to_owned(), PhoneText { ask, button, thanks })
    });
    let mut texts = BTreeMap::from(defaults);
    let languages = reading.section(&[PHONE_TEXTS]);
    let read: Vec<_> = languages.names().map(|language| one(reading, language, &texts)).collect();
    for text in read {
        let (language, text) = text?;
        texts.insert(language, text);
    }
    Ok(PhoneTexts(texts))
}

/// One language: a missing text has our default, in English if we lack the language.
fn one<'a>(
    reading: &Reading<'a>,
    language: &'a str,
    defaults: &BTreeMap<String, PhoneText>,
) -> Result<(String, PhoneText), Reported> {
    let section = reading.section(&[PHONE_TEXTS, language]);
    let code = language.to_lowercase();
    let fallback = |pick: fn(&PhoneText) -> &String| {
        defaults.get(&code).or_else(|| defaults.get("en")).map(pick).cloned().unwrap_or_default()
    };
    let (ask, button) = (section.optional("ask", message), section.optional("button", parse::line));
    let thanks = section.optional("thanks", message);
    let text = PhoneText {
        ask: ask?.unwrap_or_else(|| fallback(|text| &text.ask)),
        button: button?.unwrap_or_else(|| fallback(|text| &text.button)),
        thanks: thanks?.unwrap_or_else(|| fallback(|text| &text.thanks)),
    };
    Ok((code, text))
}

/// A message to a customer.
fn message(text: &str) -> Result<String, Wrong> {
    let has_control = text.contains(|c: char| c.is_control() && c != '\n');
    if text.trim().is_empty() || text.chars().count() > MAX_CHARS || has_control {
        return Err(Wrong::new("is not a text: write one or several sentences, up to 1000 characters"));
    }
    Ok(text.to_owned())
}
