//! Read access to the tree.
//!
//! A scan of a table on a thread of the runtime would delay hooks and polls. So any thread gets a [`Lookup`], which
//! reads single rows. Scans take a [`Db`], which only this module hands out, on threads that may block.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::store::{StoreError, db::Db, lookup::Lookup};

/// Access to the rows for all but the writer.
pub(super) struct Reader {
    /// `None` once it is closed.
    db: RwLock<Option<Db>>,
    failed: Arc<OnceLock<String>>,
}

impl Reader {
    /// Access to the rows of `db`, as long as `failed` is empty.
    pub(super) const fn new(db: Db, failed: Arc<OnceLock<String>>) -> Self {
        Self { db: RwLock::new(Some(db)), failed }
    }

    /// Access to single rows, unless the store has failed or was closed.
    pub(super) fn lookup(&self) -> Result<Lookup, StoreError> {
        self.db().map(Db::into_lookup)
    }

    /// Scans tables on a thread for blocking work.
    pub(super) async fn spawn_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = self.db()?;
        let outcome = tokio::task::spawn_blocking(move || read(&db)).await;
        outcome.unwrap_or_else(|error| Err(StoreError::Failed(format!("a read of the store failed: {error}"))))
    }

    /// Scans tables on the caller's thread, and blocks it.
    pub(super) fn blocking<T>(&self, read: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read(&self.db()?)
    }

    pub(super) fn close(&self) {
        self.db.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn db(&self) -> Result<Db, StoreError> {
        if let Some(why) = self.failed.get() {
            return Err(StoreError::Failed(why.clone()));
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner).clone();
        db.ok_or_else(|| StoreError::Failed("the store is closed".to_owned()))
    }
}
