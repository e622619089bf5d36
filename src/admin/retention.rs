//! Removes old files beside the store, so that the data directory does not grow without end.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::Config,
    domain::time::UnixMillis,
    media::imported,
    store::{dumps, former},
};

/// How long files beside the store are kept.
#[derive(Clone, Debug)]
pub(super) struct Retention {
    data_dir: PathBuf,
    moved_aside: Duration,
    imports: Duration,
}

impl Retention {
    pub(super) fn of(config: &Config) -> Self {
        let (data_dir, retention) = (config.data_dir.clone(), &config.retention);
        Self { data_dir, moved_aside: retention.moved_aside, imports: retention.imports }
    }

    /// Removes files that are too old at `now`, and returns them. What cannot be removed is tried again next time.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(super) fn sweep(&self, now: UnixMillis) -> io::Result<Vec<PathBuf>> {
        let mut removed = Vec::new();
        for (_, dump) in dumps::before_upgrades(&dumps::dir(&self.data_dir))? {
            if is_older(&dump, now.minus(self.moved_aside))? && fs::remove_file(&dump).is_ok() {
                removed.push(dump);
            }
        }
        for store in former::all(&self.data_dir)? {
            if is_older(&store, now.minus(self.moved_aside))? && fs::remove_dir_all(&store).is_ok() {
                removed.push(store);
            }
        }
        remove_files(&imported::dir(&self.data_dir), now.minus(self.imports), &mut removed)?;
        Ok(removed)
    }
}

/// Removes files below a folder that are older than `than`, and folders that are empty then.
fn remove_files(folder: &Path, than: UnixMillis, removed: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_files(&entry.path(), than, removed)?;
            if is_older(&entry.path(), than)? {
                // A folder that is not empty stays.
                let _ = fs::remove_dir(entry.path());
            }
        } else if is_older(&entry.path(), than)? && fs::remove_file(entry.path()).is_ok() {
            removed.push(entry.path());
        }
    }
    Ok(())
}

/// Whether a file was neither changed nor renamed since an instant.
fn is_older(path: &Path, than: UnixMillis) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(metadata.mtime().max(metadata.ctime()) < than.seconds())
}

/// Removes the oldest dumps until all of them together take at most `bytes`. The newest one always stays.
pub(super) fn limit_size(dumps: &Path, bytes: u64) -> io::Result<()> {
    let mut all: Vec<_> = dumps::all(dumps)?.into_iter().map(|(_, dump)| dump).collect();
    let Some(newest) = all.pop() else { return Ok(()) };
    all.extend(dumps::before_upgrades(dumps)?.into_iter().map(|(_, dump)| dump));
    let size = |dump: &PathBuf| fs::metadata(dump).map(|metadata| metadata.len());
    let mut taken = size(&newest)?;
    for dump in &all {
        taken = taken.saturating_add(size(dump)?);
    }
    for dump in all {
        if taken <= bytes {
            break;
        }
        taken = taken.saturating_sub(size(&dump)?);
        fs::remove_file(&dump)?;
        tracing::info!(dump = %dump.display(), "removed a dump: all of them together took more than \
            retention.dumps_mb");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const DAY: Duration = Duration::from_hours(24);

    fn below(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                names.extend(below(&entry.path()));
            }
            names.push(entry.path().strip_prefix(folder).unwrap().display().to_string());
        }
        names.sort();
        names
    }

    fn put(home: &Path, name: &str, bytes: usize) {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x".repeat(bytes)).unwrap();
    }

    #[test]
    fn what_nothing_needs_goes_when_its_time_has_come_and_all_else_stays() {
        let home = tempfile::tempdir().unwrap();
        for name in [
            "store.before-restore-3/db",
            "store/db",
            "store.before-restore-notes/mine",
            "dumps/before-upgrade-00000001.jsonl",
            "dumps/store-00000001.jsonl",
            "imports/1-2/7/5.jpg",
            "imports/1-2/7/6.jpg.part",
            "letter",
        ] {
            put(home.path(), name, 1);
        }
        let data_dir = home.path().to_owned();
        let retention = Retention { data_dir, moved_aside: DAY * 30, imports: DAY * 60 };
        let after = |days: u32| retention.sweep(clock::now().plus(DAY * days)).unwrap().len();
        let all = below(home.path());
        assert_eq!((after(29), below(home.path())), (0, all));
        assert_eq!(after(31), 2);
        assert!(home.path().join("imports/1-2/7/5.jpg").exists());
        assert_eq!(after(61), 2);
        assert_eq!(
            below(home.path()),
            ["db", "dumps", "imports", "letter", "mine", "store", "store-00000001.jsonl", "store.before-restore-notes"]
        );
        assert_eq!(after(62), 0);
    }

    #[test]
    fn dumps_keep_to_their_room_and_the_newest_stays() {
        let home = tempfile::tempdir().unwrap();
        let names = ["store-00000001.jsonl", "store-00000002.jsonl", "store-00000003.jsonl"];
        for name in names.iter().copied().chain(["before-upgrade-00000001.jsonl", "letter"]) {
            put(home.path(), name, 100);
        }
        for (bytes, left) in [(400, 4), (399, 3), (250, 2), (1, 1), (0, 1)] {
            limit_size(home.path(), bytes).unwrap();
            let (all, kept) = (dumps::all(home.path()).unwrap(), dumps::before_upgrades(home.path()).unwrap());
            assert_eq!(all.len() + kept.len(), left, "{bytes}");
            assert_eq!(all.last().unwrap().0, 3);
        }
        assert!(home.path().join("letter").exists());
    }
}
