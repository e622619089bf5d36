//! The folders of former and unfinished stores that restores leave.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::store::open::remove_folder;

/// How many former stores are kept, the newest ones. Each can be as large as the store itself.
pub(super) const KEPT: usize = 3;

const FORMER: &str = "store.before-restore-";
const UNFINISHED: &str = "store.restoring-";

/// The folder in which the new store is written. The caller has locked the data directory `dir`.
pub(super) fn unfinished(dir: &Path) -> PathBuf {
    dir.join(format!("{UNFINISHED}1"))
}

/// Removes the folders of interrupted restores.
///
/// # Errors
/// If the system does not allow it.
pub(super) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    numbered(dir, UNFINISHED)?.iter().try_for_each(|(_, path)| remove_folder(path))
}

/// The folder for the current store, numbered after all former ones.
pub(super) fn next(dir: &Path) -> io::Result<PathBuf> {
    let number = numbered(dir, FORMER)?.last().map_or(1, |(last, _)| last + 1);
    Ok(dir.join(format!("{FORMER}{number}")))
}

/// Removes the oldest former stores, if there are too many, and returns those that are left, newest first, and those
/// that were removed. One that cannot be removed is left.
pub(super) fn prune(dir: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let newest_first = numbered(dir, FORMER)?.into_iter().rev().map(|(_, path)| path);
    let (mut left, mut removed) = (Vec::new(), Vec::new());
    for path in newest_first {
        let is_removed = left.len() >= KEPT && remove_folder(&path).is_ok();
        if is_removed { &mut removed } else { &mut left }.push(path);
    }
    Ok((left, removed))
}

/// The stores that restores have moved aside, oldest first.
pub fn all(dir: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(numbered(dir, FORMER)?.into_iter().map(|(_, path)| path).collect())
}

/// The folders whose names are `name` and a number, by their numbers.
fn numbered(dir: &Path, name: &str) -> io::Result<Vec<(u32, PathBuf)>> {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix(name)?.parse().ok();
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        all.extend(number(&path).map(|number| (number, path)));
    }
    all.sort();
    Ok(all)
}
