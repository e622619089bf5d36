//! The one writer: applies all changes that wait, syncs once for all of them, and answers the callers.
//!
//! A plan reads the tree and returns the changes to make. Plans run one after the other on this thread, so nothing
//! changes between what a plan reads and what it writes. What follows a change (the index, the answer) happens on this
//! thread as well, after the commit, so that it happens even if the caller has gone.

use std::sync::{
    Arc, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::oneshot;

// Imported through the parent module and not from the crate's root: a test includes this file below a module of its
// own, whose scheduler decides which thread runs, and whose disk fails on request.
pub(super) use super::write_txn::WriteTxn;
use super::{
    StoreError,
    db::Batch,
    index::Index,
    threads::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
        thread::{self, JoinHandle},
    },
};

/// The most changes that share one commit; a bound on how long the first of them waits.
const GROUP: usize = 256;

/// The result of a plan: the changes, the caller's answer, and what follows once the changes are durable.
pub(super) struct Commit<T> {
    pub(super) batch: Option<Batch>,
    pub(super) answer: T,
    pub(super) then: Box<dyn FnOnce(&mut Index) + Send>,
}

/// A change in two steps: applied now, and finished when the group is durable or has failed.
type Change = Box<dyn FnOnce(&mut WriteTxn) -> Result<Finish, StoreError> + Send>;

struct Finish {
    changes: bool,
    finish: Box<Finisher>,
}

/// Runs once the group is durable or has failed: updates the index and answers the caller.
type Finisher = dyn FnOnce(Result<(), StoreError>, &mut Index) + Send;

enum Command {
    Change(Change),
    Close(oneshot::Sender<()>),
}

/// A handle to the writer.
pub(super) struct Committer {
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: Arc<OnceLock<String>>,
    flushes: Arc<AtomicU64>,
}

impl Committer {
    /// Starts the writer's thread.
    pub(super) fn start(
        txn: WriteTxn,
        index: Arc<Mutex<Index>>,
        failed: Arc<OnceLock<String>>,
    ) -> Result<Self, StoreError> {
        let (commands, inbox) = channel();
        let flushes = Arc::new(AtomicU64::new(0));
        let writer =
            Writer { txn, inbox, index, failed: Arc::clone(&failed), flushes: Arc::clone(&flushes), closed: false };
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || writer.run())?;
        Ok(Self { commands, thread: Mutex::new(Some(thread)), failed, flushes })
    }

    /// Plans a change, makes it durable, and answers.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&mut WriteTxn) -> Result<Commit<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.send(plan)?.await.unwrap_or_else(|_| Err(self.failure()))
    }

    /// Returns when all that can be read now is durable: changes are applied before the flush that makes them durable.
    pub(super) async fn until_durable(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(Commit { batch: None, answer: (), then: Box::new(|_: &mut Index| ()) })).await
    }

    /// Asks for a change, which is planned and made durable whether or not anybody waits for the answer.
    pub(super) fn send<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&mut WriteTxn) -> Result<Commit<T>, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let change = move |txn: &mut WriteTxn| {
            let Commit { batch, answer, then } = match plan(txn) {
                Ok(planned) => planned,
                Err(error) => return Err(error),
            };
            let changes = batch.is_some();
            batch.map_or(Ok(()), |batch| txn.apply(batch))?;
            let finish = move |durable: Result<(), StoreError>, index: &mut Index| {
                if durable.is_ok() {
                    then(index);
                }
                // The caller may have gone; the change is durable all the same.
                let _ = sender.send(durable.map(|()| answer));
            };
            Ok(Finish { changes, finish: Box::new(finish) })
        };
        let sent = self.commands.send(Command::Change(Box::new(change)));
        sent.map_err(|_| self.failure())?;
        Ok(receiver)
    }

    fn failure(&self) -> StoreError {
        StoreError::Failed(self.failed.get().cloned().unwrap_or_else(|| "the store is closed".to_owned()))
    }

    /// Ends the writer after everything that was asked before.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (sender, closed) = oneshot::channel();
        if self.commands.send(Command::Close(sender)).is_ok() {
            let _ = closed.await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            return Err(StoreError::Failed("the committer panicked".to_owned()));
        }
        self.failed.get().map_or(Ok(()), |why| Err(StoreError::Failed(why.clone())))
    }

    /// How often data was forced to the disk.
    pub(super) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }
}

/// The thread's own side.
struct Writer {
    txn: WriteTxn,
    inbox: Receiver<Command>,
    index: Arc<Mutex<Index>>,
    failed: Arc<OnceLock<String>>,
    flushes: Arc<AtomicU64>,
    closed: bool,
}

/// Marks the store as failed however the thread ends: sled panics on some disk errors.
impl Drop for Writer {
    fn drop(&mut self) {
        if !self.closed {
            let _ = self.failed.set("the committer has ended".to_owned());
        }
    }
}

impl Writer {
    fn run(mut self) {
        while let Ok(first) = self.inbox.recv() {
            let waiting: Vec<_> = std::iter::once(first).chain(self.inbox.try_iter().take(GROUP - 1)).collect();
            let mut closing = None;
            let mut changes = Vec::with_capacity(waiting.len());
            for command in waiting {
                match command {
                    Command::Change(change) => changes.push(change),
                    Command::Close(sender) => closing = Some(sender),
                }
            }
            if self.commit(changes).is_err() || self.tidy().is_err() {
                return;
            }
            if let Some(sender) = closing {
                self.closed = true;
                drop(self);
                let _ = sender.send(());
                return;
            }
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut finishes = Vec::with_capacity(changes.len());
        let mut outcome = Ok(());
        for change in changes {
            match change(&mut self.txn) {
                Ok(finish) => finishes.push(finish),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if outcome.is_ok() && finishes.iter().any(|finish| finish.changes) {
            outcome = self.flush();
        }
        if let Err(error) = &outcome {
            // Changes without an answer fail with this reason, and so do all later ones.
            let _ = self.failed.set(error.reason());
        }
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        for finish in finishes {
            (finish.finish)(outcome.clone(), &mut index);
        }
        outcome
    }

    /// Removes dead chunks. It comes last because nobody waits for it.
    fn tidy(&mut self) -> Result<(), StoreError> {
        let outcome = self.txn.tidy();
        if let Err(error) = &outcome {
            let _ = self.failed.set(error.reason());
        }
        outcome
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.txn.sync()?;
        self.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
