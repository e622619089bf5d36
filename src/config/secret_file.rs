//! Files that hold one secret each.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::files::{
    denied::{self, AccessMode},
    readers, text,
};

/// The largest secret file, in bytes.
const LIMIT_BYTES: u64 = 4096;

/// The folders in which secret files are looked up.
pub(super) struct Folders<'a> {
    /// The folder of the configuration file.
    pub(super) config: &'a Path,
    /// The folder of the service's credentials. Only the service can read its files, whatever their permissions.
    pub(super) credentials: Option<&'a Path>,
}

impl Folders<'_> {
    /// The file for `name`: the credential of that name if there is one, else a path relative to the configuration
    /// file.
    pub(super) fn resolve(&self, name: &Path) -> PathBuf {
        let credential = self.credentials.map(|folder| folder.join(name)).filter(|path| path.exists());
        credential.unwrap_or_else(|| self.config.join(name))
    }

    /// The text of the file at `path`, without a byte order mark and trailing newlines; and a warning, if others can
    /// read it.
    ///
    /// # Errors
    /// A sentence with the path and the remedy, and nothing of the content.
    pub(super) fn read(&self, path: &Path) -> Result<(String, Option<String>), String> {
        let shown = path.display();
        // Before opening it: opening a pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if !metadata.is_file() {
            return Err(format!("{shown} is not a file: name a file that holds the secret"));
        }
        if metadata.len() > LIMIT_BYTES {
            return Err(format!("{shown} is larger than 4 KiB: write the secret into it, and nothing else"));
        }
        let text = text::read(path).map_err(|error| unreadable(path, &error))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{shown} is empty: write the secret into it")),
            secret => Ok((secret.to_owned(), self.warning(path))),
        }
    }

    /// A warning, if others can read the file at `path`.
    pub(super) fn warning(&self, path: &Path) -> Option<String> {
        if self.credentials.is_some_and(|folder| path.starts_with(folder)) {
            return None;
        }
        let others = readers::others(path).ok()??;
        Some(format!("{} can be read by {}: {}", path.display(), others.named(), readers::remedy(path)))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => denied::remedy(path, AccessMode::Read),
        io::ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
        // For all other kinds only another file helps.
        _ => "name a file that holds the secret".to_owned(),
    };
    format!("{} cannot be read ({}): {remedy}", path.display(), denied::why(path, error, AccessMode::Read))
}
