//! Whether a store can be opened or made in a folder, without doing it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    files::denied,
    store::{Store, StoreError},
};

/// What there is for a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataDirState {
    /// The folder is there, and belongs to the user of this number.
    There {
        /// Whose it is.
        uid: u32,
    },
    /// It will be made in this folder.
    ToBeMade {
        /// The folder that is there already.
        within: PathBuf,
    },
}

impl Store {
    /// Looks whether a store can be opened or made in `dir`. Nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::Inaccessible`], as opening it would end.
    pub fn inspect(dir: &Path) -> Result<DataDirState, StoreError> {
        let refused = |error: io::Error| StoreError::inaccessible(dir, &error);
        match fs::metadata(dir) {
            Ok(there) if !there.is_dir() => Err(refused(io::ErrorKind::NotADirectory.into())),
            Ok(there) => {
                denied::check_writable(dir).map_err(refused)?;
                Ok(DataDirState::There { uid: there.uid() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let within = existing(dir);
                denied::check_creatable(&within).map_err(refused)?;
                Ok(DataDirState::ToBeMade { within })
            }
            Err(error) => Err(refused(error)),
        }
    }
}

/// The nearest folder above that is there.
fn existing(dir: &Path) -> PathBuf {
    let above = dir.ancestors().skip(1).find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    above.unwrap_or(Path::new(".")).to_owned()
}
