//! Restoring a dump.
//!
//! Messages for Kommo stay in their queues: Kommo accepts each once. Messages for Telegram are parked: they may have
//! been delivered since the dump, and Telegram would deliver them again.
//!
//! The data directory is locked until the end, so that no process acknowledges anything into a store that is about to
//! be moved aside. The new store is complete and durable before it gets its name. A power cut between the two renames
//! leaves no store but its marker: no process opens that, and the same restore finishes it.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    domain::{amount::counted, time::UnixMillis},
    store::{
        Store, StoreError,
        bulk_loader::BulkLoader,
        data_dir::{chown_all_like, chown_like, create_private_dir},
        db::Batch,
        durable::{sync_ancestors, sync_folder},
        keys,
        lock::{lock, try_for_a_while},
        open::{database, marker, open, remove_folder, write_marker, write_snapshot},
        rows, upgrade,
        watermark::NOT_YET,
    },
};

pub mod former;
mod plan;
mod source;

use plan::Plan;
use source::Source;

/// The result of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreSummary {
    /// When the dump was written, if that is known.
    pub dumped_at: Option<UnixMillis>,
    /// How many rows the dump held.
    pub rows: u64,
    /// How many conversations were among them.
    pub chats: u64,
    /// How many jobs wait.
    pub waiting: u64,
    /// How many messages were parked when it was written.
    pub parked_before: usize,
    /// How many answers to customers were parked now, because they may have been delivered already.
    pub parked: usize,
    /// Where the former store has been moved.
    pub moved_to: Option<PathBuf>,
    /// The stores that earlier restores have moved, newest first.
    pub older: Vec<PathBuf>,
    /// Those of them that were removed, because only the newest are kept.
    pub removed: Vec<PathBuf>,
}

impl fmt::Display for RestoreSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, among them {}, {} that {} and {}",
            amount(self.rows, "row"),
            amount(self.chats, "conversation"),
            amount(self.waiting, "job"),
            if self.waiting == 1 { "waits" } else { "wait" },
            counted(self.parked_before, "parked message")
        )?;
        if self.parked > 0 {
            let (answers, were) = (counted(self.parked, "answer"), if self.parked == 1 { "was" } else { "were" });
            write!(f, "\n{answers} {were} parked: Telegram may have had them since the dump")?;
        }
        if let Some(path) = &self.moved_to {
            write!(f, "\nthe former store is now {}", path.display())?;
        }
        for path in &self.older {
            write!(f, "\nfrom an earlier restore there is still {}", path.display())?;
        }
        for path in &self.removed {
            write!(f, "\nremoved, since the {} newest are kept: {}", former::KEPT, path.display())?;
        }
        Ok(())
    }
}

fn amount(number: u64, one: &str) -> String {
    counted(usize::try_from(number).unwrap_or(usize::MAX), one)
}

/// The cache while the rows are written.
const CACHE_BYTES: u64 = 32 << 20;

impl Store {
    /// Restores the store in the data directory `dir` from `dump`. An existing store is moved aside.
    ///
    /// # Errors
    /// If the dump is incomplete or from a newer version, or the store is in use; then nothing has changed.
    pub fn restore(dir: &Path, dump: &Path) -> Result<RestoreSummary, StoreError> {
        Self::restore_from(dir, (dump, 0), || Ok(()))
    }

