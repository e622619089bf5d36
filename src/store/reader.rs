//! Who may look at how much of the tree.
//!
//! The threads of the runtime carry everybody: one that looks through a table keeps hooks and polls waiting. So any
//! thread gets a [`Lookup`], which finds single rows. What looks through tables takes a [`Db`], and that is given away
//! here alone, on threads that may wait.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::store::{StoreError, db::Db, lookup::Lookup};

/// The way to the rows for all but the writer.
pub(super) struct Reader {
    /// `None` once it is closed.
    db: RwLock<Option<Db>>,
    failed: Arc<OnceLock<String>>,
}

impl Reader {
    /// The way to the rows of `db`, as long as nothing has `failed`.
    pub(super) const fn new(db: Db, failed: Arc<OnceLock<String>>) -> Self {
        Self { db: RwLock::new(Some(db)), failed }
    }

    /// What finds single rows, unless the store has failed or was closed.
    pub(super) fn lookup(&self) -> Result<Lookup, StoreError> {
        self.db().map(Db::into_lookup)
    }

    /// Looks through tables on a thread where that keeps nobody waiting.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = self.db()?;
        let looked = tokio::task::spawn_blocking(move || look(&db)).await;
        looked.unwrap_or_else(|error| Err(StoreError::Failed(format!("a look at the store broke off: {error}"))))
    }

    /// Looks through tables on the caller's own thread, for as long as that takes.
    pub(super) fn blocking<T>(&self, look: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        look(&self.db()?)
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
