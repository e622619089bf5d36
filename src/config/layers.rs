//! Merges defaults, file and environment: the later one wins, and errors name its origin.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use crate::config::{
    environment::Environment,
    error::{ConfigError, Problems},
    file,
    keys::{self, KEYS},
    written::Written,
};

/// The origin of a value. A later one overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// In the table of keys.
    Default,
    File,
    Environment,
}

impl Origin {
    const ALL: [Self; 3] = [Self::Default, Self::File, Self::Environment];

    const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

/// The texts of one origin, as a figment provider.
struct Layer(Origin, Dict);

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0.name())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.1.clone())]))
    }
}

/// The merged layers. Every value is a text.
pub(super) struct Layers {
    figment: Figment,
    root: Value,
    file: Option<PathBuf>,
    warnings: Vec<String>,
    credentials: Option<PathBuf>,
    taken: RefCell<Written>,
}

impl Layers {
    /// Reads and merges the layers: the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, or a key or variable is unknown.
    pub(super) fn read(file: Option<PathBuf>, environment: &Environment) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let written = file.as_deref().map(|path| file::read(path, &problems)).transpose()?.unwrap_or_default();
        if let Some(warning) = file.as_deref().and_then(|path| file::exposed_secrets(path, &written)) {
            problems.warn(warning);
        }
        let tables = keys::TABLES.iter().filter_map(|(name, _)| written.get(*name)?.as_dict());
        let known_tables: Vec<_> = tables.flat_map(Dict::keys).map(String::as_str).collect();
        let variables = environment.texts(&known_tables, &problems);
        let figment = Figment::from(Layer(Origin::Default, defaults()))
            .merge(Layer(Origin::File, written))
            .merge(Layer(Origin::Environment, variables));
        let root = figment.find_value("").expect("layers of texts always merge");
        let (warnings, credentials) = (problems.take_warnings(), environment.credentials());
        problems.unless_any(Ok(Self { figment, root, file, warnings, credentials, taken: RefCell::default() }))
    }

    /// The texts of the section at `path`, if it has any.
    pub(super) fn section(&self, path: &[&str]) -> Option<&Dict> {
        path.iter().try_fold(&self.root, |value, name| value.as_dict()?.get(*name))?.as_dict()
    }

    /// The layer that `value` is from.
    pub(super) fn origin(&self, value: &Value) -> Origin {
        let name = self.figment.get_metadata(value.tag()).map(|metadata| metadata.name.as_ref());
        Origin::ALL.into_iter().find(|origin| name == Some(origin.name())).unwrap_or(Origin::Default)
    }

    /// The file, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Warnings about the layers themselves.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Records the text that the value at `path` is parsed from.
    pub(super) fn take(&self, path: &[&str], text: &str) {
        self.taken.borrow_mut().note(path, text);
    }

    /// All texts recorded so far.
    pub(super) fn taken(&self) -> Written {
        self.taken.borrow().clone()
    }

    /// The folder of the service's credentials, if there is one.
    pub(super) fn credentials(&self) -> Option<&Path> {
        self.credentials.as_deref()
    }
}

fn defaults() -> Dict {
    let mut dict = Dict::new();
    for (key, text) in KEYS.iter().filter_map(|key| Some((key, key.default?))) {
        insert(&mut dict, &key.path(""), text);
    }
    dict
}

/// Puts `text` at `path`, with the sections that lead there.
pub(super) fn insert(dict: &mut Dict, path: &[&str], text: &str) {
    let Some((name, rest)) = path.split_first() else { return };
    let value = if rest.is_empty() {
        Value::from(text)
    } else {
        let mut section = dict.remove(*name).and_then(Value::into_dict).unwrap_or_default();
        insert(&mut section, rest, text);
        section.into()
    };
    dict.insert((*name).to_owned(), value);
}
