//! How much room the disk has left.

use crate::store::Store;

impl Store {
    /// Whether the disk has more free space than the reserve. If that cannot be learnt, it has: a write will tell.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let settings = &self.0.settings;
        rustix::fs::statvfs(&settings.dir)
            .map_or(true, |disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= settings.reserve_bytes)
    }
}
