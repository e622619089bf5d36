//! How much room the disk has left.

use std::{io, path::Path};

use crate::store::{Store, StoreError};

/// How many bytes are free on the disk that the folder `dir` is on, or would be.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let there = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(there)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

impl Store {
    /// How much room the database takes.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.db()?.size_on_disk()?)
    }

    /// Whether the disk has more free space than the reserve. If that cannot be learnt, it has: a write will tell.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.has_room_for(0)
    }

    /// Whether the reserve stays free if so many bytes are written.
    #[must_use]
    pub fn has_room_for(&self, size_bytes: u64) -> bool {
        let settings = &self.0.settings;
        let wanted_bytes = settings.reserve_bytes.saturating_add(size_bytes);
        free_bytes(&settings.dir).map_or(true, |free_bytes| free_bytes >= wanted_bytes)
    }
}
