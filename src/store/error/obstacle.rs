//! What keeps us from a folder that is not damaged, and what a person can do about it.

use std::{io, path::Path};

use crate::{
    files::denied::{self, AccessMode},
    store::error::Remedy,
};

/// Why `error` came of opening something in `dir`, and what to do.
pub(super) fn of(dir: &Path, error: &io::Error) -> (String, String) {
    known(dir, error).unwrap_or_else(|| {
        let remedy = Remedy::of(dir);
        let advice = format!("Check the disk, and start again. If the store still cannot be read, {remedy}");
        (error.to_string(), advice)
    })
}

/// The same where the store itself is whole for certain.
fn known(dir: &Path, error: &io::Error) -> Option<(String, String)> {
    use io::ErrorKind as Kind;
    let said = error.to_string();
    let (why, advice) = match error.kind() {
        Kind::PermissionDenied => {
            (denied::why(dir, error, AccessMode::Write), capital(&denied::remedy(dir, AccessMode::Write)))
        }
        Kind::StorageFull | Kind::QuotaExceeded => (said, "Free some space there".to_owned()),
        Kind::ReadOnlyFilesystem => (said, "Make that file system writable".to_owned()),
        Kind::NotADirectory | Kind::AlreadyExists => (a_file_in_the_way(dir).unwrap_or(said), NAME_ONE.to_owned()),
        Kind::NotFound => (nowhere(dir, said), NAME_ONE.to_owned()),
        // More kinds come with the library; none of them tells more than the system's own words.
        _ => return None,
    };
    Some((why, format!("It is not damaged. {advice}")))
}

/// What to do where no folder can be.
const NAME_ONE: &str = "Name a folder in data_dir that can be made and written to";

/// The file on the way where a folder should be.
fn a_file_in_the_way(dir: &Path) -> Option<String> {
    let file = dir.ancestors().find(|path| path.is_file())?;
    Some(format!("{} is a file, not a folder", file.display()))
}

/// What lacks the folder, where the way to it ends.
fn nowhere(dir: &Path, said: String) -> String {
    match dir.ancestors().find(|path| path.is_dir()) {
        Some(last) if last != dir => format!("{said}: nothing can be made in {}", last.display()),
        Some(_) | None => said,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
