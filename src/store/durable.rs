//! Syncs sled's files to the disk.
//!
//! sled writes its log without waiting for the disk, and never syncs its other files nor their folders. A power cut
//! loses whatever was not synced: the bytes of a file, or its name.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::io::Errno;

/// The folder for pages that are too large for sled's log. Only a store from an older version has some.
const BLOBS: &str = "blobs";

/// The files of a database, and which of them have been synced.
#[derive(Debug)]
pub(super) struct Durable {
    log: File,
    folders: [Folder; 2],
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    synced: BTreeSet<OsString>,
}

impl Durable {
    /// Syncs everything in the database's folder `path`.
    ///
    /// # Errors
    /// If that cannot be read, or the disk fails.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let folder = |path: PathBuf| Folder { path, synced: BTreeSet::new() };
        let folders = [folder(path.join(BLOBS)), folder(path.to_owned())];
        let mut durable = Self { log: File::open(path.join("db"))?, folders };
        durable.sync()?;
        Ok(durable)
    }

    /// Syncs what was flushed: first new files, then their names, and last the log, which refers to them.
    ///
    /// # Errors
    /// If the disk fails; then nothing that was flushed since the last sync may be acknowledged.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let started_at = Instant::now();
        loop {
            match self.folders.iter_mut().try_for_each(Folder::sync) {
                // The listeners close connections then, so it is over in a moment.
                Err(error) if is_out_of_files(&error) && started_at.elapsed() < OPEN_TIMEOUT => {
                    thread::sleep(RETRY_AFTER);
                }
                synced => break synced?,
            }
        }
        self.log.sync_data()
    }
}

/// How long to wait until a file can be opened. Kommo waits 5 seconds for its response.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// Whether the process or the system has too many open files.
fn is_out_of_files(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

impl Folder {
    /// Syncs new files, by their names rather than by a later time, which is as coarse as the system's clock.
    fn sync(&mut self) -> io::Result<()> {
        let names = names(&self.path)?;
        let mut is_new = false;
        for name in names.difference(&self.synced) {
            is_new = true;
            match File::open(self.path.join(name)) {
                Ok(file) => file.sync_all()?,
                // sled has removed it again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if is_new {
            sync_folder(&self.path)?;
        }
        self.synced = names;
        Ok(())
    }
}

/// The names in a folder; none if there is no such folder.
fn names(path: &Path) -> io::Result<BTreeSet<OsString>> {
    match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name())).collect(),
    }
}

/// Syncs the names in a folder.
///
/// # Errors
/// If it cannot be read, or the disk fails.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Syncs the names of the folder `dir` and of those above it, whoever created them.
///
/// # Errors
/// If `dir` cannot be read, or the disk fails.
pub(super) fn sync_ancestors(dir: &Path) -> io::Result<()> {
    let dir = fs::canonicalize(dir)?;
    sync_folder(&dir)?;
    for above in dir.ancestors().skip(1) {
        match sync_folder(above) {
            // We cannot have created anything in a folder that we may not read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            synced => synced?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_synced_and_removed_ones_are_no_error() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("db"), "").unwrap();
        let mut durable = Durable::new(home.path()).unwrap();
        fs::create_dir(home.path().join(BLOBS)).unwrap();
        fs::write(home.path().join(BLOBS).join("1"), "x").unwrap();
        durable.sync().unwrap();
        let synced = |durable: &Durable| durable.folders.iter().map(|it| it.synced.len()).collect::<Vec<_>>();
        assert_eq!(synced(&durable), [1, 2]);
        fs::remove_file(home.path().join(BLOBS).join("1")).unwrap();
        durable.sync().unwrap();
        assert_eq!(synced(&durable), [0, 2]);
        sync_ancestors(home.path()).unwrap();
    }
}
