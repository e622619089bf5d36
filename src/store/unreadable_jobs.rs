//! Jobs that cannot be read: set aside unchanged, with their keys, until a telekommo that can read them puts them back.
//!
//! The rest of the same arrival goes with them, so that no customer gets the end of an answer without its middle. They
//! are named by the sequence of the arrival, as a parked message is by its own.

use sled::IVec;

use crate::{
    domain::{
        address::Conversation,
        job::{Job, Lane, Update},
    },
    store::{
        HeldStart, ParkedId, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        keys::{self, JobKey, RawJobKey},
        park::unknown_route,
        rows::{self, JobRow},
        settle::first_of,
        tables::HELD,
    },
};

/// A row that was set aside.
pub(super) struct UnreadableRow {
    /// Its key now.
    pub(super) key: IVec,
    /// Its key before.
    pub(super) former: Vec<u8>,
    pub(super) value: IVec,
}

/// An arrival that can be read again.
pub(super) struct Arrival {
    pub(super) lane: Lane,
    /// Its jobs, by their parts.
    pub(super) jobs: Vec<(u16, JobRow)>,
}

/// The route and the thread of a row that was set aside, as its former key has them.
pub(super) fn lane_of(former: &[u8]) -> Option<(String, String)> {
    let held = || HELD.read_key(former).map(|it| Lane::inbound(&it)).map(|it| (it.route.to_string(), it.thread));
    RawJobKey::parse(former).map(|place| (place.route.to_owned(), place.thread.to_owned())).or_else(held)
}

/// Moves a row to those that were set aside.
pub(super) fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let sequence = keys::sequence_of(key).unwrap_or(keys::NO_SEQUENCE);
    batch.remove(key);
    batch.insert(keys::aside(sequence, key), value);
}

impl Store {
    /// Sets the unreadable head of a claimed lane aside, and gives the lane back. Does not wait for the commit.
    pub(super) fn set_aside(&self, lane: Lane, head: &[u8]) -> Result<(), StoreError> {
        let arrival = RawJobKey::parse(head).map_or(head, |_| &head[..head.len() - RawJobKey::PART_BYTES]).to_vec();
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut removed) = (Batch::default(), Vec::new());
            for entry in txn.db.scan_prefix(&arrival) {
                let (key, value) = entry?;
                put(&mut batch, &key, &value);
                removed.push(key.to_vec());
            }
            let head = first_of(&txn.db, &lane, &removed)?;
            let then = move |index: &mut Index| {
                index.settled(&lane, removed.len(), 0, head);
                index.parked += 1;
            };
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(then) })
        };
        self.0.committer.send(plan).map(drop)
    }
}

impl Store {
    /// Sets an unreadable held message aside. Does not wait for the commit.
    pub(super) fn set_held_aside(&self, key: Vec<u8>) -> Result<(), StoreError> {
        let plan = move |txn: &mut WriteTxn| {
            let held = txn.db.get(&key)?.filter(|value| rows::parse::<HeldStart>(value).is_err());
            let mut batch = Batch::default();
            let moved = usize::from(held.is_some());
            if let Some(value) = held.as_deref() {
                let sequence = txn.sequence(&mut batch);
                batch.remove(key.clone());
                batch.insert(keys::aside(sequence, &key), value);
            }
            let then = Box::new(move |index: &mut Index| index.parked += moved);
            Ok(Commit { batch: held.is_some().then_some(batch), answer: (), then })
        };
        self.0.committer.send(plan).map(drop)
    }
}

/// The rows of an arrival that was set aside.
pub(super) fn of(db: &Db, id: ParkedId) -> Result<Vec<UnreadableRow>, StoreError> {
    let mut all = Vec::new();
    for entry in db.scan_prefix(keys::aside(id.0, &[])) {
        let (key, value) = entry?;
        let former = keys::aside_parts(&key).map_or_else(Vec::new, |(_, former)| former.to_vec());
        all.push(UnreadableRow { key, former, value });
    }
    Ok(all)
}

/// Reads an arrival again, or returns why it still cannot be read.
pub(super) fn read(rows: &[UnreadableRow]) -> Result<Arrival, String> {
    let first = rows.first().ok_or("nothing is left of it")?;
    if let Some(conversation) = HELD.read_key(&first.former) {
        return held(&conversation, &first.value);
    }
    let jobs = rows.iter().map(|row| Ok((place(row)?.part, rows::parse(&row.value)?)));
    Ok(Arrival { lane: place(first)?.lane, jobs: jobs.collect::<Result<_, String>>()? })
}

/// A held message becomes an update like any other.
fn held(conversation: &Conversation, value: &[u8]) -> Result<Arrival, String> {
    let HeldStart { bot, raw, since } = rows::parse(value)?;
    let job = Job::from(Update { source: conversation.source.clone(), bot, raw, program: None });
    Ok(Arrival { lane: Lane::inbound(conversation), jobs: vec![(0, JobRow::new(job, since))] })
}

fn place(row: &UnreadableRow) -> Result<JobKey, String> {
    let raw = RawJobKey::parse(&row.former).ok_or("its key is damaged")?;
    JobKey::parse(&row.former).ok_or_else(|| unknown_route(raw.route))
}
