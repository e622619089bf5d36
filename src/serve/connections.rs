//! The open connections of one listener, with their slots and their memory.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::serve::{
    limits::{Limits, SMALL_BYTES},
    log_throttle::LogThrottle,
    peer::Peer,
    strict::Malformed,
    table::{ConnectionResources, IDLE_TIMEOUT, Need, Stage, Table},
    unparsed::UnparsedRequests,
};

/// The most memory that one connection may hold. The largest hook needs far less.
const MAX_HELD_BYTES: usize = 4 * 1024 * 1024;

/// All connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    table: Mutex<Table>,
    slots: Arc<Semaphore>,
    handshaking: Semaphore,
    served: Semaphore,
    small: Semaphore,
    large: Semaphore,
    is_streaming: bool,
    dropped: LogThrottle,
    unread: UnparsedRequests,
}

/// One connection. Its slot and its memory are freed when it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    all: Arc<Connections>,
    peer: Peer,
    number: u64,
    dropped: CancellationToken,
    /// Whether the whole request was read.
    is_read: AtomicBool,
    _slot: OwnedSemaphorePermit,
}

/// A request needs more memory than any hook.
#[derive(Debug, thiserror::Error)]
#[error("the request needs too much memory")]
pub(super) struct TooMuchMemory;

impl Connections {
    pub(super) fn new(limits: Limits, unread: UnparsedRequests) -> Self {
        Self {
            table: Mutex::new(Table::new(limits.share)),
            slots: Arc::new(Semaphore::new(limits.connections)),
            handshaking: Semaphore::new(limits.handshaking),
            served: Semaphore::new(limits.served),
            small: Semaphore::new(limits.small_bodies_bytes),
            large: Semaphore::new(limits.large_bodies_bytes),
            is_streaming: limits.is_streaming,
            dropped: LogThrottle::default(),
            unread,
        }
    }

