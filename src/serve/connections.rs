//! The open connections of one listener, with their places and their memory.

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
    strict::Irregular,
    table::{ConnectionResources, Need, PATIENCE, Stage, Table},
    unparsed::UnparsedRequests,
};

/// What one connection may hold in all. The largest hook is far below.
const MOST_HELD_BYTES: usize = 4 * 1024 * 1024;

/// All connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    table: Mutex<Table>,
    places: Arc<Semaphore>,
    greeted: Semaphore,
    served: Semaphore,
    small: Semaphore,
    large: Semaphore,
    is_flowing: bool,
    dropped: LogThrottle,
    unread: UnparsedRequests,
}

/// One of them. Its place and its memory are free again once nobody has it.
#[derive(Debug)]
pub(super) struct Connection {
    all: Arc<Connections>,
    peer: Peer,
    number: u64,
    dropped: CancellationToken,
    /// Whether all that the client had to send was read.
    is_read: AtomicBool,
    _place: OwnedSemaphorePermit,
}

/// A client wants more memory than any hook needs.
#[derive(Debug, thiserror::Error)]
#[error("the request holds too much memory")]
pub(super) struct TooMuchMemory;

impl Connections {
    pub(super) fn new(limits: Limits, unread: UnparsedRequests) -> Self {
        Self {
            table: Mutex::new(Table::new(limits.share)),
            places: Arc::new(Semaphore::new(limits.connections)),
            greeted: Semaphore::new(limits.greeted),
            served: Semaphore::new(limits.served),
            small: Semaphore::new(limits.small_bodies_bytes),
            large: Semaphore::new(limits.large_bodies_bytes),
            is_flowing: limits.is_flowing,
            dropped: LogThrottle::default(),
            unread,
        }
    }

    /// A place for a new connection of `peer`. Where all are taken, the slowest client has to go; a hook that is being
    /// stored is waited for.
    pub(super) async fn enter(self: &Arc<Self>, peer: Peer) -> Arc<Connection> {
        let places = Arc::clone(&self.places);
        let place = if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            place
        } else {
            self.shed(Need::Place);
            places.acquire_owned().await.expect("the semaphore is never closed")
        };
        let (number, dropped) = self.table().enter(peer.network(), Instant::now());
        let is_read = AtomicBool::new(false);
        Arc::new(Connection { all: Arc::clone(self), peer, number, dropped, is_read, _place: place })
    }

    /// Drops whom it takes to make room, the slowest first.
    fn shed(&self, need: Need) {
        let dropped = self.table().shed(need);
        self.say(dropped);
    }

    /// Drops an eighth of all, so that there is room for more than one. Returns whether there was anybody to drop.
    pub(super) fn shed_some(&self) -> bool {
        let mut table = self.table();
        let dropped = (0..=table.len() / 8).map(|_| table.shed(Need::Place)).sum();
        drop(table);
        self.say(dropped);
        dropped > 0
    }

    fn say(&self, dropped: usize) {
        if dropped > 0
            && let Some(clients) = self.dropped.said(dropped)
        {
            tracing::warn!(clients, "it gets tight: the slowest clients are dropped to make room for others");
        }
    }

    /// What all hold of the memory for small bodies.
    #[cfg(test)]
    pub(super) fn small_bytes_held(&self) -> usize {
        self.table().all().map(|held| held.small_bytes).sum()
    }

    fn free(&self, held: ConnectionResources) {
        self.greeted.add_permits(held.greeted);
        self.served.add_permits(held.served);
        self.small.add_permits(held.small_bytes);
        self.large.add_permits(held.large_bytes);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Who is at its other end.
    pub(super) const fn peer(&self) -> Peer {
        self.peer
    }

    /// What the client has said is not read.
    pub(super) fn is_not_read(&self, why: Irregular) {
        self.all.unread.note(why, self.peer);
    }

    /// The client begins to speak TLS. Waits until there is room for that.
    pub(super) async fn is_to_be_greeted(&self) -> Result<(), TooMuchMemory> {
        self.take(&self.all.greeted, 1, Need::Greeted).await?;
        self.change(|held| held.greeted = 1);
        Ok(())
    }

    /// The client has said what it wants. Waits until it can be served.
    pub(super) async fn is_to_be_served(&self) -> Result<(), TooMuchMemory> {
        self.take(&self.all.served, 1, Need::Served).await?;
        let greeted = self.change(|held| {
            held.served = 1;
            std::mem::take(&mut held.greeted)
        });
        self.all.greeted.add_permits(greeted.unwrap_or_default());
        Ok(())
    }

    /// Takes memory for a piece of this connection's request, and waits for it if there is none.
    pub(super) async fn hold(&self, bytes: usize) -> Result<(), TooMuchMemory> {
        let held = self.all.table().held(self.number).map_or(ConnectionResources::default(), |held| *held);
        if held.small_bytes + held.large_bytes + bytes > MOST_HELD_BYTES {
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

    /// The client has said what it wants, and may send a body.
    pub(super) fn has_asked(&self) {
        self.turn(Stage::Body);
    }

    /// Whether bodies flow through: they are kept nowhere, and whoever they go to may be slower than the client.
    pub(super) fn is_flowing(&self) -> bool {
        self.all.is_flowing
    }

    /// Nobody asks for more of the body for now, so it is not the client that is waited for.
    pub(super) fn is_put_off(&self) {
        self.turn(Stage::Handling);
    }

    /// All that the client had to send was read.
    pub(super) fn is_handled(&self) {
        self.is_read.store(true, Ordering::Relaxed);
        self.turn(Stage::Handling);
    }

    /// There is an answer. What was held of the request is not needed any more.
    pub(super) fn is_answered(&self) {
        self.turn(Stage::Answer);
        let freed = self.change(|held| {
            let kept = ConnectionResources { served: held.served, ..ConnectionResources::default() };
            ConnectionResources { served: 0, ..std::mem::replace(held, kept) }
        });
        self.all.free(freed.unwrap_or_default());
    }

    /// What is left of a body is read for nothing.
    pub(super) fn is_drained(&self) {
        self.turn(Stage::Rest);
    }

    /// Whether somebody reads the body, and will hear that its client is too slow.
    pub(super) fn is_body_awaited(&self) -> bool {
        self.all.table().stage(self.number) == Some(Stage::Body)
    }

    /// Whether all was read and the answer is being found: it came to that in the moment in which it was to be dropped.
    pub(super) fn is_being_handled(&self) -> bool {
        self.all.table().stage(self.number) == Some(Stage::Handling)
    }

    /// Whether this connection makes room for others.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped.is_cancelled()
    }

    /// Whether all that the client had to send was read.
    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }

    /// The client has sent or taken so much.
    pub(super) fn progress(&self, bytes: usize) {
        self.all.table().progress(self.number, bytes, Instant::now());
    }

    /// Waits until this connection has to end: its client is too slow, or others need the room.
    pub(super) async fn has_to_end(&self) {
        let _ = self.dropped.run_until_cancelled(self.runs_out_of_patience()).await;
    }

    async fn runs_out_of_patience(&self) {
        loop {
            let until = self.all.table().patient_until(self.number);
            let now = Instant::now();
            match until {
                Some(until) if until <= now => return,
                Some(until) => sleep_until(until).await,
                // The next stage begins with this much.
                None => sleep_until(now + PATIENCE).await,
            }
        }
    }

    fn turn(&self, stage: Stage) {
        self.all.table().turn(self.number, stage, Instant::now());
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
