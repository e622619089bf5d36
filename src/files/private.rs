//! Small files that are telekommo's own, and nobody else's.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The mode of such a file, and of a folder of them.
const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;
/// What ends the name of a file that is being written.
const UNFINISHED: &str = ".new";

/// Makes a folder, unless it is there.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Puts `bytes` into a file. A crash leaves what was there before, or all of this.
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
