//! The thread that writes the trace: it gathers hops for a moment, and writes them at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    clock,
    domain::address::ContactId,
    trace::{Event, Hop, Wanted, files::Segments},
};

/// How long hops are gathered: so much is missing after a crash.
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// How much is gathered at most.
const GATHERED_BYTES: usize = 64 * 1024;
/// How often what is too old is deleted while nothing happens.
const PRUNED_EVERY: Duration = Duration::from_hours(1);

/// What the thread is asked to do.
pub(super) enum Order {
    Keep(Box<Hop>),
    /// To answer once all before it is written.
    Flush(oneshot::Sender<()>),
    Erase(ContactId, oneshot::Sender<std::io::Result<u64>>),
}

pub(super) struct Writer<R> {
    segments: Segments,
    orders: Receiver<Order>,
    /// How many hops could not wait for this thread.
    missed: Arc<AtomicU64>,
    has_room: R,
    /// Lines that are not written yet, and how many hops they are.
    lines: Vec<u8>,
    hops: u64,
    /// Whether it has been said that nothing can be written.
    is_failing: bool,
}

impl<R: Fn() -> bool> Writer<R> {
    pub(super) const fn new(segments: Segments, orders: Receiver<Order>, missed: Arc<AtomicU64>, has_room: R) -> Self {
        Self { segments, orders, missed, has_room, lines: Vec::new(), hops: 0, is_failing: false }
    }

    /// Works until nobody can tell it anything any more.
    pub(super) fn run(mut self) {
        loop {
            match self.orders.recv_timeout(PRUNED_EVERY) {
                Ok(order) => self.gather(order),
                Err(RecvTimeoutError::Timeout) => {
                    let pruned = self.segments.prune(clock::now()).map_err(|error| error.to_string());
                    self.note(pruned);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes what comes within a moment, and writes it.
    fn gather(&mut self, first: Order) {
        let until = Instant::now() + GATHERED_FOR;
        let mut next = Some(first);
        while let Some(order) = next.take() {
            match order {
                Order::Keep(record) => self.add(&record),
                Order::Flush(written) => {
                    self.write();
                    // Whoever asked may have gone.
                    let _ = written.send(());
                    return;
                }
                Order::Erase(contact, erased) => {
                    self.write();
                    let _ = erased.send(self.segments.erase(Wanted::of_contact(contact)));
                    return;
                }
            }
            if self.lines.len() < GATHERED_BYTES {
                next = self.orders.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
            }
        }
        self.write();
    }

    fn add(&mut self, record: &Hop) {
        let before = self.lines.len();
        if serde_json::to_writer(&mut self.lines, record).is_err() {
            self.lines.truncate(before);
            return;
        }
        self.lines.push(b'\n');
        self.hops += 1;
    }

    /// Writes what was gathered. What cannot be written is missing, and that is noted once something can be.
    fn write(&mut self) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            self.add(&Hop { at: clock::now(), event: Event::Missed, missed: Some(missed), ..Hop::default() });
            self.hops -= 1;
        }
        if self.lines.is_empty() {
            return;
        }
        let written = if (self.has_room)() {
            self.segments.append(&self.lines, clock::now()).map_err(|error| error.to_string())
        } else {
            Err("the disk is almost full".to_owned())
        };
        if written.is_err() {
            self.missed.fetch_add(self.hops + missed, Ordering::Relaxed);
        }
        self.lines.clear();
        self.hops = 0;
        self.note(written);
    }

    /// Says once that nothing can be written, and once that it can be again.
    fn note(&mut self, written: Result<(), String>) {
        match written {
            Err(why) if !self.is_failing => {
                self.is_failing = true;
                tracing::warn!(why, "the trace cannot be written: messages go on without it");
            }
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                tracing::info!("the trace is written again");
            }
            Ok(()) | Err(_) => {}
        }
    }
}
