//! A value that requests change and others watch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A value behind a lock, with a version that counts its changes.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    value: Mutex<T>,
    version: watch::Sender<u64>,
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), version: watch::Sender::new(0) }
    }

    pub(crate) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.lock())
    }

    /// Changes the value without notifying watchers.
    pub(crate) fn note<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }

    /// Changes the value, and notifies all watchers.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let result = self.note(f);
        self.bump();
        result
    }

    pub(crate) fn bump(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// The version, to be watched.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// A panic elsewhere leaves the world usable: the test that caused it fails by itself.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
