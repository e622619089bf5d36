//! Where the export is, and its files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{
    cli::import::{
        free_space::FreeSpace,
        walk::{PartVisitor, walk},
    },
    files::denied,
    store::{data_dir, durable},
};

/// The file that has everything in it.
const MAIN: &str = "result.json";
/// What the same is called in an export that only people can read.
const FOR_PEOPLE: [&str; 2] = ["messages.html", "export_results.html"];

/// An export that Telegram Desktop has made.
#[derive(Clone, Debug)]
pub(super) struct Export {
    main: PathBuf,
    folder: PathBuf,
    /// The largest file that is imported.
    most_bytes: u64,
}

/// A file that a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ExportFile {
    There {
        path: PathBuf,
        size_bytes: u64,
    },
    /// It was not exported, or has been taken away since.
    Missing,
    /// It is larger than what is to be imported.
    TooLarge(u64),
}

impl Export {
    /// The export at `path`: its folder, or the file in it.
    ///
    /// # Errors
    /// If there is none, or one that only people can read.
    pub(super) fn find(path: &Path, most_bytes: u64) -> anyhow::Result<Self> {
        let shown = path.display();
        let there = fs::metadata(path).map_err(|error| anyhow::anyhow!(denied::unread(path, &error)))?;
        let folder = if there.is_dir() { path } else { path.parent().unwrap_or(path) };
        let is_page = path.extension().is_some_and(|ending| ending == "html");
        let main = if there.is_dir() { path.join(MAIN) } else { path.to_owned() };
        if is_page || !main.exists() && FOR_PEOPLE.iter().any(|name| folder.join(name).exists()) {
            bail!(
                "{shown} is an export in HTML, for people to read: export again, and choose the format \
                 \"Machine-readable JSON\""
            );
        }
        if !main.exists() {
            bail!("{shown} has no {MAIN}: name the folder that Telegram Desktop has made, or the {MAIN} in it");
        }
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let folder = folder.canonicalize().with_context(|| format!("{shown} cannot be read"))?;
        Ok(Self { main, folder, most_bytes })
    }

    /// Goes through it.
    ///
    /// # Errors
    /// If it cannot be read to its end.
    pub(super) fn walk(&self, visit: &mut PartVisitor<'_>) -> anyhow::Result<()> {
        let file = File::open(&self.main).map_err(|error| anyhow::anyhow!(denied::unread(&self.main, &error)))?;
        walk(file, visit).map_err(|error| {
            let shown = self.main.display();
            if error.is_eof() {
                return anyhow::anyhow!("{shown} ends in the middle: was the export finished? Export again");
            }
            anyhow::anyhow!("{shown} is no export of Telegram Desktop, or was changed since: {error}")
        })
    }

    /// The file that a message names by its path below the export's folder. A path that leads elsewhere is none.
    pub(super) fn file(&self, relative: &str) -> ExportFile {
        let relative = Path::new(relative);
        let is_below = relative.components().all(|part| matches!(part, Component::Normal(_)));
        // What follows links is compared, so that none of them leads outside.
        let path = self.folder.join(relative).canonicalize().ok().filter(|path| path.starts_with(&self.folder));
        let Some(path) = path.filter(|_| is_below && !relative.as_os_str().is_empty()) else {
            return ExportFile::Missing;
        };
        match fs::metadata(&path) {
            Ok(there) if there.is_file() && there.len() > self.most_bytes => ExportFile::TooLarge(there.len()),
            Ok(there) if there.is_file() && there.len() > 0 => ExportFile::There { path, size_bytes: there.len() },
            Ok(_) | Err(_) => ExportFile::Missing,
        }
    }
}

/// How much is copied between two looks at the disk.
const STEP_BYTES: u64 = 1024 * 1024;

