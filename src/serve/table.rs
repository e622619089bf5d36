//! Who is connected, what they hold, and who has to go when it gets tight. Without I/O: the listener acts on it.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a client may take to say what it wants, and how long it may then send nothing of a body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How fast a body has to come. Kommo waits 5 seconds for its answer, so a hook of the usual few kilobytes comes at
/// once, and one of 1 MiB at more than ten times this rate. A slower client only occupies a place.
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

impl Stage {
    /// Whether such a connection counts in the share of its network.
    const fn counts(self) -> bool {
        match self {
            Self::Head | Self::Body | Self::Answer | Self::Rest => true,
            Self::Handling => false,
        }
    }
}

#[derive(Debug)]
struct Entry {
    /// Whose it is; `None` if it speaks for many.
    network: Option<IpAddr>,
    stage: Stage,
    /// The deadline of the client, which moves on with each byte that it sends or takes. Connections that have just
    /// begun all have the same time left, so the one with the earliest deadline is the slowest, and among equals the
    /// oldest.
    patient_until: Instant,
    held: ConnectionResources,
    dropped: CancellationToken,
}

/// What a connection takes beside its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionResources {
    /// 1 while TLS is set up and the head comes: that takes buffers, too.
    pub(super) greeted: usize,
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
    Greeted,
    Served,
    Small(usize),
    Large(usize),
}

impl Need {
    /// Whether it is met once `count` connections that held this much are gone.
    const fn is_met(self, count: usize, freed: ConnectionResources) -> bool {
        match self {
            Self::Place => count > 0,
            Self::Greeted => freed.greeted > 0,
            Self::Served => freed.served > 0,
            Self::Small(bytes) => freed.small_bytes >= bytes,
            Self::Large(bytes) => freed.large_bytes >= bytes,
        }
    }

    const fn is_memory(self) -> bool {
        match self {
            Self::Place | Self::Greeted | Self::Served => false,
            Self::Small(_) | Self::Large(_) => true,
        }
    }

    /// Whether it helps that somebody goes.
    const fn is_helped_by(self, held: ConnectionResources) -> bool {
        match self {
            Self::Place => true,
            Self::Greeted => held.greeted > 0,
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
    /// How many connections each network has, without those whose hooks are being stored: they have done their part.
    networks: HashMap<IpAddr, usize>,
    /// How many a network may have until its own make room first.
    share: usize,
    next: u64,
}

impl Table {
    /// A table in which a network has a `share` of so many connections.
    pub(super) fn new(share: usize) -> Self {
        Self { share, ..Self::default() }
    }

    /// A new connection from `network`: its number, and what says that it is dropped.
    pub(super) fn enter(&mut self, network: Option<IpAddr>, now: Instant) -> (u64, CancellationToken) {
        let (number, dropped) = (self.next, CancellationToken::new());
        self.next += 1;
        self.count(network);
        let entry = Entry {
            network,
            stage: Stage::Head,
            patient_until: now + PATIENCE,
            held: ConnectionResources::default(),
            dropped: dropped.clone(),
        };
        self.open.insert(number, entry);
        (number, dropped)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// A connection has ended. Returns what it held.
    pub(super) fn leave(&mut self, number: u64) -> ConnectionResources {
        let Some(entry) = self.open.remove(&number) else { return ConnectionResources::default() };
        if entry.stage.counts() {
            self.uncount(entry.network);
        }
        entry.held
    }

    fn count(&mut self, network: Option<IpAddr>) {
        if let Some(network) = network {
            *self.networks.entry(network).or_default() += 1;
        }
    }

    fn uncount(&mut self, network: Option<IpAddr>) {
        if let Some(network) = network
            && let Some(count) = self.networks.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&network);
            }
        }
    }

    /// A connection goes on to another stage, with new patience.
    pub(super) fn turn(&mut self, number: u64, stage: Stage, now: Instant) {
        let Some(entry) = self.open.get_mut(&number) else { return };
        let (network, counted) = (entry.network, entry.stage.counts());
        (entry.stage, entry.patient_until) = (stage, now + PATIENCE);
        match (counted, stage.counts()) {
            (true, false) => self.uncount(network),
            (false, true) => self.count(network),
            (true, true) | (false, false) => {}
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
    pub(super) fn held(&mut self, number: u64) -> Option<&mut ConnectionResources> {
        self.open.get_mut(&number).map(|entry| &mut entry.held)
    }

    /// What each connection holds.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = ConnectionResources> {
        self.open.values().map(|entry| entry.held)
    }

    /// What a connection is about.
    pub(super) fn stage(&self, number: u64) -> Option<Stage> {
        self.open.get(&number).map(|entry| entry.stage)
    }

    /// Until when the client is waited for; `None` while it is not the client that is waited for, or the one who writes
    /// to it waits by its own clock.
    pub(super) fn patient_until(&self, number: u64) -> Option<Instant> {
        let entry = self.open.get(&number)?;
        match entry.stage {
            Stage::Head | Stage::Body | Stage::Rest => Some(entry.patient_until),
            Stage::Handling | Stage::Answer => None,
        }
    }

    /// Drops whom it takes until there is enough, the slowest and oldest first. Returns how many.
    pub(super) fn shed(&mut self, need: Need) -> usize {
        let (mut count, mut freed) = (0, ConnectionResources::default());
        while !need.is_met(count, freed) {
            let Some(victim) = self.slowest(need) else { break };
            victim.dropped.cancel();
            freed.greeted += victim.held.greeted;
            freed.served += victim.held.served;
            freed.small_bytes += victim.held.small_bytes;
            freed.large_bytes += victim.held.large_bytes;
            count += 1;
        }
        count
    }

    /// Those of a network that has more than its share give first. Of memory, the large bodies do: a hook is small,
    /// whoever else there is.
    fn slowest(&self, need: Need) -> Option<&Entry> {
        let may_go = |entry: &&Entry| entry.stage != Stage::Handling && !entry.dropped.is_cancelled();
        let candidates = self.open.values().filter(may_go).filter(|entry| need.is_helped_by(entry.held));
        let is_spared = |entry: &Entry| need.is_memory() && entry.held.large_bytes == 0;
        candidates.min_by_key(|entry| (self.is_within_share(entry), is_spared(entry), entry.patient_until))
    }

    fn is_within_share(&self, entry: &Entry) -> bool {
        let count = entry.network.and_then(|network| self.networks.get(&network));
        count.is_none_or(|count| *count <= self.share)
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