    /// The same from the dump between this byte of a file and its end. `beside` runs once the new store is written, and
    /// before it replaces the existing one.
    ///
    /// # Errors
    /// Those of [`Store::restore`], and those of `beside`; then the store has not changed.
    pub fn restore_from<E: From<StoreError>>(
        dir: &Path,
        (file, begin): (&Path, u64),
        beside: impl FnOnce() -> Result<(), E>,
    ) -> Result<RestoreSummary, E> {
        let mut source = Source::open(file, begin)?;
        let mut plan = Plan::default();
        let header = source.read(|key, value| {
            plan.note(&key, &value);
            Ok(())
        })?;
        let inaccessible = |error: io::Error| StoreError::inaccessible(dir, &error);
        create_private_dir(dir).map_err(inaccessible)?;
        let lock = lock(dir)?;
        let path = database(dir);
        let _former = lock_database(&path)?;
        former::remove_unfinished(dir).map_err(inaccessible)?;
        let fresh = former::unfinished(dir);
        let written = || {
            let parked = write(&fresh, &mut source, &plan, &lock)?;
            beside()?;
            Ok::<_, E>((parked, put_in_place(dir, &fresh).map_err(inaccessible)?))
        };
        let (parked, moved_to) = written().inspect_err(|_| {
            // The error is returned; if this cannot be removed either, the next restore removes it.
            let _ = remove_folder(&fresh);
        })?;
        // The store is in its place. Former stores that cannot be listed or removed are left for the next restore.
        let (mut older, removed) = former::prune(dir).unwrap_or_default();
        older.retain(|path| moved_to.as_ref() != Some(path));
        Ok(RestoreSummary {
            dumped_at: header.at.or_else(|| source.written_at()),
            rows: plan.rows,
            chats: plan.chats,
            waiting: plan.waiting,
            parked_before: plan.parked_before(),
            parked,
            moved_to,
            older,
            removed,
        })
    }
}

/// Locks the file of the database, which is all that earlier versions lock. Opening the database would change it.
fn lock_database(path: &Path) -> Result<Option<File>, StoreError> {
    let failed = |error: io::Error| StoreError::inaccessible(path, &error);
    let file = match File::open(path.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    if try_for_a_while(&file).map_err(failed)? { Ok(Some(file)) } else { Err(StoreError::Locked(path.to_owned())) }
}

/// Writes a complete and durable database into the folder `fresh`, and returns how many answers were parked.
fn write(fresh: &Path, source: &mut Source, plan: &Plan, lock: &Arc<File>) -> Result<usize, StoreError> {
    let db = open(fresh, CACHE_BYTES, lock)?;
    let mut loader = BulkLoader::new(&db);
    let header = source.read(|key, value| {
        if let Some(key) = plan.key_of(key) {
            loader.put(key.into(), value.into())?;
        }
        Ok(())
    })?;
    loader.end()?;
    let (mut batch, mut parked) = (Batch::default(), 0);
    for (key, row) in plan.answers() {
        batch.insert(key, rows::write(&row));
        parked += 1;
    }
    // The rows have the dump's format; the next start converts them.
    batch.insert(keys::SCHEMA, rows::write(&header.schema));
    batch.insert(keys::SEQUENCE, rows::write(&plan.next_sequence()));
    // Messages that were relayed after the dump are not in it: they must not count as missing and be sent again.
    batch.insert(keys::BEGUN, rows::write(&NOT_YET));
    db.apply_batch(batch)?;
    write_snapshot(db, fresh, CACHE_BYTES, lock)?;
    Ok(parked)
}

/// Gives the database in `fresh` its name, and returns where the former one is. If that fails, the former one keeps its
/// name.
fn put_in_place(dir: &Path, fresh: &Path) -> io::Result<Option<PathBuf>> {
    let path = database(dir);
    // First of all, so that a store without a name is not taken for one that never existed.
    write_marker(dir)?;
    chown_like(dir, &marker(dir))?;
    chown_all_like(dir, fresh)?;
    sync_ancestors(dir)?;
    let moved_to = if path.try_exists()? { Some(former::next(dir)?) } else { None };
    if let Some(aside) = &moved_to {
        fs::rename(&path, aside)?;
    }
    if let Err(error) = fs::rename(fresh, &path) {
        if let Some(aside) = &moved_to {
            fs::rename(aside, &path)?;
        }
        return Err(error);
    }
    // The dump that it comes from is the dump before the upgrade. Without the note it is only dumped once more.
    let _ = upgrade::note(dir);
    sync_folder(dir)?;
    Ok(moved_to)
}
