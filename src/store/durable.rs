//! What sled leaves to the system is made durable here.
//!
//! sled hands its log to the system without waiting for the disk, and never syncs its other files nor the folders that
//! name them. A power cut takes whatever was not synced: the bytes of a file, or its name.

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

/// Where sled puts pages that are too large for its log. Only a store that an older version has written has some.
const BLOBS: &str = "blobs";

/// The files of a database, and which of them are on the disk as a whole.
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
    /// Makes everything durable that is in the database's folder `path` now.
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

    /// Makes durable what was flushed: first the files that are new, then their names, and last the log, which refers
    /// to them.
    ///
    /// # Errors
    /// If the disk fails; then nothing that was flushed since the last time may be acknowledged.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let began = Instant::now();
        loop {
            match self.folders.iter_mut().try_for_each(Folder::sync) {
                // Whoever listens closes connections then, so that is over in a moment.
                Err(error) if is_out_of_files(&error) && began.elapsed() < FILES_WITHIN => thread::sleep(LOOK_AGAIN),
                synced => break synced?,
            }
        }
        self.log.sync_data()
    }
}

/// How long it is waited for a file that can be opened. Kommo waits 5 seconds for its answer.
const FILES_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Whether the process or the system has no room for another open file.
fn is_out_of_files(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

impl Folder {
    /// Looks for new names rather than for a later time: that is as coarse as the system's clock.
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

/// Makes the names in a folder durable.
///
/// # Errors
/// If it cannot be read, or the disk fails.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes it durable that there is the folder `dir`, whoever made it, and those that it is in.
///
/// # Errors
/// If `dir` cannot be read, or the disk fails.
pub(super) fn sync_way_to(dir: &Path) -> io::Result<()> {
    let dir = fs::canonicalize(dir)?;
    sync_folder(&dir)?;
    for above in dir.ancestors().skip(1) {
        match sync_folder(above) {
            // Who may not even look into a folder has made nothing in it.
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
    fn what_is_new_is_noticed_and_what_is_gone_is_no_error() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("db"), "").unwrap();
        let mut durable = Durable::new(home.path()).unwrap();
        fs::create_dir(home.path().join(BLOBS)).unwrap();
        fs::write(home.path().join(BLOBS).join("1"), "x").unwrap();
        durable.sync().unwrap();
        let known = |durable: &Durable| durable.folders.iter().map(|it| it.synced.len()).collect::<Vec<_>>();
        assert_eq!(known(&durable), [1, 2]);
        fs::remove_file(home.path().join(BLOBS).join("1")).unwrap();
        durable.sync().unwrap();
        assert_eq!(known(&durable), [0, 2]);
        sync_way_to(home.path()).unwrap();
    }
}
