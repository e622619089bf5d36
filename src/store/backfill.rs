//! Backfill: puts missed messages into a lane, before those that came later.

use sled::IVec;

use crate::{
    domain::{
        job::{Job, Lane},
        time::UnixMillis,
    },
    store::{
        NewJob, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::{Head, Index},
        keys::{self, JobKey},
        push,
        rows::{self, JobRow},
    },
};

/// A job that should have arrived earlier.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Its place in the order of the messages.
    pub rank: usize,
    pub job: NewJob,
}

/// The result of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backfilled {
    /// A relay works on the lane, or could: hold all of it, and try again.
    Busy,
    /// The number of jobs that were new and are stored now. The others were stored before.
    Stored(usize),
}

impl Store {
    /// Puts missing jobs into a lane, each before the first arrival that comes after it. `rank` maps a queued job, by
    /// its sequence, to its position in the history; `None` means before all missing jobs. The lane must be held from
    /// 0 on, and its head must not be claimed. A release during the rewrite takes effect after it.
    ///
    /// All jobs behind the first missing one get new keys, in one commit and in the same order.
    pub async fn backfill(
        &self,
        lane: Lane,
        mut missing: Vec<Missing>,
        rank: impl Fn(u64, &Job) -> Option<usize> + Send + 'static,
        now: UnixMillis,
    ) -> Result<Backfilled, StoreError> {
        self.db()?;
        missing.sort_by_key(|missing| missing.rank);
        let dedupe_for = self.0.settings.dedupe_for;
        let store = self.clone();
        let plan = move |txn: &mut WriteTxn| {
            let until = super::watermark::not_before(&txn.db, now)?.plus(dedupe_for);
            // Others may release it before the new order is durable: they must find neither the old head nor none.
            if !store.with_index(|index| index.freeze(&lane)) {
                return Ok(Commit { batch: None, answer: Backfilled::Busy, then: Box::new(|_: &mut Index| ()) });
            }
            let mut batch = Batch::default();
            let missing = new(txn, &mut batch, missing, until)?;
            let count = missing.len();
            let order = merged(arrivals(&txn.db, &lane)?, missing, rank);
            let head = place(txn, &mut batch, &lane, order, now);
            let answer = Backfilled::Stored(count);
            // The store fails if the plan or the commit fails, so this alone has to thaw.
            let then = move |index: &mut Index| index.thaw(&lane, count, head);
            Ok(Commit { batch: (count > 0).then_some(batch), answer, then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

/// The missing jobs that are new, recorded as taken.
fn new(
    txn: &WriteTxn,
    batch: &mut Batch,
    missing: Vec<Missing>,
    until: UnixMillis,
) -> Result<Vec<Missing>, StoreError> {
    let mut new: Vec<Missing> = Vec::new();
    for missing in missing {
        if let Some(id) = &missing.job.id {
            let is_twice = new.iter().any(|other| other.job.id.as_ref() == Some(id));
            if is_twice || push::was_taken(&txn.db, id)? {
                continue;
            }
        }
        push::remember(batch, &missing.job, until);
        new.push(missing);
    }
    Ok(new)
}

/// One waiting arrival: its jobs as they are stored, in order, by their keys.
type Arrival = Vec<(JobKey, IVec)>;

/// The waiting arrivals of a lane, in order.
fn arrivals(db: &Db, lane: &Lane) -> Result<Vec<Arrival>, StoreError> {
    let mut all: Vec<Arrival> = Vec::new();
    for entry in db.scan_prefix(keys::lane(lane)) {
        let (key, value) = entry?;
        let place = JobKey::parse(&key).ok_or_else(|| StoreError::Failed("a job has no place".to_owned()))?;
        match all.last_mut() {
            Some(arrival) if arrival[0].0.sequence == place.sequence => arrival.push((place, value)),
            _ => all.push(vec![(place, value)]),
        }
    }
    Ok(all)
}

enum Placement {
    Waits(Arrival),
    Comes(Box<NewJob>),
}

fn merged(waiting: Vec<Arrival>, missing: Vec<Missing>, rank: impl Fn(u64, &Job) -> Option<usize>) -> Vec<Placement> {
    let mut missing = missing.into_iter().peekable();
    let mut order = Vec::new();
    for arrival in waiting {
        // Its first parts have been sent already: nothing may come between them and the rest.
        if arrival[0].0.part > 1 {
            order.push(Placement::Waits(arrival));
            continue;
        }
        let ranks = arrival.iter().filter_map(|(place, value)| {
            let row: JobRow = rows::read(&place.key(), value)?;
            rank(place.sequence, &row.job)
        });
        let rank = ranks.max();
        while let Some(earlier) = missing.next_if(|missing| rank.is_some_and(|rank| missing.rank < rank)) {
            order.push(Placement::Comes(Box::new(earlier.job)));
        }
        order.push(Placement::Waits(arrival));
    }
    order.extend(missing.map(|missing| Placement::Comes(Box::new(missing.job))));
    order
}

/// Writes the new order, and returns its head. Jobs before the first late arrival keep their place.
fn place(txn: &mut WriteTxn, batch: &mut Batch, lane: &Lane, order: Vec<Placement>, now: UnixMillis) -> Option<Head> {
    let mut head = None;
    let mut moves = false;
    for turn in order {
        let first = match turn {
            Placement::Comes(job) => {
                moves = true;
                let row = JobRow::new(job.job, now);
                let place = JobKey { lane: lane.clone(), sequence: txn.sequence(batch), part: 0 };
                batch.insert(place.key(), rows::write(&row));
                Head::new(place.sequence, &row)
            }
            Placement::Waits(arrival) => {
                let sequence = if moves { txn.sequence(batch) } else { arrival[0].0.sequence };
                let mut first = Head::of(sequence, &arrival[0].0.key(), &arrival[0].1);
                if moves {
                    // Its wait will be over when it becomes the head.
                    first.retry_at = None;
                    for (place, value) in arrival {
                        let value = without_wait(&place, &value);
                        batch.remove(place.key());
                        batch.insert(JobKey { sequence, ..place }.key(), value);
                    }
                }
                first
            }
        };
        head = head.or(Some(first));
    }
    head
}

/// A job without the time of its next attempt. One that cannot be read stays as it is.
fn without_wait(place: &JobKey, value: &IVec) -> Vec<u8> {
    let row: Option<JobRow> = rows::read(&place.key(), value);
    row.map_or_else(|| value.to_vec(), |row| rows::write(&JobRow { retry_at: None, ..row }))
}
