//! What became of each message, hop by hop, for `telekommo trace`.
//!
//! The trace stands apart from the store, in files of its own. Whoever tells of a hop never waits: a thread writes
//! (`writer`), and what it cannot take in time, or cannot write, is counted and left out. So whatever goes wrong with
//! the trace costs the trace alone. It holds ids, times and outcomes, and nothing that people write or are called.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{clock, domain::address::ContactId};

mod files;
mod hop;
mod wanted;
mod writer;

pub use self::{
    files::Found,
    hop::{By, Event, Hop, reason},
    wanted::Wanted,
};
use self::{
    files::{Segments, find},
    wanted::Closure,
    writer::{Order, Writer},
};

/// How many hops may wait for the disk.
const WAITING: usize = 4096;
/// How many files share the room.
const FILES: u32 = 8;

/// Where the trace is, and how much of it is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    pub data_dir: PathBuf,
    /// How long a hop is kept; zero for no trace.
    pub keep: Duration,
    /// How much room it may take.
    pub max_bytes: u64,
}

impl Settings {
    fn dir(&self) -> PathBuf {
        dir(&self.data_dir)
    }
}

/// The folder of the trace in the data directory `data_dir`.
#[must_use]
pub fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("trace")
}

/// Where hops are told and looked up. Clones are handles to the same trace.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// `None` where nothing is written.
    writer: Option<SyncSender<Order>>,
    /// How many hops could not wait for the disk.
    missed: Arc<AtomicU64>,
}

impl Trace {
    /// Begins to write, unless it is switched off: then what an earlier run has kept is deleted. While there is no room
    /// (`has_room`), nothing is written.
    #[must_use]
    pub fn start(settings: Settings, has_room: impl Fn() -> bool + Send + 'static) -> Self {
        if settings.keep.is_zero() {
            if let Err(error) = remove(&settings.dir()) {
                tracing::warn!(%error, "the former trace could not be deleted");
            }
            return Self::default();
        }
        let (orders, taken) = sync_channel(WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(Segments::new(&settings), taken, Arc::clone(&missed), has_room);
        match thread::Builder::new().name("trace".to_owned()).spawn(move || writer.run()) {
            Ok(_) => Self(Some(Arc::new(Inner { settings, writer: Some(orders), missed }))),
            Err(error) => {
                tracing::warn!(%error, "there is no trace: its thread could not be started");
                Self::default()
            }
        }
    }

    /// The trace of a bridge that does not run.
    #[must_use]
    pub fn of_stopped(settings: Settings) -> Self {
        let is_on = !settings.keep.is_zero();
        Self(is_on.then(|| Arc::new(Inner { settings, writer: None, missed: Arc::default() })))
    }

    /// Whether hops are kept.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records a hop, if hops are kept.
    pub fn record(&self, hop: impl FnOnce() -> Hop) {
        let Some(inner) = &self.0 else { return };
        let Some(writer) = &inner.writer else { return };
        if let Err(TrySendError::Full(_)) = writer.try_send(Order::Keep(Box::new(hop()))) {
            inner.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The hops of what is wanted, in the order of their times; `None` if none are kept.
    pub async fn find(&self, wanted: Wanted) -> io::Result<Option<Found>> {
        let Some(inner) = &self.0 else { return Ok(None) };
        self.flush().await;
        let (dir, since) = (inner.settings.dir(), clock::now().minus(inner.settings.keep));
        let found = spawn_blocking(move || find(&dir, since, wanted));
        found.await.unwrap_or_else(|error| Err(io::Error::other(error))).map(Some)
    }

    /// Erases the hops of a person or a group. Says how many there were.
    pub async fn forget(&self, contact: ContactId) -> io::Result<u64> {
        let Some(inner) = &self.0 else { return Ok(0) };
        let Some(writer) = inner.writer.clone() else {
            let settings = inner.settings.clone();
            let work = spawn_blocking(move || Segments::new(&settings).erase(Wanted::of_contact(contact)));
            return work.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        };
        let (erased, answer) = oneshot::channel();
        // It waits for its place among the hops, which a thread of the runtime must not.
        drop(spawn_blocking(move || writer.send(Order::Erase(contact, erased)).is_ok()).await);
        answer.await.unwrap_or_else(|_| Err(io::Error::other("the trace has ended")))
    }

    /// Returns once all that was told before is in the files, as far as it can be. If too much waits, it is not waited
    /// for.
    pub async fn flush(&self) {
        let Some(writer) = self.0.as_ref().and_then(|inner| inner.writer.as_ref()) else { return };
        let (written, answer) = oneshot::channel();
        if writer.try_send(Order::Flush(written)).is_ok() {
            // An end of the thread is as good: nothing more is written then.
            drop(answer.await);
        }
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
