//! The folder of the dumps.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of the dumps in the data directory `data_dir`.
#[must_use]
pub fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("dumps")
}

/// The file name of the dump with a number.
#[must_use]
pub fn name(number: u64) -> String {
    format!("store-{number:08}.jsonl")
}

/// The dumps in a folder by their numbers, oldest first; none if there is no such folder. Files with other names are
/// ignored.
pub fn all(dumps: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    numbered(dumps, "store-")
}

/// The file name of the dump with a number that is written before another version opens the store.
pub(super) fn name_before_upgrade(number: u64) -> String {
    format!("before-upgrade-{number:08}.jsonl")
}

/// The dumps that were written before another version opened the store.
pub fn before_upgrades(dumps: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    numbered(dumps, "before-upgrade-")
}

fn numbered(dumps: &Path, begin: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix(begin)?.strip_suffix(".jsonl")?.parse().ok();
    let mut all = Vec::new();
    let entries = match fs::read_dir(dumps) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        all.extend(number(&path).map(|number| (number, path)));
    }
    all.sort();
    Ok(all)
}
