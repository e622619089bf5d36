//! Reads the keys of one section, and reports which one is wrong and why.

use std::path::{Path, PathBuf};

use figment::value::Dict;

use crate::config::{
    environment,
    error::{Problems, Reported, Wrong},
    keys::{self, FILE},
    layers::{Layers, Origin},
    parse, secret,
    secret_file::Folders,
};

/// One section of the merged configuration.
pub(super) struct Section<'a> {
    layers: &'a Layers,
    problems: &'a Problems,
    path: Vec<&'a str>,
    values: Option<&'a Dict>,
}

/// A setting, and its layer.
struct Written<'a> {
    text: &'a str,
    origin: Origin,
}

impl<'a> Section<'a> {
    /// The section at `path`; empty if it does not exist.
    pub(super) fn new(layers: &'a Layers, problems: &'a Problems, path: &[&'a str]) -> Self {
        Self { layers, problems, path: path.to_vec(), values: layers.section(path) }
    }

    /// The names of the keys and tables in this section.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let names = self.values.into_iter().flat_map(Dict::keys).map(String::as_str);
        // A reload may add or remove a table without keys.
        names.inspect(|name| self.layers.take(&self.path_of(name), ""))
    }

    /// The value of an optional key.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Reported> {
        let Some(written) = self.written(name) else { return Ok(None) };
        self.layers.take(&self.path_of(name), written.text);
        parse(written.text).map(Some).map_err(|wrong| self.refuse(name, written.text, &wrong))
    }

    /// The value of a key that is required, or has a default.
    pub(super) fn required<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Result<T, Reported> {
        self.optional(name, parse)?.ok_or_else(|| self.missing(name, name))
    }

    /// The value of an optional secret, from its key or from the file that its twin key names.
    pub(super) fn optional_secret<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Reported> {
        let twin = format!("{name}{FILE}");
        match (self.written(name), self.written(&twin)) {
            (Some(own), Some(file)) if own.origin == file.origin => {
                let twin = self.key_or_variable(&twin, file.origin);
                Err(self.report(name, &format!("{twin} is given as well: keep one of the two")))
            }
            (own, Some(file)) if own.as_ref().is_none_or(|own| own.origin < file.origin) => {
                self.read_file(&twin, file.text, parse).map(Some)
            }
            (Some(_), _) => self.optional(name, parse),
            (None, _) => Ok(None),
        }
    }

    /// The value of a required secret.
    pub(super) fn required_secret<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<T, Reported> {
        self.optional_secret(name, parse)?.ok_or_else(|| self.missing(name, &format!("{name} or {name}{FILE}")))
    }

    /// Reports that the section is empty and must not be.
    pub(super) fn empty(&self, remedy: &str) -> Reported {
        let section = keys::dotted(&self.path);
        let place = self.layers.file().map_or(section.clone(), |file| format!("{}: {section}", file.display()));
        self.problems.report(format!("{place} is empty: {remedy}"))
    }

    /// Reports what is wrong with a key. `what` follows the name of the key, and must show no secret.
    pub(super) fn report(&self, name: &str, what: &str) -> Reported {
        self.problems.report(format!("{}: {what}", self.place(name)))
    }

    fn read_file<T>(&self, twin: &str, name: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Result<T, Reported> {
        self.layers.take(&self.path_of(twin), name);
        let name = parse::file_name(name).map_err(|wrong| self.refuse(twin, name, &wrong))?;
        let folders = self.folders();
        let path = folders.resolve(&name);
        if secret::resembles_secret(&name.to_string_lossy()) && !path.exists() {
            return Err(
                self.report(twin, "the value looks like the secret itself: write the name of a file that holds it")
            );
        }
        let (text, warning) = folders.read(&path).map_err(|problem| self.report(twin, &problem))?;
        if let Some(warning) = warning {
            self.problems.warn(format!("{}: {warning}", self.place(twin)));
        }
        self.layers.take(&self.path_of(twin.trim_end_matches(FILE)), &text);
        parse(&text).map_err(|wrong| self.report(twin, &format!("the text of {} {wrong}", path.display())))
    }

    /// The file that an optional key names, whether or not it exists.
    pub(super) fn optional_file(&self, name: &str) -> Result<Option<PathBuf>, Reported> {
        let file = self.optional(name, parse::file_name)?;
        Ok(file.map(|file| self.folders().resolve(&file)))
    }

    /// Warns if somebody else can read the file that a key names.
    pub(super) fn warn_of_readers(&self, name: &str, path: &Path) {
        if let Some(warning) = self.folders().warning(path) {
            self.problems.warn(format!("{}: {warning}", self.place(name)));
        }
    }

    fn folders(&self) -> Folders<'_> {
        let config = self.layers.file().and_then(Path::parent).unwrap_or(Path::new(""));
        Folders { config, credentials: self.layers.credentials() }
    }

    /// Reports a wrong value. Only this function quotes values, and it omits secrets, also misplaced ones.
    fn refuse(&self, name: &str, text: &str, wrong: &Wrong) -> Reported {
        let is_secret = keys::find(&self.path_of(name)).is_none_or(|key| key.secret);
        let value = if is_secret {
            "the value".to_owned()
        } else if secret::resembles_secret(text) {
            "the value (not shown, it looks like a secret)".to_owned()
        } else {
            format!("{text:?}")
        };
        self.report(name, &format!("{value} {wrong}"))
    }

    fn written(&self, name: &str) -> Option<Written<'a>> {
        let value = self.values?.get(name)?;
        Some(Written { text: value.as_str()?, origin: self.layers.origin(value) })
    }

    fn missing(&self, name: &str, keys: &str) -> Reported {
        let path = self.path_of(name);
        let variable = environment::variable(&path);
        let section = keys::dotted(&self.path);
        let remedy = match self.layers.file() {
            Some(_) if environment::can_name(&path) => format!("write {keys} under [{section}], or set {variable}"),
            Some(_) => format!("write {keys} under [{section}]"),
            None => format!("set {variable}"),
        };
        self.problems.report(format!("{} is missing: {remedy}", self.place(name)))
    }

    /// The origin of a key: its variable, or the file and the key. A missing key is attributed to the file.
    fn place(&self, name: &str) -> String {
        let origin =
            self.values.and_then(|values| values.get(name)).map_or(Origin::Default, |value| self.layers.origin(value));
        let key = self.key_or_variable(name, origin);
        match self.layers.file() {
            Some(file) if origin != Origin::Environment => format!("{}: {key}", file.display()),
            Some(_) | None => key,
        }
    }

    fn key_or_variable(&self, name: &str, origin: Origin) -> String {
        match origin {
            Origin::Default | Origin::File => keys::dotted(&self.path_of(name)),
            Origin::Environment => environment::variable(&self.path_of(name)),
        }
    }

    fn path_of<'n>(&'n self, name: &'n str) -> Vec<&'n str> {
        self.path.iter().copied().chain([name]).collect()
    }
}
