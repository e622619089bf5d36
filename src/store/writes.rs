//! Changes of the tree, and how much of sled's log they take.
//!
//! sled reuses a segment of its file once its content has been written elsewhere, one segment (512 KiB of log) later.
//! It does not check that the copy is on the disk. So no more than a segment may be written between two syncs, or a
//! power cut can lose what was acknowledged long before.

/// Changes that sled makes atomically.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Writes {
    changes: Vec<Change>,
    bytes: usize,
}

/// A key, and its new value; `None` removes the row.
type Change = (Vec<u8>, Option<Vec<u8>>);

impl Writes {
    /// How many bytes of chunks are written in one step.
    pub(super) const STEP_BYTES: usize = 40 * 1024;

    pub(super) fn insert(&mut self, key: &[u8], value: &[u8]) {
        self.push((key.to_vec(), Some(value.to_vec())));
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.push((key.to_vec(), None));
    }

    fn push(&mut self, change: Change) {
        self.bytes += bytes(&change);
        self.changes.push(change);
    }

    /// An upper estimate of the bytes of log that it takes. Each row is written by itself, with its page, and with each
    /// half of the page when that is split; and sled clears segments by rewriting what is left in them.
    pub(super) const fn log_bytes(&self) -> usize {
        self.bytes * 6 + self.changes.len() * 512
    }

    /// The changes as sled's type.
    pub(super) fn batch(self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in self.changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }

    /// The changes in steps of at most so many bytes of log. Inserts come first: a reader in between finds a moved row
    /// in both places rather than in none.
    pub(super) fn steps(self, most_log_bytes: usize) -> Vec<Self> {
        let (inserts, removals): (Vec<_>, Vec<_>) = self.changes.into_iter().partition(|(_, value)| value.is_some());
        let mut steps = vec![Self::default()];
        for change in inserts.into_iter().chain(removals) {
            let next = Self { bytes: bytes(&change), changes: vec![change] };
            match steps.last_mut() {
                Some(step) if step.log_bytes() + next.log_bytes() <= most_log_bytes => {
                    next.changes.into_iter().for_each(|change| step.push(change));
                }
                Some(_) | None => steps.push(next),
            }
        }
        steps
    }

    /// The changes as one value.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&self.changes).expect("bytes are always JSON")
    }

    /// Reads what [`Writes::encode`] wrote.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut writes = Self::default();
        let changes: Vec<Change> = serde_json::from_slice(value).ok()?;
        for change in changes {
            writes.push(change);
        }
        Some(writes)
    }
}

fn bytes((key, value): &Change) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len)
}

/// The writes that a batch needs.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// Chunks, in small steps. They can be written one by one, because no row refers to them yet.
    pub(super) ahead: Vec<Writes>,
    pub(super) rows: Writes,
    /// The ids of the chunks that no row refers to afterwards.
    pub(super) dead: Vec<u64>,
}

impl Prepared {
    pub(super) fn chunk(&mut self, key: &[u8], value: &[u8]) {
        open_step(&mut self.ahead, key.len() + value.len()).insert(key, value);
    }
}

/// A step with room for so many more bytes.
pub(super) fn open_step(steps: &mut Vec<Writes>, bytes: usize) -> &mut Writes {
    let is_full = |step: &Writes| step.bytes + step.changes.len() + bytes > Writes::STEP_BYTES;
    if steps.last().is_none_or(is_full) {
        steps.push(Writes::default());
    }
    steps.last_mut().expect("one was just pushed if there was none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_small_and_complete_and_start_with_inserts() {
        let mut writes = Writes::default();
        for number in 0..100_u8 {
            writes.remove(&[number]);
            writes.insert(&[number, 1], &[number; 100]);
        }
        assert_eq!(Writes::decode(&writes.encode()).as_ref(), Some(&writes));
        let all = writes.changes.clone();
        let steps = writes.steps(20_000);
        assert!(steps.len() > 5 && steps.iter().all(|step| step.log_bytes() <= 20_000));
        let changes: Vec<_> = steps.into_iter().flat_map(|step| step.changes).collect();
        assert!(changes[..100].iter().all(|(_, value)| value.is_some()));
        assert!(changes.len() == all.len() && all.iter().all(|change| changes.contains(change)));
        assert_eq!(Writes::decode(b"[["), None);
    }
}