    /// Registers a new connection of `peer`. If all slots are taken, the slowest client is dropped; hooks that are
    /// being stored are waited for.
    pub(super) async fn enter(self: &Arc<Self>, peer: Peer) -> Arc<Connection> {
        let slots = Arc::clone(&self.slots);
        let slot = if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            slot
        } else {
            self.shed(Need::Slot);
            slots.acquire_owned().await.expect("the semaphore is never closed")
        };
        let (number, dropped) = self.table().enter(peer.network(), Instant::now());
        let is_read = AtomicBool::new(false);
        Arc::new(Connection { all: Arc::clone(self), peer, number, dropped, is_read, _slot: slot })
    }

    /// Drops as many connections as needed, the slowest first.
    fn shed(&self, need: Need) {
        let dropped = self.table().shed(need);
        self.log_dropped(dropped);
    }

    /// Drops an eighth of all, to make room for several. Returns whether any was dropped.
    pub(super) fn shed_some(&self) -> bool {
        let mut table = self.table();
        let dropped = (0..=table.len() / 8).map(|_| table.shed(Need::Slot)).sum();
        drop(table);
        self.log_dropped(dropped);
        dropped > 0
    }

    fn log_dropped(&self, dropped: usize) {
        if dropped > 0
            && let Some(clients) = self.dropped.add(dropped)
        {
            tracing::warn!(clients, "the listener runs short of room: the slowest clients were dropped");
        }
    }

    /// The memory for small bodies that is in use.
    #[cfg(test)]
    pub(super) fn small_bytes_held(&self) -> usize {
        self.table().all().map(|held| held.small_bytes).sum()
    }

    fn free(&self, held: ConnectionResources) {
        self.handshaking.add_permits(held.handshaking);
        self.served.add_permits(held.served);
        self.small.add_permits(held.small_bytes);
        self.large.add_permits(held.large_bytes);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// The other end.
    pub(super) const fn peer(&self) -> Peer {
        self.peer
    }

    /// Records that the request was refused unread.
    pub(super) fn refuse_unread(&self, why: Malformed) {
        self.all.unread.note(why, self.peer);
    }

    /// Waits for room for a TLS handshake.
    pub(super) async fn start_handshake(&self) -> Result<(), TooMuchMemory> {
        self.take(&self.all.handshaking, 1, Need::Handshake).await?;
        self.change(|held| held.handshaking = 1);
        Ok(())
    }

    /// The head is complete. Waits until the request can be served.
    pub(super) async fn start_serving(&self) -> Result<(), TooMuchMemory> {
        self.take(&self.all.served, 1, Need::Served).await?;
        let handshaking = self.change(|held| {
            held.served = 1;
            std::mem::take(&mut held.handshaking)
        });
        self.all.handshaking.add_permits(handshaking.unwrap_or_default());
        Ok(())
    }

    /// Reserves memory for a piece of the request, and waits until there is some.
    pub(super) async fn hold(&self, bytes: usize) -> Result<(), TooMuchMemory> {
        let held = self.all.table().held(self.number).map_or(ConnectionResources::default(), |held| *held);
        if held.small_bytes + held.large_bytes + bytes > MAX_HELD_BYTES {
            return Err(TooMuchMemory);
        }
        let small_bytes = bytes.min(SMALL_BYTES.saturating_sub(held.small_bytes));
        let large_bytes = bytes - small_bytes;
        self.take(&self.all.small, small_bytes, Need::Small(small_bytes)).await?;
        self.change(|held| held.small_bytes += small_bytes);
        self.take(&self.all.large, large_bytes, Need::Large(large_bytes)).await?;
        self.change(|held| held.large_bytes += large_bytes);
        Ok(())
    }

    async fn take(&self, from: &Semaphore, count: usize, need: Need) -> Result<(), TooMuchMemory> {
        let permits = u32::try_from(count).map_err(|_| TooMuchMemory)?;
        let taken = if let Ok(taken) = from.try_acquire_many(permits) {
            taken
        } else {
            self.all.shed(need);
            from.acquire_many(permits).await.expect("the semaphore is never closed")
        };
        taken.forget();
        Ok(())
    }

    fn change<R>(&self, change: impl FnOnce(&mut ConnectionResources) -> R) -> Option<R> {
        self.all.table().held(self.number).map(change)
    }

    /// The client may send a body now.
    pub(super) fn start_body(&self) {
        self.enter_stage(Stage::Body);
    }

    /// Whether bodies are streamed on: they are not kept, and their receiver may be slower than the client.
    pub(super) fn is_streaming(&self) -> bool {
        self.all.is_streaming
    }

    /// The receiver of the body is busy, so the client's clock stops.
    pub(super) fn pause_body(&self) {
        self.enter_stage(Stage::Handling);
    }

    /// The whole request was read.
    pub(super) fn start_handling(&self) {
        self.is_read.store(true, Ordering::Relaxed);
        self.enter_stage(Stage::Handling);
    }

    /// The response begins. Frees the memory of the request.
    pub(super) fn start_response(&self) {
        self.enter_stage(Stage::Response);
        let freed = self.change(|held| {
            let kept = ConnectionResources { served: held.served, ..ConnectionResources::default() };
            ConnectionResources { served: 0, ..std::mem::replace(held, kept) }
        });
        self.all.free(freed.unwrap_or_default());
    }

    /// The rest of a body is read and discarded.
    pub(super) fn start_draining(&self) {
        self.enter_stage(Stage::Draining);
    }

    /// Whether the body is being read, so that its reader can report a slow client.
    pub(super) fn is_body_awaited(&self) -> bool {
        self.all.table().stage(self.number) == Some(Stage::Body)
    }

    /// Whether the request is being handled. It may have come to that just as it was to be dropped.
    pub(super) fn is_being_handled(&self) -> bool {
        self.all.table().stage(self.number) == Some(Stage::Handling)
    }

    /// Whether this connection was dropped to make room for others.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.is_cancelled()
    }

    /// Whether the whole request was read.
    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }

    /// The client has sent or received so many bytes.
    pub(super) fn progress(&self, bytes: usize) {
        self.all.table().progress(self.number, bytes, Instant::now());
    }

    /// Waits until this connection has to end: its client is too slow, or others need the room.
    pub(super) async fn evicted(&self) {
        let _ = self.dropped.run_until_cancelled(self.timed_out()).await;
    }

    async fn timed_out(&self) {
        loop {
            let until = self.all.table().deadline(self.number);
            let now = Instant::now();
            match until {
                Some(until) if until <= now => return,
                Some(until) => sleep_until(until).await,
                // The next stage begins with this much time.
                None => sleep_until(now + IDLE_TIMEOUT).await,
            }
        }
    }

    fn enter_stage(&self, stage: Stage) {
        self.all.table().enter_stage(self.number, stage, Instant::now());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let held = self.all.table().leave(self.number);
        self.all.free(held);
    }
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
