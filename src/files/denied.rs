//! Why the system refuses a file or a folder: what it is, whose it is, and who we are.

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

/// How deep what is to be written is looked through: a data directory has folders with files.
const DEPTH: usize = 2;
/// What a file system has at its root, for root alone.
const NOT_OURS: &str = "lost+found";

/// What somebody wants to do with a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// To read a file.
    Read,
    /// To read and write, and in a folder also what lies in it.
    Write,
}

/// Why `error` came of `wish`, and what to do: the end of a sentence that begins with the path.
#[must_use]
pub fn why(path: &Path, error: &io::Error, wish: AccessMode) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error.to_string();
    }
    let in_the_way = in_the_way(path, wish);
    let Ok(found) = fs::symlink_metadata(&in_the_way) else { return error.to_string() };
    let (owner, me) = (people::user(found.uid()), people::user(geteuid().as_raw()));
    let what = if in_the_way == path { "it".to_owned() } else { in_the_way.display().to_string() };
    let mode = found.mode() & 0o7777;
    format!("permission denied: {what} belongs to {owner} with the mode {mode:o}, and telekommo runs as {me}")
}

/// That the file at `path` cannot be read, why, and what to do where we know it.
#[must_use]
pub fn unread(path: &Path, error: &io::Error) -> String {
    let said = format!("{} cannot be read ({})", path.display(), why(path, error, AccessMode::Read));
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{said}: {}", remedy(path, AccessMode::Read)),
        io::ErrorKind::InvalidData => format!("{said}: save it as UTF-8"),
        // More kinds come with the library; for none of them we know more than the system's own words.
        _ => said,
    }
}

/// What to do about a file that belongs to another user.
#[must_use]
pub fn remedy(path: &Path, wish: AccessMode) -> String {
    let in_the_way = in_the_way(path, wish);
    let me = geteuid().as_raw();
    match fs::symlink_metadata(&in_the_way) {
        Ok(found) if found.uid() != me => format!(
            "run telekommo with sudo or as {}, or give it to the user that it runs as (chown)",
            people::user(found.uid())
        ),
        Ok(_) => format!("run chmod u+rwX {}", in_the_way.display()),
        Err(_) => "run telekommo with sudo, or as the user that it belongs to".to_owned(),
    }
}

/// Whether the system would let us write to the folder at `path` and to what lies in it. Nothing is changed.
///
/// # Errors
/// What the system would say.
pub fn attempt(path: &Path) -> io::Result<()> {
    attempt_here(path)?;
    if in_the_way(path, AccessMode::Write) == path { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether it would let us make something in the folder at `path`.
///
/// # Errors
/// What the system would say.
pub fn attempt_here(path: &Path) -> io::Result<()> {
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(CWD, path, wanted, AtFlags::EACCESS)?)
}

/// The first on the way to `path` that does not let us do what we want, or else something in it; `path` itself if all
/// do.
fn in_the_way(path: &Path, wish: AccessMode) -> PathBuf {
    let mut folders: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
    folders.reverse();
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    if let Some(closed) = folders.into_iter().find(|folder| folder.is_dir() && !may(folder, Access::EXEC_OK)) {
        return closed.to_owned();
    }
    let wanted = match wish {
        AccessMode::Read => Access::READ_OK,
        AccessMode::Write => Access::READ_OK | Access::WRITE_OK,
    };
    if !path.exists() {
        // What is not there was to be made.
        return path.ancestors().find(|there| there.exists()).unwrap_or(path).to_owned();
    }
    let is_closed = |path: &PathBuf| !may(path, wanted) || path.is_dir() && !may(path, Access::EXEC_OK);
    let own = path.to_owned();
    let looked_at = match wish {
        AccessMode::Read => Vec::new(),
        AccessMode::Write => below(path, DEPTH),
    };
    [own.clone()].into_iter().chain(looked_at).find(is_closed).unwrap_or(own)
}

/// What lies in a folder, and in those within it.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let Some(deeper) = depth.checked_sub(1) else { return Vec::new() };
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.retain(|path| !path.ends_with(NOT_OURS) && path.exists());
    entries.sort();
    let within: Vec<_> = entries.iter().filter(|path| path.is_dir()).flat_map(|path| below(path, deeper)).collect();
    entries.into_iter().chain(within).collect()
}
