//! Sentences, independent of the language.

use crate::words::{Language, catalogue};

/// A sentence that is rendered once the reader's language is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence(Content);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// A sentence of the catalogue, by its name, with the values of its placeholders.
    Known { name: &'static str, values: Vec<(&'static str, PlaceholderValue)> },
    /// A text that is the same in all languages.
    Plain(String),
    /// Several sentences.
    Sequence(Vec<Sentence>),
}

/// The value of a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceholderValue {
    /// A text that is the same in all languages: a name, a link, a quotation.
    Text(String),
    /// A number. In a sentence with several plural forms it decides the form.
    Number(u64),
    Sentence(Sentence),
}

impl Sentence {
    pub(super) const fn known(name: &'static str, values: Vec<(&'static str, PlaceholderValue)>) -> Self {
        Self(Content::Known { name, values })
    }

    /// A text that is the same in all languages: for the operator, or a quotation.
    #[must_use]
    pub fn plain(words: impl Into<String>) -> Self {
        Self(Content::Plain(words.into()))
    }

    /// This sentence followed by another one.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self(Content::Sequence(vec![self, more]))
    }

    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match &self.0 {
            Content::Plain(words) => words.clone(),
            Content::Known { name, values } => {
                let number = values.iter().find_map(|(_, value)| value.number());
                let (text, is_counted) = catalogue::text(language, name, number);
                text.fill(|place| {
                    let value = values.iter().find(|(name, _)| *name == place).map(|(_, value)| value)?;
                    let counted = value.number().filter(|_| is_counted);
                    Some(counted.map_or_else(|| value.say(language), |number| language.grouped(number)))
                })
            }
            Content::Sequence(sentences) => {
                sentences.iter().map(|sentence| sentence.say(language)).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

impl PlaceholderValue {
    const fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::Sentence(_) => None,
        }
    }

    fn say(&self, language: Language) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Sentence(sentence) => sentence.say(language),
        }
    }
}

impl From<&str> for PlaceholderValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for PlaceholderValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for PlaceholderValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<u64> for PlaceholderValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for PlaceholderValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for PlaceholderValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for PlaceholderValue {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<Sentence> for PlaceholderValue {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(sentence)
    }
}
