//! Files that hold one secret each.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The largest file that is taken for a secret, in bytes.
const LIMIT_BYTES: u64 = 4096;

/// The permissions that a secret's file must not give: any to its group, any to others.
pub(super) const FOREIGN: u32 = 0o077;

/// Where the names of secret files lead.
pub(super) struct Folders<'a> {
    /// The folder of the configuration file.
    pub(super) config: &'a Path,
    /// The folder of the service's credentials. Its files are the service's alone, whatever their permissions say.
    pub(super) credentials: Option<&'a Path>,
}

impl Folders<'_> {
    /// The file that `name` means: the credential of that name if there is one, else as seen from the config file.
    pub(super) fn resolve(&self, name: &Path) -> PathBuf {
        let credential = self.credentials.map(|folder| folder.join(name)).filter(|path| path.exists());
        credential.unwrap_or_else(|| self.config.join(name))
    }

    /// The text of the file at `path`, without newlines at its end.
    ///
    /// # Errors
    /// A sentence that names the path and the remedy, and shows nothing of the content.
    pub(super) fn read(&self, path: &Path) -> Result<String, String> {
        let shown = path.display();
        let unreadable =
            |error: io::Error| format!("{shown} cannot be read ({error}): name a file that holds the secret");
        // Before it is opened: opening a pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(format!("{shown} is not a file: name a file that holds the secret"));
        }
        let is_credential = self.credentials.is_some_and(|folder| path.starts_with(folder));
        if metadata.permissions().mode() & FOREIGN != 0 && !is_credential {
            return Err(format!("{shown} can be read by other users: run chmod 600 {shown}"));
        }
        if metadata.len() > LIMIT_BYTES {
            return Err(format!("{shown} is larger than 4 KiB: write the secret into it, and nothing else"));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("{shown} is empty: write the secret into it")),
            secret => Ok(secret.to_owned()),
        }
    }
}
