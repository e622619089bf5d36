//! Locks for read-modify-write of contacts and leads, so that our own jobs do not overwrite each other's changes.

use tokio::sync::{Mutex, MutexGuard};

/// How many contacts and leads are written concurrently at most. Those whose ids differ by a multiple of it share a
/// lock.
const CONCURRENT: usize = 16;

/// Keeps jobs of several conversations from writing to one contact or lead at once.
#[derive(Debug, Default)]
pub struct Locks([Mutex<()>; CONCURRENT]);

impl Locks {
    /// Locks the contact or lead with this id.
    pub(super) async fn lock(&self, id: u64) -> MutexGuard<'_, ()> {
        let place = id % CONCURRENT as u64;
        self.0[usize::try_from(place).unwrap_or_default()].lock().await
    }
}
