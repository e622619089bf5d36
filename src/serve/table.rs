//! Who is connected, what they hold, and who has to go when it gets tight. Without I/O: the listener acts on it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a client may take to say what it wants, and how long it may then send nothing of a body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How fast a body has to come. Kommo waits 5 seconds for its answer, so a hook of the usual few kilobytes comes at once, and
/// one of 1 MiB at more than ten times this rate. Whoever is slower only holds a place.
const BYTES_PER_SECOND: u32 = 16 * 1024;
/// Who holds no more than this is spared as long as somebody holds more: a hook is small, whoever else there is.
const SMALL_BYTES: usize = 256 * 1024;

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The client has not said what it wants.
    Head,
    /// The client sends a body.
    Body,
    /// All was read, and the answer is being found: a hook is being stored. Nobody is dropped here.
    Handling,
    /// The client takes the answer.
    Answer,
    /// The client has its answer, and sends what is left of a body.
    Rest,
}

/// One connection.
#[derive(Debug)]
struct Entry {
    stage: Stage,
    /// Until when the client is waited for. It comes with what the client sends or takes, and is the same for fast and slow
    /// who have just begun: the one with the least is the slowest, and among equals the oldest.
    patient_until: Instant,
    held_bytes: usize,
    dropped: CancellationToken,
}

/// What is to become free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Place,
    Bytes(usize),
}

/// All connections of one listener, by the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Table {
    open: BTreeMap<u64, Entry>,
    next: u64,
}

impl Table {
    /// A new connection: its number, and what says that it is dropped.
    pub(super) fn enter(&mut self, now: Instant) -> (u64, CancellationToken) {
        let (number, dropped) = (self.next, CancellationToken::new());
        self.next += 1;
        let entry =
            Entry { stage: Stage::Head, patient_until: now + PATIENCE, held_bytes: 0, dropped: dropped.clone() };
        self.open.insert(number, entry);
        (number, dropped)
    }

    /// A connection has ended. Gives what it held.
    pub(super) fn leave(&mut self, number: u64) -> usize {
        self.open.remove(&number).map_or(0, |entry| entry.held_bytes)
    }

    /// A connection goes on to another stage, with new patience.
    pub(super) fn turn(&mut self, number: u64, stage: Stage, now: Instant) {
        if let Some(entry) = self.open.get_mut(&number) {
            (entry.stage, entry.patient_until) = (stage, now + PATIENCE);
        }
    }

    /// The client has sent or taken so much.
    pub(super) fn progress(&mut self, number: u64, bytes: usize, now: Instant) {
        if let Some(entry) = self.open.get_mut(&number) {
            let earned = PATIENCE.min(Duration::from_secs(bytes as u64) / BYTES_PER_SECOND);
            entry.patient_until = (entry.patient_until + earned).min(now + PATIENCE);
        }
    }

    /// Memory is held for a connection.
    pub(super) fn hold(&mut self, number: u64, bytes: usize) {
        if let Some(entry) = self.open.get_mut(&number) {
            entry.held_bytes += bytes;
        }
    }

    /// What is held for a connection.
    pub(super) fn held_bytes(&self, number: u64) -> usize {
        self.open.get(&number).map_or(0, |entry| entry.held_bytes)
    }

    /// A connection holds no more than this any longer. Gives what is free now.
    pub(super) fn release(&mut self, number: u64, down_to: usize) -> usize {
        self.open.get_mut(&number).map_or(0, |entry| {
            let freed = entry.held_bytes.saturating_sub(down_to);
            entry.held_bytes -= freed;
            freed
        })
    }

    /// What a connection is about.
    pub(super) fn stage(&self, number: u64) -> Option<Stage> {
        self.open.get(&number).map(|entry| entry.stage)
    }

    /// Until when the client is waited for; `None` while it is not the client that is waited for, or the one who writes to
    /// it waits by its own clock.
    pub(super) fn patient_until(&self, number: u64) -> Option<Instant> {
        let entry = self.open.get(&number)?;
        match entry.stage {
            Stage::Head | Stage::Body | Stage::Rest => Some(entry.patient_until),
            Stage::Handling | Stage::Answer => None,
        }
    }

    /// Drops whom it takes until there is enough, the slowest and oldest first. Gives how many.
    pub(super) fn shed(&mut self, need: Need) -> usize {
        let (mut dropped, mut freed) = (0, 0);
        while match need {
            Need::Place => dropped == 0,
            Need::Bytes(bytes) => freed < bytes,
        } {
            let Some(victim) = self.slowest(need) else { break };
            victim.dropped.cancel();
            freed += victim.held_bytes;
            dropped += 1;
        }
        dropped
    }

