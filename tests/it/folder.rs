//! Folders, copied as a backup copies them.

use std::{fs, os::unix::fs::FileTypeExt, path::Path};

/// Copies a folder with all that is in it. A socket is no data: it belongs to the process that listens there.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_socket() {
            continue;
        }
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
