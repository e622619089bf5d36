//! Small private files of telekommo.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The modes of such a file, and of their folder.
const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;
/// The suffix of a file that is being written.
const UNFINISHED: &str = ".new";

/// Creates a folder, unless it exists.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Replaces the contents of a file atomically: a crash leaves either the old or the new ones.
///
/// # Errors
/// If the disk is full or fails.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(UNFINISHED);
    let unfinished = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    // The name is durable once the folder is.
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
