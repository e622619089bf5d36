//! Environment variables, and the keys that they set.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

use figment::value::Dict;

use crate::{
    config::{
        error::Problems,
        keys::{self, KEYS},
        layers,
    },
    files::text,
};

mod foreign;

/// The prefix of every variable that sets a key.
const PREFIX: &str = "TELEKOMMO_";

/// The folder where the sandbox's fakes record traffic. It sets no key.
const RECORD: &str = "TELEKOMMO_SANDBOX_RECORD";

/// The separator of section, source and key. Names of keys contain single underscores.
const SEPARATOR: &str = "__";

/// Variables by name. Being a value, it lets tests do without a process of their own.
///
/// `TELEKOMMO_KOMMO__TIMEOUT` sets `timeout` under `[kommo]`, `TELEKOMMO_SOURCES__SALES__TOKEN` sets `token` under
/// `[sources.sales]`. A value is always a text; lists are separated by commas.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        variables.collect()
    }

    /// The folder with the credentials of the service, if systemd gave it any (`LoadCredential=`).
    pub(super) fn credentials(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new("CREDENTIALS_DIRECTORY")).filter(|folder| !folder.is_empty()).map(PathBuf::from)
    }

    /// The folder where the sandbox's fakes record traffic, if they should.
    #[cfg(feature = "sandbox")]
    pub(crate) fn record_folder(&self) -> Option<PathBuf> {
        self.0.get(OsStr::new(RECORD)).filter(|folder| !folder.is_empty()).map(PathBuf::from)
    }

    /// Whether any variable sets a key, or is meant to.
    pub(super) fn has_settings(&self) -> bool {
        self.settings().next().is_some()
    }

    /// The texts by section and key. Variables that set no key are reported. Names of variables are in capitals, so
    /// `known_tables` gives the letter case of tables in the file.
    pub(super) fn texts(&self, known_tables: &[&str], problems: &Problems) -> Dict {
        let mut dict = Dict::new();
        for (name, value) in self.settings() {
            let path = path(&name, known_tables);
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            match (keys::find(&path), value.to_str()) {
                (Some(_), Some(text)) => layers::insert(&mut dict, &path, plain(text)),
                (Some(_), None) => drop(problems.report(format!("{name}: the value is not UTF-8: write it as UTF-8"))),
                (None, _) => drop(problems.report(unknown(&name, &path))),
            }
        }
        for warning in foreign::warnings(self.foreign().collect()) {
            problems.warn(warning);
        }
        dict
    }

    /// The variables that set keys, or are meant to.
    fn settings(&self) -> impl Iterator<Item = (String, &OsString)> {
        self.named().filter(|(name, _)| !foreign::is_foreign(name))
    }

    /// Variables that only share our prefix.
    fn foreign(&self) -> impl Iterator<Item = String> {
        self.named().map(|(name, _)| name).filter(|name| foreign::is_foreign(name))
    }

    fn named(&self) -> impl Iterator<Item = (String, &OsString)> {
        // Some files of variables begin with a byte order mark, which then begins the first name.
        let named = self.0.iter().map(|(name, value)| (text::without_bom(&name.to_string_lossy()).to_owned(), value));
        named.filter(|(name, _)| name.starts_with(PREFIX) && name != RECORD)
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    /// The names alone: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The variable that sets the key at `path`.
pub(super) fn variable(path: &[&str]) -> String {
    format!("{PREFIX}{}", path.join(SEPARATOR).to_uppercase())
}

/// Whether the variable of the key at `path` is a valid shell name, and maps back to that key.
pub(super) fn can_name(path: &[&str]) -> bool {
    let fits = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    path.iter().all(fits) && variable(path).split(SEPARATOR).count() == path.len()
}

/// The path that a variable's name maps to, whether or not there is such a key.
fn path(variable: &str, known_tables: &[&str]) -> Vec<String> {
    let name = variable.strip_prefix(PREFIX).unwrap_or(variable).to_lowercase();
    let mut path: Vec<_> = name.split(SEPARATOR).map(str::to_owned).collect();
    if let [section, source, _] = &mut path[..]
        && keys::has_tables(section)
        && !known_tables.contains(&source.as_str())
        && let Some(known) = known_tables.iter().find(|known| known.eq_ignore_ascii_case(source))
    {
        (*known).clone_into(source);
    }
    path
}

/// A value without a byte order mark in front and a line end behind, which some files of variables add.
fn plain(value: &str) -> &str {
    text::without_bom(value).trim_end_matches(['\r', '\n'])
}

fn unknown(name: &str, path: &[&str]) -> String {
    let source = path.get(1).filter(|_| path.len() > 2).unwrap_or(&"name");
    let remedy = keys::nearest(name, KEYS.iter().map(|key| variable(&key.path(source)))).map_or_else(
        || format!("unset it, or write it as {PREFIX}KOMMO__TIMEOUT is written for the key kommo.timeout"),
        |near| format!("did you mean {near}?"),
    );
    format!("{name}: unknown variable: {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_alone() {
        let environment: Environment = [("TELEKOMMO_KOMMO__CHANNEL_SECRET", "hidden")].into_iter().collect();
        assert_eq!(format!("{environment:?}"), r#"{"TELEKOMMO_KOMMO__CHANNEL_SECRET"}"#);
    }

    #[test]
    fn a_variable_is_the_path_in_capitals() {
        for key in KEYS {
            let written = key.path("sales");
            assert_eq!(path(&variable(&written), &[]), written);
        }
    }

    #[test]
    fn only_plain_names_can_be_variables() {
        assert!(can_name(&["sources", "Sales_2", "token"]));
        for name in ["a b", "my-bot", "a.b", "a__b", "продажи"] {
            assert!(!can_name(&["sources", name, "token"]), "{name}");
        }
    }

    #[test]
    fn a_source_of_the_file_keeps_its_letter_case() {
        let name = "TELEKOMMO_SOURCES__SALES__TOKEN";
        assert_eq!(path(name, &["Sales"]), ["sources", "Sales", "token"]);
        assert_eq!(path(name, &["Sales", "sales"]), ["sources", "sales", "token"]);
        assert_eq!(path(name, &["support"]), ["sources", "sales", "token"]);
    }
}
