//! Why a store cannot keep promises.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What is wrong with the store, where, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the store {0} is in use by another telekommo: stop that one first")]
    Locked(PathBuf),
    /// A newer telekommo has written it.
    #[error(
        "the store {dir} has format {found}, and this telekommo knows {known} at most: install the newer version again"
    )]
    NewerSchema {
        /// Where.
        dir: PathBuf,
        /// The format of the store.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// There was a store, and what is there now is empty or has lost its snapshot.
    #[error(
        "the store {0} has lost its contents; nothing was changed or deleted. Bring back the missing files, or run `telekommo restore {data}` to go back to the last dump",
        data = data_dir(.0)
    )]
    SilentlyEmpty(PathBuf),
    /// It does not open.
    #[error(
        "the store {dir} cannot be read ({why}); nothing was changed or deleted. Run `telekommo restore {data}` to go back to the last dump",
        data = data_dir(dir)
    )]
    Unreadable {
        /// Where.
        dir: PathBuf,
        /// What the database says.
        why: String,
    },
    /// A dump could not be written, is incomplete or not one.
    #[error("{file} is not a whole dump: {why}")]
    BadDump {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It failed while it was in use: a full or broken disk. Nothing works any more until it is opened again.
    #[error("the store has failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// What is wrong, without the words that the variant puts around it.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Failed(why) => why.clone(),
            Self::Locked(_)
            | Self::NewerSchema { .. }
            | Self::SilentlyEmpty(_)
            | Self::Unreadable { .. }
            | Self::BadDump { .. } => self.to_string(),
        }
    }
}

/// The data directory of a store, as a command wants it.
fn data_dir(store: &Path) -> impl fmt::Display {
    store.parent().unwrap_or(store).display()
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
