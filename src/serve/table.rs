//! Who is connected, what they hold, and who has to go when it gets tight. Without I/O: the listener acts on it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a client may take to say what it wants, and how long it may then send nothing of a body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How fast a body has to come. Kommo waits 5 seconds for its answer, so a hook of the usual few kilobytes comes at once, and
/// one of 1 MiB at more than ten times this rate. Whoever is slower only holds a place.
const BYTES_PER_SECOND: u32 = 16 * 1024;
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
    held: Held,
    dropped: CancellationToken,
}

/// What a connection takes beside its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// 1 while its request is served: its buffers are large.
    pub(super) served: usize,
    /// Memory of heads, of small bodies, and of the beginnings of large ones.
    pub(super) small_bytes: usize,
    /// Memory of the rest of large ones.
    pub(super) large_bytes: usize,
}

/// What is to become free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Place,
    Served,
    Small(usize),
    Large(usize),
}

impl Need {
    /// Whether it is met once `count` connections that held this much are gone.
    const fn is_met(self, count: usize, freed: Held) -> bool {
        match self {
            Self::Place => count > 0,
            Self::Served => freed.served > 0,
            Self::Small(bytes) => freed.small_bytes >= bytes,
            Self::Large(bytes) => freed.large_bytes >= bytes,
        }
    }

    const fn is_memory(self) -> bool {
        match self {
            Self::Place | Self::Served => false,
            Self::Small(_) | Self::Large(_) => true,
        }
    }

    /// Whether it helps that somebody goes.
    const fn is_helped_by(self, held: Held) -> bool {
        match self {
            Self::Place => true,
            Self::Served => held.served > 0,
            Self::Small(_) => held.small_bytes > 0,
            Self::Large(_) => held.large_bytes > 0,
        }
    }
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
        let entry = Entry {
            stage: Stage::Head,
            patient_until: now + PATIENCE,
            held: Held::default(),
            dropped: dropped.clone(),
        };
        self.open.insert(number, entry);
        (number, dropped)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// A connection has ended. Gives what it held.
    pub(super) fn leave(&mut self, number: u64) -> Held {
        self.open.remove(&number).map_or(Held::default(), |entry| entry.held)
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

    /// What is held for a connection, to be changed.
    pub(super) fn held(&mut self, number: u64) -> Option<&mut Held> {
        self.open.get_mut(&number).map(|entry| &mut entry.held)
    }

    /// What each connection holds.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = Held> {
        self.open.values().map(|entry| entry.held)
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
        let (mut count, mut freed) = (0, Held::default());
        while !need.is_met(count, freed) {
            let Some(victim) = self.slowest(need) else { break };
            victim.dropped.cancel();
            freed.served += victim.held.served;
            freed.small_bytes += victim.held.small_bytes;
            freed.large_bytes += victim.held.large_bytes;
            count += 1;
        }
        count
    }

    /// Of memory, the large bodies give first: a hook is small, whoever else there is.
    fn slowest(&self, need: Need) -> Option<&Entry> {
        let may_go = |entry: &&Entry| entry.stage != Stage::Handling && !entry.dropped.is_cancelled();
        let candidates = self.open.values().filter(may_go).filter(|entry| need.is_helped_by(entry.held));
        let is_spared = |entry: &Entry| need.is_memory() && entry.held.large_bytes == 0;
        candidates.min_by_key(|entry| (is_spared(entry), entry.patient_until))
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
        *table.held(number).unwrap() = Held { served: 1, small_bytes: 10, large_bytes: 10 };
        table.turn(number, Stage::Handling, now);
        for need in [Need::Place, Need::Served, Need::Small(1), Need::Large(1)] {
            assert_eq!(table.shed(need), 0, "{need:?}");
        }
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

    /// Connections that hold this much, the first being the oldest.
    fn holding<const N: usize>(held: [(usize, usize); N]) -> (Table, [CancellationToken; N]) {
        let (mut table, now) = (Table::default(), Instant::now());
        let tokens = held.map(|(small_bytes, large_bytes)| {
            let (number, dropped) = table.enter(later(now, table.next));
            *table.held(number).unwrap() = Held { served: usize::from(large_bytes > 0), small_bytes, large_bytes };
            dropped
        });
        (table, tokens)
    }

    #[test]
    fn large_bodies_give_their_memory_before_small_ones_and_nobody_goes_without_need() {
        let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900), (32, 700), (32, 800)]);
        let mut shed = |need| (table.shed(need), tokens.each_ref().map(CancellationToken::is_cancelled));
        assert_eq!(shed(Need::Large(1000)), (2, [false, false, true, true, false]));
        assert_eq!(shed(Need::Small(32)), (1, [false, false, true, true, true]));
        assert_eq!(shed(Need::Large(1)), (0, [false, false, true, true, true]));
        assert_eq!(shed(Need::Small(11)), (1, [true, false, true, true, true]));
        assert_eq!(table.leave(3), Held { served: 1, small_bytes: 32, large_bytes: 700 });
    }

    #[test]
    fn who_is_not_served_makes_no_room_for_whom_is_to_be() {
        let (mut table, tokens) = holding([(10, 0), (0, 0), (32, 900)]);
        assert_eq!((table.shed(Need::Served), table.shed(Need::Served)), (1, 0));
        assert_eq!(tokens.each_ref().map(CancellationToken::is_cancelled), [false, false, true]);
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
