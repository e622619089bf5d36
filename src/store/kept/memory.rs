//! The kept updates and the programs in memory: the numbers, ages and sizes. It follows the tree, and changes only
//! after a commit.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    domain::{address::BotId, time::UnixMillis},
    store::{
        StoreError,
        db::Db,
        kept::{Bounds, Kept, KeptKey, KeptUpdate},
        programs::ProgramRow,
        rows,
        scan::scan,
        tables::{KEPT, PROGRAMS},
    },
};

/// One kept update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Entry {
    pub(in crate::store) number: i64,
    pub(in crate::store) at: UnixMillis,
    pub(in crate::store) bytes: usize,
}

/// The updates of one bot, by their numbers.
#[derive(Debug, Default)]
pub(in crate::store) struct Queue {
    pub(in crate::store) entries: VecDeque<Entry>,
    /// Notified whenever there are new ones.
    pub(in crate::store) news: Arc<Notify>,
}

impl Queue {
    /// The position of the first update with this number or a later one.
    pub(in crate::store) fn place(&self, number: i64) -> usize {
        self.entries.partition_point(|entry| entry.number < number)
    }

    fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.bytes as u64).sum()
    }
}

#[derive(Debug, Default)]
pub(in crate::store) struct Memory {
    pub(in crate::store) queues: BTreeMap<BotId, Queue>,
    pub(in crate::store) programs: BTreeMap<String, ProgramRow>,
}

/// The memory, shared with the writer.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct SharedMemory(Arc<Mutex<Memory>>);

impl SharedMemory {
    /// Reads the memory from the tree.
    pub(in crate::store) fn read(db: &Db) -> Result<Self, StoreError> {
        let mut memory = Memory::default();
        for entry in scan(db, &KEPT.prefix) {
            let (key, value) = entry?;
            let (place, update) = (KEPT.read_key(&key), rows::read::<KeptUpdate>(&key, &value));
            if let (Some(place), Some(update)) = (place, update) {
                let entry = Entry { number: place.number, at: update.at, bytes: value.len() };
                memory.queues.entry(place.bot).or_default().entries.push_back(entry);
            }
        }
        for row in PROGRAMS.rows(db) {
            memory.programs.extend([row?]);
        }
        Ok(Self(Arc::new(Mutex::new(memory))))
    }

    pub(in crate::store) fn with<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory {
    /// New updates are kept, or were withheld.
    pub(in crate::store) fn kept(&mut self, Kept { added, changed }: Kept) {
        self.programs.extend(changed);
        for (bot, entry) in added {
            let queue = self.queues.entry(bot).or_default();
            queue.entries.push_back(entry);
            queue.news.notify_waiters();
        }
    }

    /// Updates have been removed.
    pub(in crate::store) fn removed(&mut self, removed: &[KeptKey]) {
        for key in removed {
            if let Some(queue) = self.queues.get_mut(&key.bot) {
                let place = queue.place(key.number);
                if queue.entries.get(place).is_some_and(|entry| entry.number == key.number) {
                    queue.entries.remove(place);
                }
            }
        }
    }

    pub(super) fn dropped(&mut self, removed: &[KeptKey], changed: BTreeMap<String, ProgramRow>) {
        self.removed(removed);
        self.programs.extend(changed);
    }

    pub(in crate::store) fn bytes(&self) -> u64 {
        self.queues.values().map(Queue::bytes).sum()
    }

    /// The updates beyond the bounds, at most `limit`.
    pub(super) fn beyond(&self, bounds: Bounds, limit: usize) -> Vec<KeptKey> {
        let mut left = self.bytes();
        let mut queues: Vec<_> =
            self.queues.iter().map(|(bot, queue)| (*bot, queue.bytes(), queue.entries.iter().peekable())).collect();
        let mut beyond = Vec::new();
        while beyond.len() < limit {
            let is_old = queues.iter_mut().position(|(.., queue)| queue.peek().is_some_and(|it| it.at < bounds.before));
            let fullest = || queues.iter().enumerate().max_by_key(|(_, (_, bytes, _))| *bytes).map(|(place, _)| place);
            let is_over = left > bounds.max_bytes;
            let Some(place) = is_old.or_else(|| fullest().filter(|_| is_over)) else { break };
            let (bot, bytes, queue) = &mut queues[place];
            let Some(entry) = queue.next() else { break };
            let freed = entry.bytes as u64;
            (*bytes, left) = (bytes.saturating_sub(freed), left.saturating_sub(freed));
            beyond.push(KeptKey { bot: *bot, number: entry.number });
        }
        beyond
    }
}

/// Counts the updates that a program loses. Returns whether it loses any.
pub(super) fn lose(row: &mut ProgramRow, beyond: &[KeptKey]) -> bool {
    let is_lost = |key: &&KeptKey| !row.is_away && key.bot == row.bot && row.waits_for(key.number);
    let lost = beyond.iter().filter(is_lost).count();
    row.dropped += lost as u64;
    lost > 0
}
