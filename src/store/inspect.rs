//! Checks whether a store can be opened or created in a folder, without doing it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    files::denied,
    store::{Store, StoreError},
};

/// The state of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataDirState {
    /// The folder exists.
    Exists {
        /// Its owner.
        uid: u32,
    },
    /// The folder will be created.
    Missing {
        /// The existing folder in which it will be.
        within: PathBuf,
    },
}

impl Store {
    /// Checks whether a store can be opened or created in `dir`. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Inaccessible`], as opening it would return.
    pub fn inspect(dir: &Path) -> Result<DataDirState, StoreError> {
        let refused = |error: io::Error| StoreError::inaccessible(dir, &error);
        match fs::metadata(dir) {
            Ok(existing_dir) if !existing_dir.is_dir() => Err(refused(io::ErrorKind::NotADirectory.into())),
            Ok(existing_dir) => {
                denied::check_writable(dir).map_err(refused)?;
                Ok(DataDirState::Exists { uid: existing_dir.uid() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let within = existing(dir);
                denied::check_creatable(&within).map_err(refused)?;
                Ok(DataDirState::Missing { within })
            }
            Err(error) => Err(refused(error)),
        }
    }
}

/// The nearest existing folder above.
fn existing(dir: &Path) -> PathBuf {
    let above = dir.ancestors().skip(1).find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    above.unwrap_or(Path::new(".")).to_owned()
}
