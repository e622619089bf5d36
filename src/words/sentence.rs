//! Something to say, before it is known to whom.

use crate::words::{Language, catalogue};

/// Something to say, before it is known in which language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence(Saying);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Saying {
    /// A sentence of the catalogue, by its name, with what fills its places.
    Known { name: &'static str, fillings: Vec<(&'static str, PlaceholderValue)> },
    /// Words that are the same in all languages.
    Plain(String),
    /// Sentences one behind the other.
    Row(Vec<Sentence>),
}

/// What fills a place in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceholderValue {
    /// Words that are the same in all languages: a name, a link, what somebody else said.
    Text(String),
    /// A number. In a sentence with several forms it decides the form.
    Number(u64),
    Sentence(Sentence),
}

impl Sentence {
    pub(super) const fn known(name: &'static str, fillings: Vec<(&'static str, PlaceholderValue)>) -> Self {
        Self(Saying::Known { name, fillings })
    }

    /// Words that are the same in all languages: what the operator reads, or what somebody else has said.
    #[must_use]
    pub fn plain(words: impl Into<String>) -> Self {
        Self(Saying::Plain(words.into()))
    }

    /// This sentence, and another one behind it.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self(Saying::Row(vec![self, more]))
    }

    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match &self.0 {
            Saying::Plain(words) => words.clone(),
            Saying::Known { name, fillings } => {
                let number = fillings.iter().find_map(|(_, filling)| filling.number());
                let (text, is_counted) = catalogue::text(language, name, number);
                text.fill(|place| {
                    let filling = fillings.iter().find(|(name, _)| *name == place).map(|(_, filling)| filling)?;
                    let counted = filling.number().filter(|_| is_counted);
                    Some(counted.map_or_else(|| filling.say(language), |number| language.grouped(number)))
                })
            }
            Saying::Row(sentences) => {
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
