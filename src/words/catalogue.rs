//! The catalogues, one file per language, parsed once.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::words::{
    Language,
    plural::{self, Form},
};

/// A sentence of one language, in as many forms as it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// One form.
    Single(Text),
    /// One per plural form of what is counted.
    Forms(BTreeMap<Form, Text>),
}

/// A sentence with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(String),
}

/// The sentences of a language, by `section.name`.
pub(super) type Catalogue = BTreeMap<String, Entry>;

static CATALOGUES: LazyLock<BTreeMap<Language, Catalogue>> = LazyLock::new(|| {
    let read = |language| read(source(language)).map(|catalogue| (language, catalogue));
    let all: Result<_, _> = Language::ALL.into_iter().map(read).collect();
    all.expect("the files are a part of the program, and a test reads them")
});

/// The file of a language.
pub(super) const fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("en.toml"),
        Language::Es => include_str!("es.toml"),
        Language::Pt => include_str!("pt.toml"),
        Language::Ru => include_str!("ru.toml"),
    }
}

/// The sentences of a language.
pub(super) fn of(language: Language) -> &'static Catalogue {
    &CATALOGUES[&language]
}

/// A sentence in the plural form for `number`, and whether it has several.
pub(super) fn text(language: Language, name: &str, number: Option<u64>) -> (&'static Text, bool) {
    let entry = of(language).get(name);
    let text = entry.and_then(|entry| match entry {
        Entry::Single(text) => Some((text, false)),
        Entry::Forms(forms) => Some((forms.get(&plural::form(language, number.unwrap_or_default()))?, true)),
    });
    text.expect("a test holds that every language has every sentence in every form")
}

/// Parses a file: tables of sentences, or of their forms.
pub(super) fn read(file: &str) -> Result<Catalogue, String> {
    let file: toml::Table = file.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut catalogue = Catalogue::new();
    for (section, sentences) in &file {
        let sentences = sentences.as_table().ok_or_else(|| format!("{section} is no section"))?;
        for (name, value) in sentences {
            let name = format!("{section}.{name}");
            let entry = entry(value).map_err(|why| format!("{name}: {why}"))?;
            catalogue.insert(name, entry);
        }
    }
    Ok(catalogue)
}

fn entry(value: &toml::Value) -> Result<Entry, String> {
    if let Some(text) = value.as_str() {
        return Text::parse(text).map(Entry::Single);
    }
    let forms = value.as_table().ok_or("is neither a sentence nor its forms")?;
    let form = |(name, text): (&String, &toml::Value)| {
        let form = Form::named(name).ok_or_else(|| format!("{name} is no form"))?;
        let text = text.as_str().ok_or_else(|| format!("the form {name} is no sentence"))?;
        Ok::<_, String>((form, Text::parse(text)?))
    };
    forms.iter().map(form).collect::<Result<_, _>>().map(Entry::Forms)
}

impl Text {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, behind)) = rest.split_once('{') {
            let (place, behind) = behind.split_once('}').ok_or("a place is not closed")?;
            let is_name = !place.is_empty() && place.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if !is_name || words.contains('}') {
                return Err(format!("{{{place}}} is no place"));
            }
            pieces.extend([Piece::Words(words.to_owned()), Piece::Place(place.to_owned())]);
            rest = behind;
        }
        if rest.contains('}') {
            return Err("a place is not opened".to_owned());
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text with its placeholders filled. One without a value keeps its name; a test holds that there is none.
    pub(super) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Place(place) => value(place).unwrap_or_else(|| format!("{{{place}}}")),
        };
        self.0.iter().map(piece).collect()
    }

    /// The names of its places.
    #[cfg(test)]
    pub(super) fn places<'t>(&'t self) -> std::collections::BTreeSet<&'t str> {
        let place = |piece: &'t Piece| match piece {
            Piece::Words(_) => None,
            Piece::Place(place) => Some(place.as_str()),
        };
        self.0.iter().filter_map(place).collect()
    }
}
