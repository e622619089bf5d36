//! Back to a dump.
//!
//! What was on its way to Kommo goes on: Kommo takes each message once. What was on its way to Telegram is parked
//! instead: it may have been delivered since the dump, and Telegram would take it again.
//!
//! The data directory is locked until the end, so that nobody acknowledges anything into a store that is about to be
//! moved aside. The new store is whole and durable before it gets its name. A cut between the two renames leaves no
//! store but its marker: nobody opens that, and the same restore brings it to an end.

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
        durable::{sync_folder, sync_way_to},
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

/// What a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreSummary {
    /// When the dump was written, if that can be told.
    pub dumped_at: Option<UnixMillis>,
    /// How many rows the dump held.
    pub rows: u64,
    /// How many conversations were among them.
    pub chats: u64,
    /// How many jobs wait and go on.
    pub waiting: u64,
    /// How many messages were parked when it was written.
    pub parked_before: usize,
    /// How many answers to customers were parked now, because they may have been delivered already.
    pub parked: usize,
    /// Where the store that was there has been moved.
    pub moved_to: Option<PathBuf>,
    /// Where those are that earlier restores have moved, newest first.
    pub older: Vec<PathBuf>,
    /// Those of them that were too many, and were removed.
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

/// What is cached while the rows are written.
const CACHE_BYTES: u64 = 32 << 20;

impl Store {
    /// Makes the store in the data directory `dir` anew from `dump`. What is there is moved aside.
    ///
    /// # Errors
    /// If the dump is not whole or from a newer version, or the store is in use; then nothing has changed.
    pub fn restore(dir: &Path, dump: &Path) -> Result<RestoreSummary, StoreError> {
        Self::restore_from(dir, (dump, 0), || Ok(()))
    }

    /// The same from the dump that begins at this byte of a file, and ends with it. Once the new store is written, and
    /// before it takes the place of the one that is there, `beside` does what belongs to it.
    ///
    /// # Errors
    /// As those of [`Store::restore`], and those of `beside`; then the store has not changed.
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
            // What went wrong is told; if this cannot be removed either, the next restore does it.
            let _ = remove_folder(&fresh);
        })?;
        // The store is in its place. What cannot be looked at or removed is left for the next restore.
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

/// Keeps away whoever locks nothing but the database itself, as earlier versions do. Opening it would change it.
fn lock_database(path: &Path) -> Result<Option<File>, StoreError> {
    let failed = |error: io::Error| StoreError::inaccessible(path, &error);
    let file = match File::open(path.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    if try_for_a_while(&file).map_err(failed)? { Ok(Some(file)) } else { Err(StoreError::Locked(path.to_owned())) }
}

/// Writes a whole and durable database into the folder `fresh`, and returns how many answers were parked.
fn write(fresh: &Path, source: &mut Source, plan: &Plan, lock: &Arc<File>) -> Result<usize, StoreError> {
    let db = open(fresh, CACHE_BYTES, lock)?;
    let mut filling = BulkLoader::new(&db);
    let header = source.read(|key, value| {
        if let Some(key) = plan.key_of(key) {
            filling.put(key.into(), value.into())?;
        }
        Ok(())
    })?;
    filling.end()?;
    let (mut batch, mut parked) = (Batch::default(), 0);
    for (key, row) in plan.answers() {
        batch.insert(key, rows::write(&row));
        parked += 1;
    }
    // The rows are of the dump's format; the next start brings them up to its own.
    batch.insert(keys::SCHEMA, rows::write(&header.schema));
    batch.insert(keys::SEQUENCE, rows::write(&plan.next_sequence()));
    // What crossed after the dump is not in it: nobody may take it for missing and send it again.
    batch.insert(keys::BEGUN, rows::write(&NOT_YET));
    db.apply_batch(batch)?;
    write_snapshot(db, fresh, CACHE_BYTES, lock)?;
    Ok(parked)
}

/// Gives the database in `fresh` its name, and tells where the former one is. If that fails, the former one has its
/// name.
fn put_in_place(dir: &Path, fresh: &Path) -> io::Result<Option<PathBuf>> {
    let path = database(dir);
    // First of all, so that nobody takes a store without a name for one that was never there.
    write_marker(dir)?;
    chown_like(dir, &marker(dir))?;
    chown_all_like(dir, fresh)?;
    sync_way_to(dir)?;
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
    // What is restored is there as the dump that it comes from. Without the note it is only dumped once more.
    let _ = upgrade::note(dir);
    sync_folder(dir)?;
    Ok(moved_to)
}
