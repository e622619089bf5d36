//! Who can read a file besides root and ourselves. The permissions of the file alone are not enough: a folder on the
//! way may be closed to others, a group may have no other member, and files mounted into a container are often readable
//! for everybody, though nobody else is in there.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    process::geteuid,
};

use crate::files::people;

/// Where containers mount secrets.
const SECRETS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];
/// The store of Nix: a read-only mount that every user can read.
const NIX: &str = "/nix/store";

/// Others who can read a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherReaders {
    /// Every user of the machine.
    Everybody,
    /// The members of a group.
    Group(String),
}

impl OtherReaders {
    /// The subject of a sentence about who can read something.
    #[must_use]
    pub fn named(&self) -> String {
        match self {
            Self::Everybody => "other users of this machine".to_owned(),
            Self::Group(group) => format!("the group {group}"),
        }
    }
}

/// The permissions of a file or of a folder on the way to it.
#[derive(Clone, Copy, Debug)]
struct PathEntry {
    to_others: bool,
    to_group: bool,
    gid: u32,
}

/// Who besides root and ourselves can read a file and enter the folders above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Nobody,
    Everybody,
    Group(u32),
}

/// Who else can read or change the file at `path`; `None` if nobody can, or its mount protects it.
pub fn others(path: &Path) -> io::Result<Option<OtherReaders>> {
    // The target of a link counts: Kubernetes mounts links.
    let path = path.canonicalize()?;
    if is_mounted(&path) {
        return Ok(None);
    }
    let file = fs::metadata(&path)?;
    let mut entries = vec![entry(&file, 0o006, 0o060)];
    for folder in path.ancestors().skip(1) {
        entries.push(entry(&fs::metadata(folder)?, 0o001, 0o010));
    }
    let me = geteuid().as_raw();
    Ok(match audience(&entries, |gid| people::is_shared(gid, me)) {
        Audience::Nobody => None,
        Audience::Everybody => Some(OtherReaders::Everybody),
        Audience::Group(gid) => Some(OtherReaders::Group(people::group(gid))),
    })
}

/// The advice about a file that others can read.
#[must_use]
pub fn remedy(path: &Path) -> String {
    let (shown, me) = (path.display(), geteuid().as_raw());
    match fs::metadata(path).map(|file| file.uid()) {
        Ok(owner) if owner != me => format!(
            "it belongs to {}: give it to the user that telekommo runs as, and run chmod 600 {shown}",
            people::user(owner)
        ),
        Ok(_) | Err(_) => format!("run chmod 600 {shown}"),
    }
}

fn entry(metadata: &fs::Metadata, others: u32, group: u32) -> PathEntry {
    let mode = metadata.mode();
    PathEntry { to_others: mode & others != 0, to_group: mode & group != 0, gid: metadata.gid() }
}

/// Who else passes all entries: users in every group that an entry is limited to.
fn audience(entries: &[PathEntry], is_shared: impl Fn(u32) -> bool) -> Audience {
    let restricted: Vec<_> = entries.iter().filter(|entry| !entry.to_others).collect();
    if restricted.iter().any(|entry| !entry.to_group || !is_shared(entry.gid)) {
        return Audience::Nobody;
    }
    restricted.first().map_or(Audience::Everybody, |entry| Audience::Group(entry.gid))
}

/// Whether a file was mounted for us: it is where containers mount secrets, or on a read-only mount. Nobody can change
/// permissions on such a mount.
fn is_mounted(path: &Path) -> bool {
    if path.starts_with(NIX) {
        return false;
    }
    // A sandbox such as systemd's makes the root file system read-only, but others can still read it.
    let device = |path: &Path| fs::metadata(path).map(|file| file.dev()).ok();
    let is_read_only = || {
        statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
            && device(path) != device(Path::new("/"))
    };
    SECRETS.map(PathBuf::from).iter().any(|folder| path.starts_with(real(folder))) || is_read_only()
}

/// The target of a link: `/var/run` is one.
fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const fn open(gid: u32) -> PathEntry {
        PathEntry { to_others: true, to_group: true, gid }
    }

    const fn to_group(gid: u32) -> PathEntry {
        PathEntry { to_others: false, to_group: true, gid }
    }

    const fn closed(gid: u32) -> PathEntry {
        PathEntry { to_others: false, to_group: false, gid }
    }

    #[test]
    fn readers_are_those_who_pass_every_entry() {
        let shared = |gid| gid == 50 || gid == 60;
        for (entries, want, why) in [
            (&[open(0), open(0)][..], Audience::Everybody, "0644 in an open folder"),
            (&[closed(0), open(0)], Audience::Nobody, "0600"),
            (&[open(0), closed(0), open(0)], Audience::Nobody, "0644 below a closed folder"),
            (&[to_group(998), open(0)], Audience::Nobody, "0640 with a group of one's own"),
            (&[to_group(50), open(0)], Audience::Group(50), "0640 with a group that has others"),
            (&[open(0), to_group(50), open(0)], Audience::Group(50), "0644 below a folder for a group that has others"),
            (&[open(0), to_group(998), open(0)], Audience::Nobody, "0644 below a folder for a group of one's own"),
            (&[to_group(50), to_group(998)], Audience::Nobody, "for those who are in both groups"),
            (&[to_group(50), to_group(60)], Audience::Group(50), "for those who are in both groups"),
        ] {
            assert_eq!(audience(entries, shared), want, "{why}");
        }
    }

    #[test]
    fn a_file_is_judged_with_the_folders_on_the_way() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("token"), home.path().join("link"));
        fs::write(&file, "7:abc").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for (folder, mode, want) in [
            (0o755, 0o644, Some(OtherReaders::Everybody)),
            (0o755, 0o602, Some(OtherReaders::Everybody)),
            (0o711, 0o604, Some(OtherReaders::Everybody)),
            (0o755, 0o600, None),
            (0o755, 0o611, None),
            (0o700, 0o666, None),
        ] {
            chmod(home.path(), folder);
            chmod(&file, mode);
            for path in [&file, &link] {
                assert_eq!(others(path).unwrap(), want, "{folder:o} {mode:o}");
            }
        }
        assert!(others(&home.path().join("missing")).is_err());
        assert_eq!(remedy(&file), format!("run chmod 600 {}", file.display()));
    }

    #[test]
    fn what_nix_has_built_is_everybodys() {
        assert!(!is_mounted(Path::new("/nix/store/abc-token")));
        assert!(is_mounted(Path::new("/run/secrets/token")));
    }
}
