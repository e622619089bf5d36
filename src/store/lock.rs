//! The lock of the data directory: one process at a time has it, a bridge or a command.
//!
//! sled locks its own file, but only once it has opened it, and a restore replaces that file. So the folder itself is
//! locked first, and for as long as anything in it may change.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use crate::store::{StoreError, open::database};

/// How often a lock is tried, and the wait in between: a store can stay locked for a moment after it was closed.
pub(super) const TRIES: u32 = 50;
pub(super) const WAIT: Duration = Duration::from_millis(20);

/// Locks the data directory `dir`, until the last copy of the result is dropped.
///
/// # Errors
/// If another process has locked it, or it cannot be locked.
pub(super) fn lock(dir: &Path) -> Result<Arc<File>, StoreError> {
    let failed = |error: &io::Error| StoreError::inaccessible(dir, error);
    let folder = File::open(dir).map_err(|error| failed(&error))?;
    if try_for_a_while(&folder).map_err(|error| failed(&error))? {
        Ok(Arc::new(folder))
    } else {
        Err(StoreError::Locked(database(dir)))
    }
}

/// Locks a file, unless another process keeps it locked for longer than a moment.
///
/// # Errors
/// If it cannot be locked for another reason.
pub(super) fn try_for_a_while(file: &File) -> io::Result<bool> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(WAIT),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}
