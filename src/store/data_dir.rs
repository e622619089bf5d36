//! The data directory: it belongs to one user and nobody else, whoever makes something in it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown},
    path::Path,
};

use rustix::fs::OFlags;

use crate::store::durable::sync_folder;

/// Makes a folder that nobody else may look into: it will hold what customers write. One that is there stays as it is.
///
/// # Errors
/// If that is not allowed, or there is no room.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// The same for a folder below the data directory `dir`. It belongs to whoever owns that, and its name is durable.
///
/// # Errors
/// If that is not allowed, or there is no room.
pub fn create_within(dir: &Path, folder: &Path) -> io::Result<()> {
    let is_new = !folder.try_exists()?;
    create_private_dir(folder)?;
    let made = || folder.ancestors().take_while(|made| *made != dir && made.starts_with(dir));
    made().try_for_each(|made| chown_like(dir, made))?;
    if is_new {
        made().filter_map(Path::parent).try_for_each(sync_folder)?;
    }
    Ok(())
}

/// A new file in place of any that is there. It holds what customers wrote: nobody else on the machine may read it.
///
/// # Errors
/// If that is not allowed, or there is no room.
pub fn create_private(file: &Path) -> io::Result<File> {
    // What an earlier one left may have another mode, or be a link.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(file)
}

/// Gives what was made to whoever owns the data directory `dir`: the administrator restores and imports, and the
/// service's own user has to read it.
///
/// # Errors
/// If that is not allowed: we are neither that user nor the administrator.
pub fn chown_like(dir: &Path, made: &Path) -> io::Result<()> {
    let [owner, now] = [fs::metadata(dir)?, fs::symlink_metadata(made)?];
    if owner.uid() == now.uid() {
        return Ok(());
    }
    // Not what a link leads to: the service's user, who may make links here, could have anything given to itself.
    lchown(made, Some(owner.uid()), Some(owner.gid()))
}

/// The same for everything below it, too.
pub fn chown_all_like(dir: &Path, made: &Path) -> io::Result<()> {
    chown_like(dir, made)?;
    if fs::symlink_metadata(made)?.is_dir() {
        for entry in fs::read_dir(made)? {
            chown_all_like(dir, &entry?.path())?;
        }
    }
    Ok(())
}

/// Gives the store in the data directory `dir` to whoever owns that, after somebody else has opened it.
pub fn give_back(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("store") {
            chown_all_like(dir, &entry.path())?;
        }
    }
    Ok(())
}

/// Takes from others what they may do with a folder: an older version or a shell has allowed it. It never allows more.
/// One that is not there, is a link or belongs to somebody else stays as it is.
pub(super) fn tighten(folder: &Path) {
    // Opened first: the service's user could put a link in its place before the administrator changes it.
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let Ok(opened) = fs::OpenOptions::new().read(true).custom_flags(flags).open(folder) else { return };
    let Ok(mode) = opened.metadata().map(|there| there.mode() & 0o7777) else { return };
    // Whoever may not change it does not own it.
    if mode & 0o077 != 0 && opened.set_permissions(fs::Permissions::from_mode(mode & !0o077)).is_ok() {
        tracing::warn!(
            folder = %folder.display(),
            mode = format!("{mode:o}"),
            "others could look into a folder with what customers write, so it was closed to them; \
             back it up as the service's user or as root"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_closed_to_others_and_never_opened_to_anybody() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("store");
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        tighten(&folder);
        create_private_dir(&folder).unwrap();
        for (before, after) in [(0o755, 0o700), (0o770, 0o700), (0o555, 0o500), (0o500, 0o500), (0o700, 0o700)] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(before)).unwrap();
            tighten(&folder);
            assert_eq!(mode(&folder), after, "{before:o}");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&folder, home.path().join("link")).unwrap();
        tighten(&home.path().join("link"));
        assert_eq!(mode(&folder), 0o755, "what a link leads to stays as it is");
    }

    #[test]
    fn what_is_made_in_it_belongs_to_its_owner_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        create_private_dir(&dir).unwrap();
        let me = fs::metadata(&dir).unwrap().uid();
        // Only the administrator can give something away; for anybody else the owner is always the same.
        let owner = if me == 0 { 4242 } else { me };
        lchown(&dir, Some(owner), None).unwrap();
        let folder = dir.join("imports/1-2");
        create_within(&dir, &folder).unwrap();
        fs::write(folder.join("file"), "x").unwrap();
        std::os::unix::fs::symlink(home.path(), folder.join("link")).unwrap();
        chown_all_like(&dir, &dir.join("imports")).unwrap();
        for made in [folder.clone(), dir.join("imports"), folder.join("file"), folder.join("link")] {
            let there = fs::symlink_metadata(&made).unwrap();
            assert_eq!(there.uid(), owner, "{}", made.display());
            assert!(!there.is_dir() || there.mode() & 0o777 == 0o700, "{}", made.display());
        }
        assert_eq!(fs::metadata(home.path()).unwrap().uid(), me, "what a link leads to stays as it is");
    }
}
