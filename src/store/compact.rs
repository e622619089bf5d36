//! Compaction: the rows are written into a fresh database, which replaces the one that has grown.
//!
//! sled reuses a segment of its file only once nothing in it is needed. If much is written at once, it falls behind
//! with moving what is still needed, so that a file can be ten times as large as its content.
//!
//! The fresh database is whole and durable before the former one is renamed. A power cut between the two renames leaves
//! no database under the name; the next opening finishes the compaction.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    domain::amount,
    store::{
        Settings, Store, StoreError,
        bulk_loader::BulkLoader,
        data_dir::{chown_all_like, chown_like},
        db::Db,
        disk_space::free_bytes,
        durable::{Durable, sync_folder},
        keys,
        lock::lock,
        open::{
            check_schema, database, has_snapshot, marker, move_unfinished_snapshots, open, open_tidied, remove_folder,
            write_snapshot,
        },
        scan::scan,
        upgrade,
        write_txn::WriteTxn,
    },
};

/// Smaller files are not compacted.
const LEAST_BYTES: u64 = 64 << 20;
/// A file is compacted at a start once it is so many times as large as after its last compaction.
const GROWTH: u64 = 4;
/// The cache of each of the two databases.
pub(super) const CACHE_BYTES: u64 = 16 << 20;
/// How often sled tidies the fresh file while it is written, which is as fast as the disk allows.
const TIDY_EVERY_MS: u64 = 2;

/// The result of a compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// The size of the file before.
    pub before_bytes: u64,
    /// The size of the file now.
    pub after_bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
}

impl fmt::Display for Compaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let (before, after) = (mebibytes(self.before_bytes), mebibytes(self.after_bytes));
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        write!(f, "compacted the store from {before} MiB to {after} MiB: {}", amount::counted(rows, "row"))
    }
}

impl Store {
    /// Compacts the store in the data directory `dir`, whatever its size.
    ///
    /// # Errors
    /// If the store is in use or cannot be read, or the disk has too little room; then nothing has changed.
    pub fn compact(dir: &Path) -> Result<Compaction, StoreError> {
        let lock = lock(dir)?;
        let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
        finish(dir).map_err(inaccessible)?;
        move_unfinished_snapshots(&database(dir), dir).map_err(inaccessible)?;
        if !has_snapshot(&database(dir)).map_err(inaccessible)? {
            return Err(StoreError::silently_empty(&database(dir)));
        }
        let not_compacted = |why| StoreError::NotCompacted { dir: dir.to_owned(), why };
        upgrade::dump_if_another(dir, 0, &lock).map_err(not_compacted)?;
        run(dir, 0, &lock).map_err(|error| match error {
            StoreError::Failed(why) => not_compacted(why),
            other => other,
        })
    }
}

/// Compacts the store that is about to be opened, if it has grown enough. A failure is logged: the store works without.
pub(super) fn run_if_due(settings: &Settings, lock: &Arc<File>) {
    let dir = settings.dir.as_path();
    if !is_due(dir) {
        return;
    }
    tracing::info!(dir = %dir.display(), "compacting the store: its file has grown");
    match run(dir, settings.reserve_bytes, lock) {
        Ok(Compaction { before_bytes, after_bytes, rows }) => {
            tracing::info!(before_bytes, after_bytes, rows, "the store is compacted");
        }
        Err(error) => tracing::warn!(%error, "the store was not compacted"),
    }
}

fn is_due(dir: &Path) -> bool {
    // Without a recorded size it was never compacted.
    let noted = fs::read_to_string(marker(dir)).ok().and_then(|text| text.trim().parse().ok());
    size_bytes(dir).is_ok_and(|size_bytes| has_grown(size_bytes, noted.unwrap_or(0)))
}

pub(super) fn has_grown(size_bytes: u64, noted_bytes: u64) -> bool {
    size_bytes >= LEAST_BYTES.max(noted_bytes.saturating_mul(GROWTH))
}

pub(super) fn size_bytes(dir: &Path) -> io::Result<u64> {
    Ok(fs::metadata(database(dir).join("db"))?.len())
}