    fn slowest(&self, need: Need) -> Option<&Entry> {
        let may_go = |entry: &&Entry| entry.stage != Stage::Handling && !entry.dropped.is_cancelled();
        let candidates = self.open.values().filter(may_go);
        match need {
            Need::Place => candidates.min_by_key(|entry| entry.patient_until),
            Need::Bytes(_) => {
                let holding = candidates.filter(|entry| entry.held_bytes > 0);
                holding.min_by_key(|entry| (entry.held_bytes <= SMALL_BYTES, entry.patient_until))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn the_oldest_of_those_who_say_nothing_goes_first() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (_, first) = table.enter(now);
        let (_, second) = table.enter(later(now, 1));
        assert_eq!(table.shed(Need::Place), 1);
        assert!(first.is_cancelled() && !second.is_cancelled());
        // One that is gone already makes no room twice.
        assert_eq!(table.shed(Need::Place), 1);
        assert!(second.is_cancelled());
        assert_eq!(table.shed(Need::Place), 0);
    }

    #[test]
    fn the_slow_go_before_the_fast_even_if_they_are_younger() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (fast, fast_dropped) = table.enter(now);
        table.turn(fast, Stage::Body, now);
        let (slow, slow_dropped) = table.enter(later(now, 1));
        table.turn(slow, Stage::Body, later(now, 1));
        table.progress(fast, 1_000_000, later(now, 4));
        table.progress(slow, 1, later(now, 4));
        assert_eq!(table.shed(Need::Place), 1);
        assert!(slow_dropped.is_cancelled() && !fast_dropped.is_cancelled());
    }

    #[test]
    fn a_hook_that_is_being_stored_is_never_dropped() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (number, dropped) = table.enter(now);
        table.hold(number, 1_000_000);
        table.turn(number, Stage::Handling, now);
        assert_eq!((table.shed(Need::Place), table.shed(Need::Bytes(1))), (0, 0));
        assert!(!dropped.is_cancelled());
        table.turn(number, Stage::Answer, now);
        assert_eq!(table.shed(Need::Place), 1);
    }

    #[test]
    fn a_body_has_to_come_at_the_rate_and_no_head_start_lasts_longer_than_the_patience() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (number, _) = table.enter(now);
        table.turn(number, Stage::Body, now);
        // Everything at once earns no more than the patience, however much it is.
        table.progress(number, 1_000_000, now);
        assert_eq!(table.patient_until(number), Some(later(now, 5)));
        // Half of the rate: every two seconds earn one.
        table.progress(number, 16 * 1024, later(now, 2));
        assert_eq!(table.patient_until(number), Some(later(now, 6)));
        table.progress(number, 16 * 1024, later(now, 4));
        assert_eq!(table.patient_until(number), Some(later(now, 7)));
        // At the rate, it stays.
        table.progress(number, 48 * 1024, later(now, 7));
        assert_eq!(table.patient_until(number), Some(later(now, 10)));
    }

    #[test]
    fn those_who_hold_much_go_before_those_who_hold_little_and_nobody_without_need() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (small, small_dropped) = table.enter(now);
        table.hold(small, 10_000);
        let (empty, empty_dropped) = table.enter(now);
        let large: Vec<_> = (1..=3).map(|n| (table.enter(later(now, n)), n)).collect();
        for ((number, _), _) in &large {
            table.hold(*number, 1_000_000);
        }
        assert_eq!(table.shed(Need::Bytes(1_500_000)), 2);
        let dropped: Vec<_> = large.iter().map(|((_, dropped), _)| dropped.is_cancelled()).collect();
        assert_eq!(dropped, [true, true, false]);
        assert_eq!(table.shed(Need::Bytes(1_000_001)), 2);
        assert!(small_dropped.is_cancelled() && !empty_dropped.is_cancelled());
        assert_eq!((table.held_bytes(small), table.held_bytes(empty)), (10_000, 0));
        assert_eq!((table.release(small, 4000), table.leave(small)), (6000, 4000));
    }

    #[test]
    fn only_a_client_that_is_waited_for_runs_out_of_patience() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (number, _) = table.enter(now);
        for (stage, waits) in [
            (Stage::Head, true),
            (Stage::Body, true),
            (Stage::Handling, false),
            (Stage::Answer, false),
            (Stage::Rest, true),
        ] {
            table.turn(number, stage, now);
            assert_eq!(table.patient_until(number).is_some(), waits, "{stage:?}");
        }
    }
}
