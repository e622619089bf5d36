//! The open connections, what they hold, and which to drop when resources run out. Without I/O: the listener acts on
//! it.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a client may take for the head, and how long it may then send nothing of a body.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// The minimum rate of a body. Kommo waits 5 seconds for the response, so a usual hook of a few kilobytes arrives at
/// once, and one of 1 MiB at more than ten times this rate. A slower client only occupies a slot.
const BYTES_PER_SECOND: u32 = 16 * 1024;
/// The stage of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The head is incomplete.
    Head,
    /// The client sends a body.
    Body,
    /// The request was read and is being handled: a hook is being stored. Such connections are never dropped.
    Handling,
    /// The client receives the response.
    Response,
    /// The client has its response, and sends the rest of a body.
    Draining,
}

impl Stage {
    /// Whether such a connection counts towards the share of its network.
    const fn counts(self) -> bool {
        match self {
            Self::Head | Self::Body | Self::Response | Self::Draining => true,
            Self::Handling => false,
        }
    }
}

#[derive(Debug)]
struct Entry {
    /// The client's network; `None` for a proxy.
    network: Option<IpAddr>,
    stage: Stage,
    /// The client's deadline, which moves with each byte that it sends or receives. New connections all have the same
    /// time left, so the one with the earliest deadline is the slowest, and among equals the oldest.
    deadline: Instant,
    held: ConnectionResources,
    dropped: CancellationToken,
}

/// The resources of a connection beside its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionResources {
    /// 1 during the TLS handshake and the head that follows, which need buffers, too.
    pub(super) handshaking: usize,
    /// 1 while its request is served: its buffers are large.
    pub(super) served: usize,
    /// Memory of heads, of small bodies, and of the beginnings of large ones.
    pub(super) small_bytes: usize,
    /// Memory of the rest of large ones.
    pub(super) large_bytes: usize,
}

/// What has to be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Slot,
    Handshake,
    Served,
    Small(usize),
    Large(usize),
}

impl Need {
    /// Whether the need is met once `count` connections with these resources are dropped.
    const fn is_met(self, count: usize, freed: ConnectionResources) -> bool {
        match self {
            Self::Slot => count > 0,
            Self::Handshake => freed.handshaking > 0,
            Self::Served => freed.served > 0,
            Self::Small(bytes) => freed.small_bytes >= bytes,
            Self::Large(bytes) => freed.large_bytes >= bytes,
        }
    }

    const fn is_memory(self) -> bool {
        match self {
            Self::Slot | Self::Handshake | Self::Served => false,
            Self::Small(_) | Self::Large(_) => true,
        }
    }

    /// Whether dropping a connection helps.
    const fn is_helped_by(self, held: ConnectionResources) -> bool {
        match self {
            Self::Slot => true,
            Self::Handshake => held.handshaking > 0,
            Self::Served => held.served > 0,
            Self::Small(_) => held.small_bytes > 0,
            Self::Large(_) => held.large_bytes > 0,
        }
    }
}

/// All connections of one listener, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Table {
    open: BTreeMap<u64, Entry>,
    /// How many connections each network has, without those whose hooks are being stored.
    networks: HashMap<IpAddr, usize>,
    /// How many a network may have before its own are dropped first.
    share: usize,
    next: u64,
}

impl Table {
    /// A table with this share per network.
    pub(super) fn new(share: usize) -> Self {
        Self { share, ..Self::default() }
    }

    /// Adds a connection from `network`. Returns its number, and the token that is cancelled when it is dropped.
    pub(super) fn enter(&mut self, network: Option<IpAddr>, now: Instant) -> (u64, CancellationToken) {
        let (number, dropped) = (self.next, CancellationToken::new());
        self.next += 1;
        self.count(network);
        let entry = Entry {
            network,
            stage: Stage::Head,
            deadline: now + IDLE_TIMEOUT,
            held: ConnectionResources::default(),
            dropped: dropped.clone(),
        };
        self.open.insert(number, entry);
        (number, dropped)
    }

    /// The number of connections.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Removes a connection. Returns what it held.
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

    /// A connection enters another stage, with a new deadline.
    pub(super) fn enter_stage(&mut self, number: u64, stage: Stage, now: Instant) {
        let Some(entry) = self.open.get_mut(&number) else { return };
        let (network, counted) = (entry.network, entry.stage.counts());
        (entry.stage, entry.deadline) = (stage, now + IDLE_TIMEOUT);
        match (counted, stage.counts()) {
            (true, false) => self.uncount(network),
            (false, true) => self.count(network),
            (true, true) | (false, false) => {}
        }
    }

    /// The client has sent or received so many bytes.
    pub(super) fn progress(&mut self, number: u64, bytes: usize, now: Instant) {
        if let Some(entry) = self.open.get_mut(&number) {
            let earned = IDLE_TIMEOUT.min(Duration::from_secs(bytes as u64) / BYTES_PER_SECOND);
            entry.deadline = (entry.deadline + earned).min(now + IDLE_TIMEOUT);
        }
    }

    /// The resources of a connection.
    pub(super) fn held(&mut self, number: u64) -> Option<&mut ConnectionResources> {
        self.open.get_mut(&number).map(|entry| &mut entry.held)
    }

    /// The resources of each connection.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = ConnectionResources> {
        self.open.values().map(|entry| entry.held)
    }

    /// The stage of a connection.
    pub(super) fn stage(&self, number: u64) -> Option<Stage> {
        self.open.get(&number).map(|entry| entry.stage)
    }

    /// The client's deadline; `None` while the client is not waited for, and during the response, which has its own
    /// timeout.
    pub(super) fn deadline(&self, number: u64) -> Option<Instant> {
        let entry = self.open.get(&number)?;
        match entry.stage {
            Stage::Head | Stage::Body | Stage::Draining => Some(entry.deadline),
            Stage::Handling | Stage::Response => None,
        }
    }

    /// Drops connections until the need is met, the slowest and oldest first. Returns how many.
    pub(super) fn shed(&mut self, need: Need) -> usize {
        let (mut count, mut freed) = (0, ConnectionResources::default());
        while !need.is_met(count, freed) {
            let Some(victim) = self.slowest(need) else { break };
            victim.dropped.cancel();
            freed.handshaking += victim.held.handshaking;
            freed.served += victim.held.served;
            freed.small_bytes += victim.held.small_bytes;
            freed.large_bytes += victim.held.large_bytes;
            count += 1;
        }
        count
    }

    /// Connections of a network above its share are dropped first. For memory, large bodies are: hooks are small.
    fn slowest(&self, need: Need) -> Option<&Entry> {
        let may_be_dropped = |entry: &&Entry| entry.stage != Stage::Handling && !entry.dropped.is_cancelled();
        let candidates = self.open.values().filter(may_be_dropped).filter(|entry| need.is_helped_by(entry.held));
        let is_spared = |entry: &Entry| need.is_memory() && entry.held.large_bytes == 0;
        candidates.min_by_key(|entry| (self.is_within_share(entry), is_spared(entry), entry.deadline))
    }

    fn is_within_share(&self, entry: &Entry) -> bool {
        let count = entry.network.and_then(|network| self.networks.get(&network));
        count.is_none_or(|count| *count <= self.share)
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
