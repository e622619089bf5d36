//! The dump before another version opens the store for the first time, so that the former version can be used again.
//!
//! It is written before anything is changed, in the existing format, so that the former version can restore it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::store::{
    StoreError, compact,
    data_dir::{chown_like, create_private, create_within},
    disk_space::free_bytes,
    dump, dumps,
    durable::{Durable, sync_folder},
    keys,
    open::{SCHEMA, database, open},
    rows,
    write_txn::WriteTxn,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How many of these dumps are kept, the newest ones.
const KEPT: usize = 2;

/// The file with the version that has opened the store last.
fn version(dir: &Path) -> PathBuf {
    dir.join("store.version")
}

/// Records that this version has opened the store in the data directory `dir`.
pub(super) fn note(dir: &Path) -> io::Result<()> {
    let path = version(dir);
    let mut file = create_private(&path)?;
    file.write_all(VERSION.as_bytes())?;
    file.sync_all()?;
    chown_like(dir, &path)?;
    sync_folder(dir)
}

/// Dumps the store that is about to be opened in `dir`, if another version opened it last. `reserve_bytes` of the disk
/// stay free. The caller has locked the data directory.
///
/// # Errors
/// Why there is no dump although there should be one. The next opening tries again.
pub(super) fn dump_if_another(dir: &Path, reserve_bytes: u64, lock: &Arc<File>) -> Result<(), String> {
    let before = fs::read_to_string(version(dir)).unwrap_or_default();
    if before.trim() == VERSION {
        return Ok(());
    }
    if let Some(file) = write(dir, reserve_bytes, lock)? {
        let before = if before.is_empty() { "an older one" } else { before.trim() };
        tracing::info!(file = %file.display(), before, now = VERSION, "another version: the store was dumped first");
        note(dir).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Writes the dump, unless the store cannot be opened anyway.
fn write(dir: &Path, reserve_bytes: u64, lock: &Arc<File>) -> Result<Option<PathBuf>, String> {
    let (path, folder) = (database(dir), dumps::dir(dir));
    let (failed, denied) = (|error: StoreError| error.to_string(), |error: io::Error| error.to_string());
    let Ok(db) = open(&path, compact::CACHE_BYTES, lock) else { return Ok(None) };
    let noted = db.get(keys::SCHEMA).map_err(|error| failed(error.into()))?;
    let schema = noted.and_then(|noted| rows::parse(&noted).ok()).filter(|schema| (1..=SCHEMA).contains(schema));
    let Some(schema) = schema else { return Ok(None) };
    let needed = reserve_bytes.saturating_add(compact::size_bytes(dir).map_err(denied)?);
    if free_bytes(dir).is_ok_and(|free| free < needed) {
        return Err("the disk has too little room: free some space".to_owned());
    }
    // This finishes a change that a crash has interrupted: a dump has no journal.
    let durable = Durable::new(&path).map_err(denied)?;
    let txn = WriteTxn::open(db, durable).map_err(failed)?;
    let unwritten = |error: io::Error| format!("{} cannot be written to: {error}", folder.display());
    create_within(dir, &folder).map_err(unwritten)?;
    let former = dumps::before_upgrades(&folder).map_err(unwritten)?;
    let file = folder.join(dumps::name_before_upgrade(former.last().map_or(1, |(number, _)| number + 1)));
    dump::write(&txn.db, &file, schema, None).map_err(failed)?;
    chown_like(dir, &file).map_err(unwritten)?;
    for (_, old) in former.iter().rev().skip(KEPT - 1) {
        // The new one is written; an extra old one does no harm.
        let _ = fs::remove_file(old);
    }
    Ok(Some(file))
}
