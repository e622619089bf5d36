//! The folders that a restore leaves behind.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::store::open::remove_folder;

/// How many former stores are kept, the newest ones. Each can be as large as the store itself.
pub(super) const KEPT: usize = 3;

const FORMER: &str = "store.before-restore-";
const UNFINISHED: &str = "store.restoring-";

/// The folder in which a store is written anew. Whoever writes has locked the data directory `dir`.
pub(super) fn unfinished(dir: &Path) -> PathBuf {
    dir.join(format!("{UNFINISHED}1"))
}

/// Removes what restores that were cut short have left.
///
/// # Errors
/// If that is not allowed.
pub(super) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    numbered(dir, UNFINISHED)?.iter().try_for_each(|(_, path)| remove_folder(path))
}

/// Where the store that is there now goes: behind all that went there before.
pub(super) fn next(dir: &Path) -> io::Result<PathBuf> {
    let number = numbered(dir, FORMER)?.last().map_or(1, |(last, _)| last + 1);
    Ok(dir.join(format!("{FORMER}{number}")))
}

/// Removes the oldest former stores, if there are too many, and returns those that are left, newest first, and those
/// that went. One that cannot be removed is left.
pub(super) fn prune(dir: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let newest_first = numbered(dir, FORMER)?.into_iter().rev().map(|(_, path)| path);
    let (mut left, mut gone) = (Vec::new(), Vec::new());
    for path in newest_first {
        let is_gone = left.len() >= KEPT && remove_folder(&path).is_ok();
        if is_gone { &mut gone } else { &mut left }.push(path);
    }
    Ok((left, gone))
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
