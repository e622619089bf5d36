//! Parking messages that cannot be delivered or cannot be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    domain::{
        address::{Conversation, MessageId},
        delivery::{Delivery, DeliveryReport},
        job::{Job, Lane, Route, StatusJob},
        time::UnixMillis,
    },
    store::{
        NewJob, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        expire,
        index::Index,
        keys, known_up_to,
        push::{Joined, enter, join_again, join_together},
        rows::{self, ParkedHead, ParkedRow},
        unreadable_jobs,
    },
};

/// A parked message.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    pub id: ParkedId,
    /// The lane in which it waited.
    pub lane: Lane,
    /// The jobs that were still to be done.
    pub jobs: Vec<Job>,
    /// Why it was parked.
    pub why: String,
    pub parked_at: UnixMillis,
    /// Kommo's code of the failure, if its author has been informed.
    pub code: Option<i32>,
    /// When it is removed; `None` if it needs a person.
    pub expires_at: Option<UnixMillis>,
}

/// The number of a parked message, by which the operator names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId(pub u64);

/// Parks jobs as one message, and returns its number.
pub(super) fn write(txn: &mut WriteTxn, batch: &mut Batch, parked: &ParkedRow) -> ParkedId {
    let id = ParkedId(txn.sequence(batch));
    let key = keys::parked(id.0);
    if let Some(at) = parked.expires_at {
        expire::note(batch, at, &key);
    }
    batch.insert(key, rows::write(parked));
    id
}

/// Kommo's code of the failure in the delivery status that follows from parking a message.
pub(super) fn code(then: &[NewJob]) -> Option<i32> {
    then.iter().find_map(|job| {
        let Job::Status(StatusJob::Delivery(DeliveryReport { delivery: Delivery::Failed(refusal), .. })) = &job.job
        else {
            return None;
        };
        Some(refusal.code.number())
    })
}

/// The result of putting a parked message back to its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unparked {
    /// It is in its queue.
    Queued,
    /// There is no such message.
    Missing,
    /// It stays parked: no relay serves this route.
    Unserved(Route),
    /// It stays parked: it still cannot be read, for this reason.
    Unreadable(String),
}

/// The changes in memory when parked messages are put back or dropped.
#[derive(Default)]
struct Left {
    parked: usize,
    reported: usize,
    joined: Vec<Joined>,
}

impl Left {
    fn enter(self, index: &mut Index) {
        index.parked = index.parked.saturating_sub(self.parked);
        index.reported = index.reported.saturating_sub(self.reported);
        enter(index, self.joined);
    }
}

impl Store {
    /// Puts a parked message back to the tail of its lane, to be tried again. Returns whether that was possible.
    pub async fn unpark(&self, id: ParkedId, now: UnixMillis) -> Result<bool, StoreError> {
        let outcomes = self.unpark_all(vec![id], |_| true, now).await?;
        Ok(outcomes.into_values().all(|outcome| outcome == Unparked::Queued))
    }

