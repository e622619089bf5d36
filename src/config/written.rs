//! The text of each key, so that a new configuration can be compared with the one in force, key by key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use toml_edit::Value;

use crate::{
    config::{
        Secret,
        keys::{self, SOURCES},
    },
    domain::address::SourceId,
};

/// The path of a key, or of a table, which may be empty.
type Path = Vec<String>;

/// The text of each key, with secrets and defaults.
#[derive(Clone, Default)]
pub struct Written(BTreeMap<Path, Secret>);

impl fmt::Debug for Written {
    /// Shows the count alone: some texts are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Written").field(&self.0.len()).finish()
    }
}

impl Written {
    /// Records the text at `path`.
    pub(super) fn note(&mut self, path: &[&str], text: &str) {
        let path = path.iter().map(ToString::to_string).collect();
        self.0.insert(path, Secret::new(text.to_owned()));
    }

    /// The keys that have another text in `new`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Changes {
        let text = |written: &Self, path: &Path| written.0.get(path).map(|text| text.expose().to_owned());
        let all = self.0.keys().chain(new.0.keys());
        Changes(all.filter(|path| text(self, path) != text(new, path)).cloned().collect())
    }

    /// An equivalent configuration file, without defaults. Comments mark the places of secrets.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().filter_map(|(path, text)| self.line(path, text.expose())).collect()
    }

    fn line(&self, path: &Path, text: &str) -> Option<String> {
        let (names, dotted): (Vec<_>, _) = (path.iter().map(String::as_str).collect(), keys::dotted(path));
        let Some(key) = keys::find(&names) else {
            let is_empty = !self.0.keys().any(|other| other.len() > path.len() && other.starts_with(path));
            return (path.len() > 1 && is_empty).then(|| format!("{dotted} = {{}}\n"));
        };
        if key.secret {
            let mut twin = path.clone();
            twin.last_mut()?.push_str(keys::FILE);
            let is_in_file = self.0.contains_key(&twin);
            return (!is_in_file)
                .then(|| format!("# {dotted} is a secret: write it here, or its file as {dotted}_file\n"));
        }
        if key.default == Some(text) {
            return None;
        }
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        let value = if key.list { Value::Array(values.collect()) } else { Value::from(text) };
        Some(format!("{dotted} = {value}\n"))
    }

    /// The same, with the keys that only a start reads as in `running`.
    pub(super) fn started_as(mut self, running: &Self) -> Self {
        self.0.retain(|path, _| !is_of_start(path));
        let start_keys = running.0.iter().filter(|(path, _)| is_of_start(path));
        self.0.extend(start_keys.map(|(path, text)| (path.clone(), text.clone())));
        self
    }
}

fn is_of_start(path: &Path) -> bool {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    keys::find(&path).is_some_and(|key| key.at_start)
}

/// Keys whose texts have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(BTreeSet<Path>);

impl Changes {
    /// For each key that a reload puts into force, its name and a change of it alone. Keys of secret files are left
    /// out: the change is that of the secret.
    #[cfg(test)]
    pub(crate) fn each_alone() -> Vec<(String, Self)> {
        let of_reload = |key: &&keys::Key| !key.at_start && !key.name.ends_with(keys::FILE);
        let alone = |key: &keys::Key| {
            let path = key.path("sales");
            (keys::dotted(&path), Self([path.into_iter().map(str::to_owned).collect()].into()))
        };
        keys::KEYS.iter().filter(of_reload).map(alone).collect()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of them is one of these keys, or in one of these sections.
    #[must_use]
    pub fn touch(&self, places: &[&str]) -> bool {
        let begins = |path: &Path, place: &&str| {
            let mut names = path.iter();
            place.split('.').all(|part| names.next().is_some_and(|name| name == part))
        };
        self.0.iter().any(|path| places.iter().any(|place| begins(path, place)))
    }

    /// Whether the token of a source has changed.
    #[must_use]
    pub fn touch_token(&self, source: &SourceId) -> bool {
        self.0.contains(&[SOURCES, source.as_str(), "token"].map(str::to_owned)[..])
    }

    /// The keys of a source, without the section.
    #[must_use]
    pub fn of_source(&self, source: &SourceId) -> Vec<String> {
        let of_it = self.0.iter().filter(|path| path.len() > 2 && path[0] == SOURCES && path[1] == source.as_str());
        of_it.map(|path| keys::dotted(&path[2..])).collect()
    }

    /// The keys that only a start reads.
    #[must_use]
    pub fn of_start(&self) -> Vec<String> {
        self.0.iter().filter(|path| is_of_start(path)).map(|path| keys::dotted(path)).collect()
    }

    /// All others, without those of sources. An added or removed table is listed by its name alone.
    #[must_use]
    pub fn others(&self) -> Vec<String> {
        let is_within = |path: &Path| self.0.iter().any(|other| other.len() < path.len() && path.starts_with(other));
        let others = self.0.iter().filter(|path| path[0] != SOURCES && !is_of_start(path) && !is_within(path));
        others.map(|path| keys::dotted(path)).collect()
    }
}