/// Copies a file to below `data_dir`, so that it is there as a whole or not at all, and for whoever owns that. The
/// reserve of the disk stays free.
///
/// # Errors
/// If there is no room, or no right to write.
pub(super) fn copy(from: &Path, to: &Path, data_dir: &Path, room: &FreeSpace) -> io::Result<()> {
    let size_bytes = fs::metadata(from)?.len();
    let is_there = || fs::metadata(to).is_ok_and(|old| old.len() == size_bytes);
    if is_there() {
        return Ok(());
    }
    room.watch(size_bytes)?;
    let folder = to.parent().unwrap_or(data_dir);
    data_dir::create_within(data_dir, folder)?;
    // Two imports at once may want the same file.
    let one_at_a_time = File::open(folder)?;
    one_at_a_time.lock()?;
    if is_there() {
        return Ok(());
    }
    let mut part = to.to_owned();
    part.as_mut_os_string().push(".part");
    let copied = copy_to_part(from, &part, room).and_then(|()| {
        data_dir::chown_like(data_dir, &part)?;
        fs::rename(&part, to)?;
        durable::sync_folder(folder)
    });
    copied.inspect_err(|_| {
        // On a full disk every byte counts; if it cannot be removed, the next try writes it anew.
        let _ = fs::remove_file(&part);
    })
}

/// Another process may fill the disk meanwhile, so it is looked at again and again.
fn copy_to_part(from: &Path, part: &Path, room: &FreeSpace) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Never what a link leads to: the service's user could have anything overwritten.
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    let mut from = File::open(from)?;
    while io::copy(&mut from.by_ref().take(STEP_BYTES), &mut to)? == STEP_BYTES {
        room.watch(STEP_BYTES)?;
    }
    to.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn files_are_found_below_the_folder_and_nowhere_else() {
        let outer = TempDir::new().unwrap();
        fs::write(outer.path().join("secret"), "x").unwrap();
        let folder = outer.path().join("export");
        fs::create_dir_all(folder.join("photos")).unwrap();
        fs::write(folder.join("photos/a.jpg"), "12345").unwrap();
        fs::write(folder.join("photos/empty.jpg"), "").unwrap();
        fs::write(folder.join("large"), "1234567890").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        fs::write(folder.join(MAIN), "{}").unwrap();
        let export = Export::find(&folder, 9).unwrap();
        assert!(matches!(export.file("photos/a.jpg"), ExportFile::There { size_bytes: 5, .. }));
        assert_eq!(export.file("large"), ExportFile::TooLarge(10));
        let absolute = outer.path().join("secret");
        let hostile = ["../secret", "photos/../../secret", "link", "", "photos", absolute.to_str().unwrap()];
        for path in [&hostile[..], &["photos/none.jpg", "photos/empty.jpg", "(File not included.)"]].concat() {
            assert_eq!(export.file(path), ExportFile::Missing, "{path}");
        }
    }

    #[test]
    fn what_is_no_export_says_what_to_do() {
        let folder = TempDir::new().unwrap();
        let says = |path: &Path, what: &str| {
            let error = format!("{:#}", Export::find(path, 9).unwrap_err());
            assert!(error.contains(what), "{error}");
        };
        says(&folder.path().join("nowhere"), "cannot be read");
        says(folder.path(), "has no result.json");
        fs::write(folder.path().join("messages.html"), "<html>").unwrap();
        says(folder.path(), "Machine-readable JSON");
        says(&folder.path().join("messages.html"), "Machine-readable JSON");
    }

    #[test]
    fn a_copy_is_whole_or_not_there_and_leaves_the_reserve_alone() {
        static FREE_BYTES: AtomicU64 = AtomicU64::new(0);
        let home = TempDir::new().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("imports/7/1.jpg"));
        fs::write(&from, vec![7; 5 << 20]).unwrap();
        let there = || fs::read_dir(to.parent().unwrap()).map_or(0, Iterator::count);
        // Somebody else fills the disk: each look finds a megabyte less.
        let room =
            FreeSpace::with_probe(home.path(), 10 << 20, |_| Ok(FREE_BYTES.fetch_sub(1 << 20, Ordering::Relaxed)));
        FREE_BYTES.store(14 << 20, Ordering::Relaxed);
        copy(&from, &to, home.path(), &room).unwrap_err();
        assert_eq!(there(), 0, "it is too large from the beginning");
        FREE_BYTES.store(15 << 20, Ordering::Relaxed);
        let error = copy(&from, &to, home.path(), &room).unwrap_err();
        assert!(error.to_string().contains("10 MB stay free"), "{error}");
        assert!(to.parent().unwrap().exists() && there() == 0, "it was begun, and nothing of it is left");
        FREE_BYTES.store(u64::MAX / 2, Ordering::Relaxed);
        fs::write(to.with_extension("jpg.part"), "left by a crash").unwrap();
        copy(&from, &to, home.path(), &room).unwrap();
        assert_eq!((fs::read(&to).unwrap(), there()), (vec![7; 5 << 20], 1));
    }
}
