//! Storing new jobs at the tails of their lanes, each arrival once.

use crate::{
    domain::{
        job::{IdempotencyKey, Job, Lane},
        time::UnixMillis,
    },
    store::{
        Intake, NewJob, NewKept, StateChange, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        expire,
        index::{Head, Index},
        kept,
        keys::JobKey,
        links,
        lookup::Lookup,
        rows::{self, JobRow},
        tables::{OFFSETS, TAKEN, TO_OURS},
        watermark,
    },
};

/// The result of storing an intake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// How many jobs are new, and now stored.
    pub taken: usize,
    /// How many were stored before.
    pub known: usize,
    /// The number of each job; `None` if it was stored before.
    pub numbers: Vec<Option<u64>>,
}

impl Store {
    /// Stores what arrived. When this returns it is durable, or was before.
    ///
    /// # Errors
    /// If the store fails; then nothing may be acknowledged.
    pub async fn push(&self, intake: Intake, now: UnixMillis) -> Result<Pushed, StoreError> {
        self.push_with(intake, Vec::new(), now).await
    }

    /// The same with state changes, which are skipped if all jobs were stored before.
    ///
    /// # Errors
    /// If the store fails; then nothing may be acknowledged.
    pub async fn push_with(
        &self,
        intake: Intake,
        changes: Vec<StateChange>,
        now: UnixMillis,
    ) -> Result<Pushed, StoreError> {
        self.push_as(intake, changes, false, now).await
    }

    /// The same with updates that are kept for programs, in one commit.
    ///
    /// # Errors
    /// If the store fails; then nothing may be acknowledged.
    pub async fn push_kept(&self, intake: Intake, kept: Vec<NewKept>, now: UnixMillis) -> Result<Pushed, StoreError> {
        self.push_all(intake, (Vec::new(), kept), false, now).await
    }

    /// The same; jobs that are `is_bulk` belong to a broadcast, and go after those of people.
    ///
    /// # Errors
    /// If the store fails; then nothing may be acknowledged.
    pub async fn push_as(
        &self,
        intake: Intake,
        changes: Vec<StateChange>,
        is_bulk: bool,
        now: UnixMillis,
    ) -> Result<Pushed, StoreError> {
        self.push_all(intake, (changes, Vec::new()), is_bulk, now).await
    }

    async fn push_all(
        &self,
        intake: Intake,
        (changes, kept): (Vec<StateChange>, Vec<NewKept>),
        is_bulk: bool,
        now: UnixMillis,
    ) -> Result<Pushed, StoreError> {
        self.db()?;
        let memory = self.0.kept.clone();
        let (dedupe_for, links_for) = (self.0.settings.dedupe_for, self.0.settings.links_for);
        let plan = move |txn: &mut WriteTxn| {
            let since = watermark::not_before(&txn.db, now)?;
            let (dedupe_until, links_until) = (since.plus(dedupe_for), since.plus(links_for));
            let (mut batch, mut joined) = (Batch::default(), Vec::<Joined>::new());
            let (mut known, mut numbers) = (0, Vec::new());
            // A crash between two batches leaves jobs that are known once they come again. Nothing else may depend on
            // them then.
            let is_divisible = changes.is_empty() && kept.is_empty() && intake.jobs.iter().all(|job| job.id.is_some());
            for job in intake.jobs {
                if is_divisible && batch.is_filled() {
                    txn.apply(std::mem::take(&mut batch))?;
                }
                if is_known(&txn.db, &job, &joined)? {
                    known += 1;
                    numbers.push(None);
                    continue;
                }
                remember(&mut batch, &job, dedupe_until);
                joined.push(join_as(txn, &mut batch, job, is_bulk, now));
                numbers.push(joined.last().map(|joined| joined.head.sequence));
            }
            let kept = kept::keep(txn, &mut batch, kept, (dedupe_until, now))?;
            let changes = if joined.is_empty() { Vec::new() } else { changes };
            links::write(&txn.db, &mut batch, &changes, now, links_until)?;
            if let Some((bot, next)) = intake.offset {
                OFFSETS.put(&mut batch, &bot, &next);
            }
            let is_changed = !batch.is_empty() || !joined.is_empty();
            let answer = Pushed { taken: joined.len(), known, numbers };
            let then = Box::new(move |index: &mut Index| {
                enter(index, joined);
                memory.with(|memory| memory.kept(kept));
            });
            Ok(Commit { batch: is_changed.then_some(batch), answer, then })
        };
        self.0.committer.write(plan).await
    }

