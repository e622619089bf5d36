//! Opening a store, and detecting that it has lost its contents.
//!
//! sled opens as empty, without an error, when its snapshot is missing. So a row inside has the format, and a marker
//! file beside it says that there is a store with a snapshot; if the two disagree, nothing is opened. The marker is
//! written last: a crash before that leaves a store without a marker, which is harmless.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

use crate::store::{
    Inner, Settings, Store, StoreError,
    committer::Committer,
    compact,
    data_dir::{create_private_dir, tighten},
    db::Db,
    durable::{Durable, sync_ancestors, sync_folder},
    kept::SharedMemory,
    keys,
    lock::{self, lock},
    reader::Reader,
    rebuild, rows, schema, upgrade,
    write_txn::WriteTxn,
};

/// The format of the rows. A store with a newer one is refused.
pub(super) const SCHEMA: u32 = 3;

/// How many bytes of memory sled uses for each that it counts against the limit of its cache: it counts pages as they
/// are on the disk, where they are packed, while rows have a header each in memory.
const HELD_PER_COUNTED: u64 = 2;

/// How often sled frees a segment of its file for reuse, one with little content, which it moves. By default it does so
/// twice a second. That cannot keep up with 200 messages a second: the file then grows with everything that is written.
const TIDY_EVERY_MS: u64 = 50;

/// The folders with customers' messages. Files in them may be older than the rule that they are private.
const PRIVATE: [&str; 3] = ["store", "dumps", "imports"];

/// The database's folder.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("store")
}

/// The file that says that there is a store.
pub(super) fn marker(dir: &Path) -> PathBuf {
    dir.join("store.marker")
}

/// Whether there is a store in the data directory `dir`, complete or not.
#[must_use]
pub fn is_in(dir: &Path) -> bool {
    marker(dir).exists()
}

impl Store {
    /// Opens the store, or creates one if there has never been one.
    ///
    /// # Errors
    /// If it is in use, was written by a newer version, has lost its contents or cannot be read. Nothing is deleted.
    pub fn open(settings: Settings) -> Result<Self, StoreError> {
        let dir = settings.dir.as_path();
        let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
        create_private_dir(dir).map_err(inaccessible)?;
        let lock = lock(dir)?;
        let path = database(dir);
        for folder in PRIVATE {
            tighten(&dir.join(folder));
        }
        compact::finish(dir).map_err(inaccessible)?;
        if marker(dir).try_exists().map_err(inaccessible)? {
            move_unfinished_snapshots(&path, dir).map_err(inaccessible)?;
        } else {
            let is_new = !path.try_exists().map_err(inaccessible)?;
            create(dir, settings.cache_bytes, &lock)?;
            write_marker(dir).map_err(inaccessible)?;
            if is_new {
                upgrade::note(dir).map_err(inaccessible)?;
            }
        }
        if !has_snapshot(&path).map_err(inaccessible)? {
            return Err(StoreError::silently_empty(&path));
        }
        let undumped = upgrade::dump_if_another(dir, settings.reserve_bytes, &lock).err();
        if let Some(why) = &undumped {
            // Its contents are not at risk, but hooks that arrive while no bridge runs would be lost.
            tracing::error!(why, "the store could not be dumped before another version opens it; opening it without");
        }
        compact::run_if_due(&settings, &lock);
        let db = open(&path, settings.cache_bytes, &lock)?;
        check_schema(&db, &path)?;
        remove_file(&unfinished_snapshot(dir)).map_err(inaccessible)?;
        // sled has written a snapshot, and may have truncated its log.
        let durable = Durable::new(&path).map_err(inaccessible)?;
        let txn = WriteTxn::open(db.clone(), durable)?;
        let index = Arc::new(Mutex::new(rebuild::index(&db)?));
        let kept = SharedMemory::read(&db)?;
        let failed = Arc::new(OnceLock::new());
        let first_of_run = rebuild::next_sequence(&db)?;
        let committer = Committer::start(txn, Arc::clone(&index), Arc::clone(&failed))?;
        let reader = Reader::new(db, failed);
        let moving_back = Arc::default();
        let inner = Inner { settings, reader, committer, index, kept, first_of_run, undumped, moving_back };
        Ok(Self(Arc::new(inner)))
    }
}

/// Opens the database in `path` with our settings. The caller has locked the data directory.
pub(super) fn open(path: &Path, cache_bytes: u64, lock: &Arc<File>) -> Result<Db, StoreError> {
    open_tidied(path, cache_bytes, TIDY_EVERY_MS, lock)
}