/// Where the fresh database is written.
fn fresh(dir: &Path) -> PathBuf {
    dir.join("store.compacting")
}

/// Where the former database is until the fresh one has its name.
fn former(dir: &Path) -> PathBuf {
    dir.join("store.before-compaction")
}

/// Finishes a compaction that was interrupted. The caller has locked the data directory `dir`.
///
/// # Errors
/// If the system does not allow it.
pub(super) fn finish(dir: &Path) -> io::Result<()> {
    if !database(dir).try_exists()? && former(dir).try_exists()? {
        // The former one was renamed when the fresh one was whole and durable. If the fresh one is missing, nothing has
        // been written since.
        let whole = if fresh(dir).try_exists()? { fresh(dir) } else { former(dir) };
        fs::rename(whole, database(dir))?;
        sync_folder(dir)?;
    }
    remove_folder(&fresh(dir))?;
    remove_folder(&former(dir))
}

pub(super) fn run(dir: &Path, reserve_bytes: u64, lock: &Arc<File>) -> Result<Compaction, StoreError> {
    let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
    let before_bytes = size_bytes(dir).map_err(inaccessible)?;
    let (needed_bytes, free_bytes) =
        (before_bytes.saturating_add(reserve_bytes), free_bytes(dir).map_err(inaccessible)?);
    if free_bytes < needed_bytes {
        return Err(StoreError::NoRoom { dir: dir.to_owned(), needed_bytes, free_bytes });
    }
    let written = write(dir, lock).and_then(|rows| {
        put_in_place(dir).map_err(inaccessible)?;
        Ok(rows)
    });
    let rows = written.inspect_err(|_| {
        // The error is returned; if this cannot be removed either, the next opening removes it.
        let _ = remove_folder(&fresh(dir));
    })?;
    let after_bytes = size_bytes(dir).map_err(inaccessible)?;
    note(dir, after_bytes).map_err(inaccessible)?;
    Ok(Compaction { before_bytes, after_bytes, rows })
}

/// Writes a whole and durable copy of the rows, and returns how many there are.
fn write(dir: &Path, lock: &Arc<File>) -> Result<u64, StoreError> {
    let (path, fresh) = (database(dir), fresh(dir));
    let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
    let db = open(&path, CACHE_BYTES, lock)?;
    check_schema(&db, &path)?;
    // This applies the journal.
    drop(WriteTxn::open(db.clone(), Durable::new(&path).map_err(inaccessible)?)?);
    let copy = open_tidied(&fresh, CACHE_BYTES, TIDY_EVERY_MS, lock)?;
    let rows = copy_rows(&db, &copy)?;
    write_snapshot(copy, &fresh, CACHE_BYTES, lock)?;
    chown_all_like(dir, &fresh).map_err(inaccessible)?;
    Ok(rows)
}

fn copy_rows(from: &Db, to: &Db) -> Result<u64, StoreError> {
    let mut loader = BulkLoader::new(to);
    for entry in scan(from, &[]).filter(|entry| entry.as_ref().map_or(true, |(key, _)| key != keys::JOURNAL)) {
        let (key, value) = entry?;
        loader.put(key, value)?;
    }
    Ok(loader.end()?)
}

/// Gives the fresh database its name, and removes the former one. If that fails, the former one keeps its name.
fn put_in_place(dir: &Path) -> io::Result<()> {
    let (path, fresh, former) = (database(dir), fresh(dir), former(dir));
    // The name of the fresh one must be durable before the former one is renamed.
    sync_folder(dir)?;
    fs::rename(&path, &former)?;
    if let Err(error) = sync_folder(dir).and_then(|()| fs::rename(&fresh, &path)) {
        fs::rename(&former, &path)?;
        return Err(error);
    }
    sync_folder(dir)?;
    remove_folder(&former)
}

/// Records in the marker the size of the file after its compaction.
fn note(dir: &Path, size_bytes: u64) -> io::Result<()> {
    fs::write(marker(dir), format!("{size_bytes}\n"))?;
    chown_like(dir, &marker(dir))?;
    File::open(marker(dir))?.sync_all()
}
