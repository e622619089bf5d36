//! The data directory: everything in it belongs to one user, whoever creates it, and nobody else may read it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown},
    path::Path,
};

use rustix::fs::OFlags;

use crate::store::durable::sync_folder;

/// Creates a folder that nobody else may read: it will hold customers' messages. An existing folder stays as it is.
///
/// # Errors
/// If the system does not allow it, or the disk is full.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Creates a private folder below the data directory `dir`. It belongs to the owner of `dir`, and its name is durable.
///
/// # Errors
/// If the system does not allow it, or the disk is full.
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

/// Creates a file in place of an existing one. It will hold customers' messages, so nobody else on the machine may read
/// it.
///
/// # Errors
/// If the system does not allow it, or the disk is full.
pub fn create_private(file: &Path) -> io::Result<File> {
    // An existing file may have another mode, or be a link.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::options().write(true).create_new(true).mode(0o600).open(file)
}

/// Gives a new file or folder to the owner of the data directory `dir`: the administrator restores and imports, and the
/// service's user has to read the result.
///
/// # Errors
/// If the system does not allow it: we are neither that user nor the administrator.
pub fn chown_like(dir: &Path, made: &Path) -> io::Result<()> {
    let [owner, now] = [fs::metadata(dir)?, fs::symlink_metadata(made)?];
    if owner.uid() == now.uid() {
        return Ok(());
    }
    // Not the target of a link: the service's user may create links here, and could get any file given to itself.
    lchown(made, Some(owner.uid()), Some(owner.gid()))
}

/// The same for a folder and everything below it.
pub fn chown_all_like(dir: &Path, made: &Path) -> io::Result<()> {
    chown_like(dir, made)?;
    if fs::symlink_metadata(made)?.is_dir() {
        for entry in fs::read_dir(made)? {
            chown_all_like(dir, &entry?.path())?;
        }
    }
    Ok(())
}

/// Gives the store in the data directory `dir` to the owner of `dir`, after another user has opened it.
pub fn give_back(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("store") {
            chown_all_like(dir, &entry.path())?;
        }
    }
    Ok(())
}

/// Removes the permissions of other users for a folder, which an older version or a shell has granted. It grants none.
/// A folder that is missing, is a link or belongs to another user stays as it is.
pub(super) fn tighten(folder: &Path) {
    // Opened first: the service's user could replace it by a link before the administrator changes it.
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let Ok(opened) = fs::OpenOptions::new().read(true).custom_flags(flags).open(folder) else { return };
    let Ok(mode) = opened.metadata().map(|there| there.mode() & 0o7777) else { return };
    // Only its owner and root may change the mode.
    if mode & 0o077 != 0 && opened.set_permissions(fs::Permissions::from_mode(mode & !0o077)).is_ok() {
        tracing::warn!(
            folder = %folder.display(),
            mode = format!("{mode:o}"),
            "other users could read a folder with customers' messages, so their permissions were removed; \
             back it up as the service's user or as root"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_users_lose_permissions_and_nobody_gets_any() {
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
    fn new_files_belong_to_the_owner_and_are_private() {
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