/// The same; sled frees segments for reuse every `every_ms`.
pub(super) fn open_tidied(path: &Path, cache_bytes: u64, every_ms: u64, lock: &Arc<File>) -> Result<Db, StoreError> {
    for _ in 0..lock::TRIES {
        match try_open(path, cache_bytes, every_ms) {
            Ok(tree) => return Ok(Db::new(tree, Arc::clone(lock))?),
            Err(sled::Error::Io(cause)) if cause.to_string().contains("could not acquire lock") => {
                thread::sleep(lock::WAIT);
            }
            // An error that sled itself finds in a file has no error code of the system.
            Err(sled::Error::Io(cause)) if cause.raw_os_error().is_some() => {
                return Err(StoreError::inaccessible(path, &cause));
            }
            Err(error) => return Err(StoreError::unreadable(path, error)),
        }
    }
    Err(StoreError::Locked(path.to_owned()))
}

/// sled panics on some kinds of damage.
fn try_open(path: &Path, cache_bytes: u64, tidy_every_ms: u64) -> sled::Result<sled::Db> {
    let config = sled::Config::new().path(path).cache_capacity(cache_bytes / HELD_PER_COUNTED);
    let config = config.flush_every_ms(Some(tidy_every_ms));
    let open = || config.open();
    catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|_| Err(sled::Error::Unsupported("the database panicked; the log above says why".to_owned())))
}

pub(super) fn has_snapshot(path: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        if entry?.file_name().to_string_lossy().starts_with("snap.") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where an unfinished snapshot is moved, until the store is open without it.
fn unfinished_snapshot(dir: &Path) -> PathBuf {
    dir.join("store.unfinished-snapshot")
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Moves away a snapshot that sled was writing when the disk was full or the power failed. sled takes such a file for
/// its newest snapshot and then cannot open at all; the last finished one is still there and complete.
pub(super) fn move_unfinished_snapshots(path: &Path, dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".generating") {
            fs::rename(entry.path(), unfinished_snapshot(dir))?;
        }
    }
    Ok(())
}

/// Creates a store, or adopts one whose marker was lost. A new one gets its name once it is complete and durable, so
/// that an interrupted creation leaves nothing that could be taken for a store.
fn create(dir: &Path, cache_bytes: u64, lock: &Arc<File>) -> Result<(), StoreError> {
    let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
    let path = database(dir);
    if path.try_exists().map_err(inaccessible)? {
        move_unfinished_snapshots(&path, dir).map_err(inaccessible)?;
        return write_snapshot(initialized(&path, cache_bytes, lock)?, &path, cache_bytes, lock);
    }
    let unfinished = dir.join("store.making");
    remove_folder(&unfinished).map_err(inaccessible)?;
    write_snapshot(initialized(&unfinished, cache_bytes, lock)?, &unfinished, cache_bytes, lock)?;
    fs::rename(&unfinished, &path).map_err(inaccessible)?;
    sync_ancestors(dir).map_err(inaccessible)
}

/// Opens the database in `path`, with its first row.
fn initialized(path: &Path, cache_bytes: u64, lock: &Arc<File>) -> Result<Db, StoreError> {
    let db = open(path, cache_bytes, lock)?;
    if db.is_empty() {
        db.insert(keys::SCHEMA, rows::write(&SCHEMA))?;
    }
    check_schema(&db, path)?;
    Ok(db)
}

/// Removes a folder with its contents, if it exists.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Closes a database and opens it again: sled writes a snapshot when it opens a database that has changed, and at no
/// other time. Then everything in its folder is durable.
pub(super) fn write_snapshot(db: Db, path: &Path, cache_bytes: u64, lock: &Arc<File>) -> Result<(), StoreError> {
    db.flush()?;
    drop(db);
    Durable::new(path).map_err(|error| StoreError::inaccessible(path, &error))?;
    drop(open(path, cache_bytes, lock)?);
    Durable::new(path).map_err(|error| StoreError::inaccessible(path, &error))?;
    Ok(())
}

pub(super) fn check_schema(db: &Db, path: &Path) -> Result<(), StoreError> {
    let Some(value) = db.get(keys::SCHEMA)? else {
        return Err(if db.is_empty() {
            StoreError::silently_empty(path)
        } else {
            StoreError::unreadable(path, "it holds the data of another program")
        });
    };
    schema::bring_up(db, path, &value)
}

pub(super) fn write_marker(dir: &Path) -> io::Result<()> {
    File::create(marker(dir))?.sync_all()?;
    sync_folder(dir)
}
