//! One at a time: what is read to be written again must not change in between, at least not by ourselves.

use tokio::sync::{Mutex, MutexGuard};

/// How many contacts and leads are written side by side at most. Those whose numbers differ by a multiple of it take
/// turns.
const SIDE_BY_SIDE: usize = 16;

/// Keeps jobs of several conversations from writing into one contact or lead at once.
#[derive(Debug, Default)]
pub struct Locks([Mutex<()>; SIDE_BY_SIDE]);

impl Locks {
    /// Waits until nobody else writes into the contact or lead with this number.
    pub(super) async fn alone(&self, id: u64) -> MutexGuard<'_, ()> {
        let place = id % SIDE_BY_SIDE as u64;
        self.0[usize::try_from(place).unwrap_or_default()].lock().await
    }
}