    /// Where the next poll of a bot starts.
    pub fn offset(&self, bot: crate::domain::address::BotId) -> Result<Option<i64>, StoreError> {
        OFFSETS.get(&self.db()?, &bot)
    }
}

/// Whether a job arrived before: it is in the tree, or earlier in the same intake.
fn is_known(db: &Lookup, job: &NewJob, joined: &[Joined]) -> Result<bool, StoreError> {
    let Some(id) = &job.id else { return Ok(false) };
    if joined.iter().any(|other| other.id.as_ref() == Some(id)) {
        return Ok(true);
    }
    was_taken(db, id)
}

/// Whether the arrival with this id was accepted before. A key counts until it is swept: a clock that is wrong for a
/// while must not make an arrival seem new. A message that is linked was relayed, and links are kept for longer.
pub(super) fn was_taken(db: &Lookup, id: &IdempotencyKey) -> Result<bool, StoreError> {
    let has_crossed = || id.hook_message().map_or(Ok(false), |message| TO_OURS.contains(db, &message));
    Ok(TAKEN.contains(db, id)? || has_crossed()?)
}

/// Stores the idempotency key of a job.
pub(super) fn remember(batch: &mut Batch, job: &NewJob, until: UnixMillis) {
    if let Some(id) = &job.id {
        remember_id(batch, id, until);
    }
}

/// Stores an idempotency key.
pub(super) fn remember_id(batch: &mut Batch, id: &IdempotencyKey, until: UnixMillis) {
    expire::note(batch, until, &TAKEN.key(id));
    TAKEN.put(batch, id, &until);
}

/// A job that has joined its lane in a batch.
pub(super) struct Joined {
    id: Option<IdempotencyKey>,
    lane: Lane,
    head: Head,
}

/// Adds a job to the tail of its lane.
pub(super) fn join(txn: &mut WriteTxn, batch: &mut Batch, job: NewJob, now: UnixMillis) -> Joined {
    join_as(txn, batch, job, false, now)
}

fn join_as(txn: &mut WriteTxn, batch: &mut Batch, job: NewJob, is_bulk: bool, now: UnixMillis) -> Joined {
    let NewJob { id, lane, job } = job;
    let place = JobKey { lane, sequence: txn.sequence(batch), part: 0 };
    let row = JobRow { is_bulk, ..JobRow::new(job, now) };
    batch.insert(place.key(), rows::write(&row));
    Joined { id, head: Head::new(place.sequence, &row), lane: place.lane }
}

/// Adds the jobs of one arrival to the tail of its lane, as one arrival again: if a part fails, the rest is parked too.
pub(super) fn join_together(
    txn: &mut WriteTxn,
    batch: &mut Batch,
    lane: &Lane,
    jobs: Vec<Job>,
    now: UnixMillis,
) -> Vec<Joined> {
    let sequence = txn.sequence(batch);
    // Part 0 is the arrival itself, which may still be replaced by parts; calls are parts already.
    let first = u16::from(jobs.iter().any(|job| !job.calls().is_empty()));
    let join = |(part, job)| {
        let (place, row) = (JobKey { lane: lane.clone(), sequence, part }, JobRow::new(job, now));
        batch.insert(place.key(), rows::write(&row));
        Joined { id: None, head: Head::new(sequence, &row), lane: place.lane }
    };
    (first..).zip(jobs).map(join).collect()
}

/// Adds the parts of an arrival that was set aside to the tail of their lane, unchanged.
pub(super) fn join_again(txn: &mut WriteTxn, batch: &mut Batch, lane: &Lane, jobs: Vec<(u16, JobRow)>) -> Vec<Joined> {
    let sequence = txn.sequence(batch);
    let join = |(part, row): (u16, JobRow)| {
        let row = JobRow { retry_at: None, ..row };
        batch.insert(JobKey { lane: lane.clone(), sequence, part }.key(), rows::write(&row));
        Joined { id: None, head: Head::new(sequence, &row), lane: lane.clone() }
    };
    jobs.into_iter().map(join).collect()
}

/// Adds jobs that have joined their lanes to the index.
pub(super) fn enter(index: &mut Index, joined: Vec<Joined>) {
    for Joined { lane, head, .. } in joined {
        index.joined(&lane, head);
    }
}
