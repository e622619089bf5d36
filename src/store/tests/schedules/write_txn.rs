//! What the committer writes to.

use super::*;

/// A transaction of a disk that may fail.
pub(super) struct WriteTxn(pub(super) Arc<Disk>);

impl WriteTxn {
    #[expect(clippy::unnecessary_wraps, reason = "the real one may fail")]
    pub(super) fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.0.apply(batch);
        Ok(())
    }

    /// It takes a while, in which others go on.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        thread::yield_now();
        self.0.sync()
    }

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the real one may fail, and has something to do")]
    pub(super) fn tidy(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
