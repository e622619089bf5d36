//! The free space of the disk.

use std::{io, path::Path};

use crate::store::{Store, StoreError};

/// The free bytes of the disk with the folder `dir`, which need not exist.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let existing = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(existing)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

impl Store {
    /// The size of the database on the disk.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.db()?.size_on_disk()?)
    }

    /// Whether the disk has more free space than the reserve; true if that cannot be read, since a write will fail
    /// then.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.has_room_for(0)
    }

    /// Whether the reserve stays free after so many bytes are written.
    #[must_use]
    pub fn has_room_for(&self, size_bytes: u64) -> bool {
        let settings = &self.0.settings;
        let needed_bytes = settings.reserve_bytes.saturating_add(size_bytes);
        free_bytes(&settings.dir).map_or(true, |free_bytes| free_bytes >= needed_bytes)
    }
}
