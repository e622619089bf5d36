//! Explains why the system denies access: which file, whose it is, and as whom we run.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    process::geteuid,
};

use crate::files::people;

/// How deep a folder to be written is searched: a data directory has folders with files.
const DEPTH: usize = 2;
/// A folder at the root of file systems, for root alone.
const NOT_OURS: &str = "lost+found";

/// The intended access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Reading a file.
    Read,
    /// Reading and writing, also of a folder's contents.
    Write,
}

/// Why `access` failed with `error`: the end of a sentence that begins with the path.
#[must_use]
pub fn why(path: &Path, error: &io::Error, access: AccessMode) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error.to_string();
    }
    let in_the_way = in_the_way(path, access);
    let Ok(metadata) = fs::symlink_metadata(&in_the_way) else { return error.to_string() };
    let (owner, me) = (people::user(metadata.uid()), people::user(geteuid().as_raw()));
    let what = if in_the_way == path { "it".to_owned() } else { in_the_way.display().to_string() };
    let mode = metadata.mode() & 0o7777;
    format!("permission denied: {what} belongs to {owner} with the mode {mode:o}, and telekommo runs as {me}")
}

/// A sentence: the file at `path` cannot be read, why, and what to do if that is known.
#[must_use]
pub fn unread(path: &Path, error: &io::Error) -> String {
    let problem = format!("{} cannot be read ({})", path.display(), why(path, error, AccessMode::Read));
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{problem}: {}", remedy(path, AccessMode::Read)),
        io::ErrorKind::InvalidData => format!("{problem}: save it as UTF-8"),
        // For other kinds the system's own message says all.
        _ => problem,
    }
}

/// The advice about a file that belongs to another user.
#[must_use]
pub fn remedy(path: &Path, access: AccessMode) -> String {
    let in_the_way = in_the_way(path, access);
    let me = geteuid().as_raw();
    match fs::symlink_metadata(&in_the_way) {
        Ok(metadata) if metadata.uid() != me => format!(
            "run telekommo with sudo or as {}, or give it to the user that it runs as (chown)",
            people::user(metadata.uid())
        ),
        Ok(_) => format!("run chmod u+rwX {}", in_the_way.display()),
        Err(_) => "run telekommo with sudo, or as the user that it belongs to".to_owned(),
    }
}

/// Checks that the folder at `path` and its contents are writable. Changes nothing.
///
/// # Errors
/// The error that a write would have.
pub fn check_writable(path: &Path) -> io::Result<()> {
    check_creatable(path)?;
    if in_the_way(path, AccessMode::Write) == path { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Checks that something can be created in the folder at `path`.
///
/// # Errors
/// The error that the creation would have.
pub fn check_creatable(path: &Path) -> io::Result<()> {
    let mode = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(CWD, path, mode, AtFlags::EACCESS)?)
}

/// The first folder on the way to `path`, or else the first entry in it, that denies access; `path` itself if none
/// does.
fn in_the_way(path: &Path, access: AccessMode) -> PathBuf {
    let mut folders: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
    folders.reverse();
    let may = |path: &Path, mode| accessat(CWD, path, mode, AtFlags::EACCESS).is_ok();
    if let Some(closed) = folders.into_iter().find(|folder| folder.is_dir() && !may(folder, Access::EXEC_OK)) {
        return closed.to_owned();
    }
    let mode = match access {
        AccessMode::Read => Access::READ_OK,
        AccessMode::Write => Access::READ_OK | Access::WRITE_OK,
    };
    if !path.exists() {
        // It does not exist, so it was to be created.
        return path.ancestors().find(|there| there.exists()).unwrap_or(path).to_owned();
    }
    let is_closed = |path: &PathBuf| !may(path, mode) || path.is_dir() && !may(path, Access::EXEC_OK);
    let own = path.to_owned();
    let contents = match access {
        AccessMode::Read => Vec::new(),
        AccessMode::Write => below(path, DEPTH),
    };
    [own.clone()].into_iter().chain(contents).find(is_closed).unwrap_or(own)
}

/// The contents of a folder, and of folders in it down to `depth`.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let Some(deeper) = depth.checked_sub(1) else { return Vec::new() };
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.retain(|path| !path.ends_with(NOT_OURS) && path.exists());
    entries.sort();
    let within: Vec<_> = entries.iter().filter(|path| path.is_dir()).flat_map(|path| below(path, deeper)).collect();
    entries.into_iter().chain(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_file_system_itself_is_left_out() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        fs::create_dir_all(place("lost+found/inside")).unwrap();
        fs::create_dir_all(place("store/blobs")).unwrap();
        fs::write(place("store/db"), "").unwrap();
        assert_eq!(below(home.path(), DEPTH), [place("store"), place("store/blobs"), place("store/db")]);
    }
}