    /// Puts parked messages back to the tails of their lanes, the oldest first, if `serves` is true for their routes.
    /// Returns the result of each. Waits for a dump that is being written.
    pub async fn unpark_all(
        &self,
        ids: Vec<ParkedId>,
        serves: impl Fn(&Route) -> bool + Send + 'static,
        now: UnixMillis,
    ) -> Result<BTreeMap<ParkedId, Unparked>, StoreError> {
        self.db()?;
        let moving = Arc::clone(&self.0.moving_back).lock_owned().await;
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut left, mut outcomes) = (Batch::default(), Left::default(), BTreeMap::new());
            for id in ids.into_iter().collect::<BTreeSet<_>>() {
                let outcome = unpark(txn, &mut batch, &mut left, id, &serves, now)?;
                outcomes.insert(id, outcome.err().unwrap_or(Unparked::Queued));
            }
            let changes = !left.joined.is_empty();
            let then = Box::new(move |index: &mut Index| {
                drop(moving);
                left.enter(index);
            });
            Ok(Commit { batch: changes.then_some(batch), answer: outcomes, then })
        };
        self.0.committer.write(plan).await
    }

    /// Drops parked messages, including unreadable ones. Returns those that existed. Kommo may have their messages all
    /// the same: `message` returns the message that a job brings, with its conversation.
    ///
    /// # Errors
    /// If the store fails, or `message` does.
    pub async fn drop_parked(
        &self,
        ids: Vec<ParkedId>,
        message: impl Fn(&Job) -> Result<Option<(Conversation, MessageId)>, StoreError> + Send + 'static,
    ) -> Result<BTreeSet<ParkedId>, StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, mut left, mut dropped) = (Batch::default(), Left::default(), BTreeSet::new());
            let mut unlinked = BTreeMap::<Conversation, Vec<MessageId>>::new();
            for id in ids.into_iter().collect::<BTreeSet<_>>() {
                let (value, aside) = (txn.db.get(keys::parked(id.0))?, unreadable_jobs::of(&txn.db, id)?);
                if value.is_some() || !aside.is_empty() {
                    dropped.insert(id);
                }
                if let Some(value) = value {
                    for job in read(id, &value).map(|parked| parked.jobs).unwrap_or_default() {
                        if let Some((conversation, ours)) = message(&job)? {
                            unlinked.entry(conversation).or_default().push(ours);
                        }
                    }
                    leave_parked(&mut batch, &mut left, id, &value);
                }
                leave_aside(&mut batch, &mut left, &aside);
            }
            for (conversation, messages) in unlinked {
                known_up_to::pass(&txn.db, &mut batch, &conversation, &messages)?;
            }
            let then = Box::new(|index: &mut Index| left.enter(index));
            Ok(Commit { batch: (!dropped.is_empty()).then_some(batch), answer: dropped, then })
        };
        self.0.committer.write(plan).await
    }
}

fn leave_parked(batch: &mut Batch, left: &mut Left, id: ParkedId, value: &[u8]) {
    batch.remove(keys::parked(id.0));
    let expires = rows::parse(value).is_ok_and(|row: ParkedHead| row.expires_at.is_some());
    left.reported += usize::from(expires);
    left.parked += usize::from(!expires);
}

fn leave_aside(batch: &mut Batch, left: &mut Left, rows: &[unreadable_jobs::UnreadableRow]) {
    for row in rows {
        batch.remove(row.key.clone());
    }
    left.parked += usize::from(!rows.is_empty());
}

/// Puts the message with this number back, if it can be read and its route is served.
fn unpark(
    txn: &mut WriteTxn,
    batch: &mut Batch,
    left: &mut Left,
    id: ParkedId,
    serves: &impl Fn(&Route) -> bool,
    now: UnixMillis,
) -> Result<Result<(), Unparked>, StoreError> {
    let (value, rows) = (txn.db.get(keys::parked(id.0))?, unreadable_jobs::of(&txn.db, id)?);
    let parked = value.as_ref().map(|value| read(id, value)).transpose();
    let aside = if rows.is_empty() { Ok(None) } else { unreadable_jobs::read(&rows).map(Some) };
    let (parked, aside) = match (parked, aside) {
        (Ok(None), Ok(None)) => return Ok(Err(Unparked::Missing)),
        (Ok(parked), Ok(aside)) => (parked, aside),
        (Err(why), _) | (_, Err(why)) => return Ok(Err(Unparked::Unreadable(why))),
    };
    let lanes = parked.iter().map(|parked| &parked.lane).chain(aside.iter().map(|aside| &aside.lane));
    if let Some(lane) = lanes.into_iter().find(|lane| !serves(&lane.route)) {
        return Ok(Err(Unparked::Unserved(lane.route.clone())));
    }
    if let Some((parked, value)) = parked.zip(value) {
        left.joined.extend(join_together(txn, batch, &parked.lane, parked.jobs, now));
        leave_parked(batch, left, id, &value);
    }
    if let Some(aside) = aside {
        left.joined.extend(join_again(txn, batch, &aside.lane, aside.jobs));
        leave_aside(batch, left, &rows);
    }
    Ok(Ok(()))
}

/// Reads a parked message, or returns why it cannot be read.
pub(super) fn read(id: ParkedId, value: &[u8]) -> Result<Parked, String> {
    let row: ParkedRow = rows::parse(value)?;
    let route = row.route.parse().map_err(|_| unknown_route(&row.route))?;
    Ok(Parked {
        id,
        lane: Lane { route, thread: row.thread },
        jobs: row.jobs,
        why: row.why,
        parked_at: row.parked_at,
        code: row.code,
        expires_at: row.expires_at,
    })
}

/// Why a row with this route cannot be read.
pub(super) fn unknown_route(route: &str) -> String {
    format!("this version knows no route {route:?}")
}
