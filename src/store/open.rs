//! Opening a store, and noticing when it is not the one that was there.
//!
//! sled opens as empty, without an error, when its snapshot is missing. So a row inside says which format it is, and a
//! marker file beside it says that there is a store with a snapshot; if the two disagree, nothing is opened. The marker is
//! written last: a crash before that leaves a store without a marker, which is harmless.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, RwLock},
    time::Duration,
};

use sled::Db;

use crate::store::{
    Inner, Settings, Store, StoreError, committer::Committer, home::create_private_dir, keys, rebuild, rows, schema,
};

/// The format of the rows. A store of a newer one is refused.
pub(super) const SCHEMA: u32 = 1;

/// The database's folder.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("store")
}

/// The file that says that there is a store.
pub(super) fn marker(dir: &Path) -> PathBuf {
    dir.join("store.marker")
}

/// Whether there is a store in the data directory `dir`, whole or not.
#[must_use]
pub fn is_in(dir: &Path) -> bool {
    marker(dir).exists()
}

impl Store {
    /// Opens the store, or makes one where there has never been one.
    ///
    /// # Errors
    /// If it is in use, was written by a newer version, has lost its contents or cannot be read. Nothing is deleted.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        create_private_dir(&settings.dir).map_err(|error| unreadable(&settings.dir, &error))?;
        let path = database(&settings.dir);
        move_unfinished_snapshots(&path, &settings.dir)?;
        if !marker(&settings.dir).exists() {
            make(&path, settings.cache_bytes)?;
            write_marker(&settings.dir)?;
        }
        if !has_snapshot(&path) {
            return Err(StoreError::SilentlyEmpty(path));
        }
        let db = open(&path, settings.cache_bytes)?;
        check_schema(&db, &path)?;
        let index = Arc::new(Mutex::new(rebuild::index(&db)?));
        let failed = Arc::new(OnceLock::new());
        let first_of_run = rebuild::next_sequence(&db)?;
        let committer = Committer::start(db.clone(), &path, Arc::clone(&index), Arc::clone(&failed))?;
        let db = RwLock::new(Some(db));
        Ok(Self(Arc::new(Inner { settings, db, committer, index, failed, first_of_run, moving_back: Arc::default() })))
    }
}

/// How often a lock is tried, and the wait in between: a database that was just closed can stay locked for a moment.
pub(super) const LOCK_TRIES: u32 = 50;
pub(super) const LOCK_WAIT: Duration = Duration::from_millis(20);

/// Opens the database in `path` as this program uses it.
pub(super) fn open(path: &Path, cache_bytes: u64) -> Result<Db, StoreError> {
    for _ in 0..LOCK_TRIES {
        match sled::Config::new().path(path).cache_capacity(cache_bytes).open() {
            Ok(db) => return Ok(db),
            Err(sled::Error::Io(cause)) if cause.to_string().contains("could not acquire lock") => {
                std::thread::sleep(LOCK_WAIT);
            }
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Err(StoreError::Locked(path.to_owned()))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> StoreError {
    StoreError::Unreadable { dir: path.to_owned(), why: error.to_string() }
}

fn has_snapshot(path: &Path) -> bool {
    let is_snapshot = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("snap."))
    };
    fs::read_dir(path).is_ok_and(|mut entries| entries.any(is_snapshot))
}

/// Puts aside what sled was writing when the disk was full or the power went. It takes such a file for its newest snapshot
/// and then cannot open at all; the last finished one is still there, and with it nothing is missing.
fn move_unfinished_snapshots(path: &Path, dir: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(path).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".generating") {
            fs::rename(entry.path(), dir.join("store.unfinished-snapshot"))?;
        }
    }
    Ok(())
}

/// Makes a store, or finishes one whose making was cut short, or takes one whose marker was lost.
fn make(path: &Path, cache_bytes: u64) -> Result<(), StoreError> {
    let db = open(path, cache_bytes)?;
    if db.is_empty() {
        db.insert(keys::SCHEMA, rows::write(&SCHEMA))?;
    }
    check_schema(&db, path)?;
    write_snapshot(db, path, cache_bytes)
}

/// Closes a database and opens it once more: sled writes a snapshot when it opens what has changed, and at no other time.
pub(super) fn write_snapshot(db: Db, path: &Path, cache_bytes: u64) -> Result<(), StoreError> {
    db.flush()?;
    File::open(path.join("db"))?.sync_all()?;
    drop(db);
    drop(open(path, cache_bytes)?);
    Ok(())
}

fn check_schema(db: &Db, path: &Path) -> Result<(), StoreError> {
    let Some(value) = db.get(keys::SCHEMA)? else {
        return Err(if db.is_empty() {
            StoreError::SilentlyEmpty(path.to_owned())
        } else {
            let why = "it holds the data of another program".to_owned();
            StoreError::Unreadable { dir: path.to_owned(), why }
        });
    };
    schema::bring_up(db, path, &value)
}

pub(super) fn write_marker(dir: &Path) -> Result<(), StoreError> {
    let file = File::create(marker(dir))?;
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    Ok(())
}
