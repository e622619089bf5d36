//! Errors of the store.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::store::dumps;

mod obstacle;

/// What is wrong with the store, where, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "the store {0} is in use by another telekommo: stop that one first (a service: `systemctl stop telekommo`)"
    )]
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
        "the store {dir} has lost its contents; nothing was changed or deleted. Bring back the missing files. If you \
         cannot, {remedy}"
    )]
    SilentlyEmpty {
        /// Where.
        dir: PathBuf,
        /// What to do otherwise.
        remedy: Remedy,
    },
    /// It is damaged.
    #[error("the store {dir} cannot be read ({why}); nothing was changed or deleted. To repair it, {remedy}")]
    Unreadable {
        /// Where.
        dir: PathBuf,
        /// What the database says.
        why: String,
        /// What can be done.
        remedy: Remedy,
    },
    /// The system denies access to it.
    #[error("the store in {dir} cannot be opened: {why}; nothing was changed. {advice}")]
    Inaccessible {
        /// Where.
        dir: PathBuf,
        /// What the system says.
        why: String,
        /// What to do.
        advice: String,
    },
    /// A dump could not be written, is incomplete, or is not one.
    #[error("{file} is not a whole dump: {why}")]
    BadDump {
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is too little room to compact it.
    #[error(
        "the store in {dir} was not compacted: that may need {} MiB of room on its disk, and {} MiB are free. Nothing \
         was changed. Free some space",
        .needed_bytes >> 20, .free_bytes >> 20
    )]
    NoRoom {
        /// The data directory.
        dir: PathBuf,
        /// How many bytes are needed at most.
        needed_bytes: u64,
        /// How many are free.
        free_bytes: u64,
    },
    /// It could not be compacted.
    #[error("the store in {dir} was not compacted: {why}. Nothing was changed")]
    NotCompacted {
        /// The data directory.
        dir: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// It failed while it was in use: a full or broken disk. It has to be opened again.
    #[error("the store has failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// The cause, without the words that the variant puts around it.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Failed(why) => why.clone(),
            Self::Locked(_)
            | Self::NewerSchema { .. }
            | Self::SilentlyEmpty { .. }
            | Self::Unreadable { .. }
            | Self::Inaccessible { .. }
            | Self::BadDump { .. }
            | Self::NoRoom { .. }
            | Self::NotCompacted { .. } => self.to_string(),
        }
    }
}

impl StoreError {
    /// The store `dir` has lost its contents.
    pub(super) fn silently_empty(dir: &Path) -> Self {
        Self::SilentlyEmpty { dir: dir.to_owned(), remedy: Remedy::of(dir) }
    }

    /// The store `dir` is damaged.
    pub(super) fn unreadable(dir: &Path, why: impl fmt::Display) -> Self {
        Self::Unreadable { dir: dir.to_owned(), why: why.to_string(), remedy: Remedy::of(dir) }
    }

    /// The system denies access to `dir`.
    pub(super) fn inaccessible(dir: &Path, error: &io::Error) -> Self {
        let (why, advice) = obstacle::of(dir, error);
        Self::Inaccessible { dir: dir.to_owned(), why, advice }
    }
}

/// What can be done about a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Restore a dump.
    Restore {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// Start over: there is no dump.
    StartOver {
        /// The data directory.
        data_dir: PathBuf,
    },
}

impl Remedy {
    fn of(store: &Path) -> Self {
        let data_dir = store.parent().unwrap_or(store).to_owned();
        // A folder that cannot be read may have dumps: `restore` says more.
        let has_dump = dumps::all(&dumps::dir(&data_dir)).map_or(true, |dumps| !dumps.is_empty());
        if has_dump { Self::Restore { data_dir } } else { Self::StartOver { data_dir } }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restore { data_dir } => {
                let dir = data_dir.display();
                write!(f, "stop the service and run `telekommo restore {dir}` to go back to the last dump")
            }
            Self::StartOver { data_dir } => write!(
                f,
                "bring back a copy of {dir} or of a dump (`telekommo restore {dir} DUMP`). Without one, stop the \
                 service, move `store` and `store.marker` out of {dir} and start: what waited in the store is lost, \
                 and so is what was known of earlier messages. Then look in Kommo's chats for the answers of the last \
                 hours that are not marked as delivered, and send these again; what customers wrote and Kommo does not \
                 show is still in the bots' chats",
                dir = data_dir.display()
            ),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_refusal_of_the_system_is_no_damage_and_has_its_own_advice() {
        use io::ErrorKind as Kind;
        let kinds = [
            (Kind::PermissionDenied, "Run"),
            (Kind::StorageFull, "Free some space"),
            (Kind::QuotaExceeded, "Free some space"),
            (Kind::ReadOnlyFilesystem, "writable"),
            (Kind::NotADirectory, "Name a folder"),
            (Kind::NotFound, "Name a folder"),
        ];
        for (kind, advice) in kinds {
            let message = StoreError::inaccessible(Path::new("/"), &kind.into()).to_string();
            assert!(
                message.contains(advice) && message.contains("It is not damaged") && !message.contains("restore"),
                "{message}"
            );
        }
        // A disk that cannot be read may be damaged itself.
        let message = StoreError::inaccessible(Path::new("/"), &io::Error::from_raw_os_error(5)).to_string();
        assert!(message.contains("Check the disk") && message.contains("`telekommo restore"), "{message}");
        assert!(!message.contains("not damaged"), "{message}");
    }

    #[test]
    fn a_restore_is_advised_only_where_there_is_a_dump() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("store");
        let restore = format!("run `telekommo restore {}`", home.path().display());
        let messages =
            || [StoreError::silently_empty(&store), StoreError::unreadable(&store, "why")].map(|it| it.to_string());
        for message in messages() {
            assert!(!message.contains(&restore) && message.contains("`store.marker`"), "{message}");
        }
        fs::create_dir(dumps::dir(home.path())).unwrap();
        fs::write(dumps::dir(home.path()).join("unfinished.jsonl"), "").unwrap();
        assert!(messages().iter().all(|message| !message.contains(&restore)));
        fs::write(dumps::dir(home.path()).join(dumps::name(1)), "").unwrap();
        for message in messages() {
            assert!(message.contains(&restore) && message.contains("stop the service"), "{message}");
        }
    }
}
