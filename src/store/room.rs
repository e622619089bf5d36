//! How much room the disk has left.

use crate::store::{Store, StoreError};

impl Store {
    /// How much room the database takes.
    ///
    /// # Errors
    /// If the store has failed.
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
        rustix::fs::statvfs(&settings.dir)
            .map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= wanted_bytes)
    }
}
