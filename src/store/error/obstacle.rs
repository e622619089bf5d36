//! Why the system denies access to a folder, and what the operator can do.

use std::{io, path::Path};

use crate::{
    files::denied::{self, AccessMode},
    store::error::Remedy,
};

/// The cause of `error`, which came from opening something in `dir`, and what to do.
pub(super) fn of(dir: &Path, error: &io::Error) -> (String, String) {
    known(dir, error).unwrap_or_else(|| {
        let remedy = Remedy::of(dir);
        let advice = format!("Check the disk, and start again. If the store still cannot be read, {remedy}");
        (error.to_string(), advice)
    })
}

/// The same for errors that certainly do not come from a damaged store.
fn known(dir: &Path, error: &io::Error) -> Option<(String, String)> {
    use io::ErrorKind as Kind;
    let text = error.to_string();
    let (why, advice) = match error.kind() {
        Kind::PermissionDenied => {
            (denied::why(dir, error, AccessMode::Write), capital(&denied::remedy(dir, AccessMode::Write)))
        }
        Kind::StorageFull | Kind::QuotaExceeded => (text, "Free some space there".to_owned()),
        Kind::ReadOnlyFilesystem => (text, "Make that file system writable".to_owned()),
        Kind::NotADirectory | Kind::AlreadyExists => (a_file_in_the_way(dir).unwrap_or(text), NAME_ONE.to_owned()),
        Kind::NotFound => (nowhere(dir, text), NAME_ONE.to_owned()),
        // Other kinds say no more than the system's message.
        _ => return None,
    };
    Some((why, format!("It is not damaged. {advice}")))
}

/// The advice if the folder cannot exist.
const NAME_ONE: &str = "Name a folder in data_dir that can be created and written to";

/// The file at a place in the path where a folder should be.
fn a_file_in_the_way(dir: &Path) -> Option<String> {
    let file = dir.ancestors().find(|path| path.is_file())?;
    Some(format!("{} is a file, not a folder", file.display()))
}

/// The system's message with the last existing folder of the path.
fn nowhere(dir: &Path, text: String) -> String {
    match dir.ancestors().find(|path| path.is_dir()) {
        Some(last) if last != dir => format!("{text}: nothing can be created in {}", last.display()),
        Some(_) | None => text,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
