//! Finds the configuration file, and reads it into texts by key.
//!
//! The file is read here rather than by figment's own TOML provider, which takes a missing file for an empty one and
//! puts whole lines of it into its errors.

use std::{
    io,
    path::{Path, PathBuf},
};

use figment::value::{Dict, Value};

use crate::{
    config::{
        environment::Environment,
        error::{ConfigError, Problems},
        keys::{self, KEYS},
        shape, syntax,
    },
    files::{
        denied::{self, AccessMode},
        readers, text,
    },
};

/// The file to read: `path` if given, else the first of `places` that exists. `None` if there are only variables.
///
/// # Errors
/// [`ConfigError`] if there is no file and no variable either.
pub(super) fn find(
    path: Option<&Path>,
    places: &[&Path],
    environment: &Environment,
) -> Result<Option<PathBuf>, ConfigError> {
    // A place that cannot be inspected counts as found: reading it then fails with the reason.
    let found = path.or_else(|| places.iter().copied().find(|place| place.try_exists().unwrap_or(true)));
    if found.is_none() && !environment.has_settings() {
        let missing = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(" and no ");
        return Err(ConfigError::from(format!(
            "no configuration: there is no {missing}: copy config.toml.example to one of these places and fill it in"
        )));
    }
    Ok(found.map(Path::to_owned))
}

/// Reads the file at `path`. Wrong keys are reported to `problems`.
///
/// # Errors
/// [`ConfigError`] if it cannot be read, or is not TOML.
pub(super) fn read(path: &Path, problems: &Problems) -> Result<Dict, ConfigError> {
    let text = text::read(path).map_err(|error| unreadable(path, &error))?;
    let table = toml::from_str(&text).map_err(|error| ConfigError::from(syntax::problem(path, &text, &error)))?;
    Ok(shape::texts(table, path, problems))
}

/// A warning, if others can read secrets in the file at `path`, which has these texts.
pub(super) fn exposed_secrets(path: &Path, texts: &Dict) -> Option<String> {
    let others = readers::others(path).ok()??;
    let has_secrets = KEYS.iter().filter(|key| key.secret).any(|key| is_written(texts, key.section, key.name));
    has_secrets.then(|| {
        format!(
            "{file} holds secrets, and {} can read it: {}. Or put each secret into a file of its own \
             (channel_secret_file, token_file, access_token_file)",
            others.named(),
            readers::remedy(path),
            file = path.display(),
        )
    })
}

fn is_written(texts: &Dict, section: &str, name: &str) -> bool {
    let Some(section_texts) = texts.get(section).and_then(Value::as_dict) else { return false };
    let mut tables = section_texts.values().filter_map(Value::as_dict);
    if keys::has_tables(section) { tables.any(|it| it.contains_key(name)) } else { section_texts.contains_key(name) }
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "copy config.toml.example there and fill it in".to_owned(),
        io::ErrorKind::PermissionDenied => denied::remedy(path, AccessMode::Read),
        io::ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
        _ => "name a file that can be read".to_owned(),
    };
    let why = denied::why(path, error, AccessMode::Read);
    ConfigError::from(format!("{}: cannot be read ({why}): {remedy}", path.display()))
}
