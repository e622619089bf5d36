//! How a claimed job ends: one durable change of its lane, with everything that follows from it.

use sled::IVec;

use crate::{
    domain::{
        job::{Job, Lane},
        time::UnixMillis,
    },
    store::{
        Lease, NewJob, Outcome, ParkedId, StateChange, StoreError, claim,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::{Head, Index},
        keys::{self, JobKey},
        links, park,
        push::{Joined, enter, join},
        rows::{self, JobRow, ParkedRow},
        watermark,
    },
};

/// How much of a reason is kept while a job waits, in characters.
const LONGEST_REASON: usize = 300;

/// The change of one lane.
#[derive(Default)]
struct Settlement {
    batch: Batch,
    /// The keys of the jobs that leave the lane.
    gone: Vec<Vec<u8>>,
    /// The jobs that take their place, in order: parts, or the same job with its failure noted.
    came: Vec<Head>,
    joined: Vec<Joined>,
    parked: usize,
    told: usize,
    parked_id: Option<ParkedId>,
}

impl Lease {
    /// Ends the job. When this returns, the end is durable and the lane can be claimed again. What was set aside by it
    /// has a number.
    ///
    /// Once begun, this goes through even if the caller does not wait for it.
    ///
    /// # Errors
    /// If the store fails; then the job is as it was after the next opening.
    pub async fn settle(mut self, ending: Outcome, now: UnixMillis) -> Result<Option<ParkedId>, StoreError> {
        let store = self.store.clone();
        store.db()?;
        // From here on the committer gives the lane back, after the commit.
        self.settled = true;
        let (place, row) = (self.place.clone(), self.row.clone());
        let (links_for, parked_for) = (store.0.settings.links_for, store.0.settings.parked_for);
        let plan = move |txn: &mut WriteTxn| {
            let since = watermark::not_before(&txn.db, now)?;
            let until = Until { links: since.plus(links_for), parked: since.plus(parked_for) };
            let make_due = made_due_by(&ending);
            let settlement = settlement(txn, &place, row, ending, now, until)?;
            let head = head_after(&txn.db, &place, &settlement)?;
            let Settlement { batch, gone, came, joined, parked, told, parked_id } = settlement;
            let then = move |index: &mut Index| {
                index.settled(&place.lane, gone.len(), came.len(), head);
                index.parked += parked;
                index.told += told;
                enter(index, joined);
                for lane in make_due {
                    index.make_due(&lane);
                }
            };
            Ok(Commit { batch: Some(batch), answer: parked_id, then: Box::new(then) })
        };
        store.0.committer.write(plan).await
    }
}

/// When what an outcome leaves behind expires.
#[derive(Clone, Copy)]
struct Until {
    links: UnixMillis,
    parked: UnixMillis,
}

/// The lanes that have nothing to wait for once a job has ended.
fn made_due_by(ending: &Outcome) -> Vec<Lane> {
    match ending {
        Outcome::Done { changes, .. } => changes.iter().filter_map(make_due).collect(),
        Outcome::Replace(_)
        | Outcome::Merge { .. }
        | Outcome::Retry { .. }
        | Outcome::Repeat
        | Outcome::Park { .. } => Vec::new(),
    }
}

/// The outbound lane of a chat that has just shut the bot out: its jobs are tried at once, and fail then, instead of at
/// the time of their next attempt.
fn make_due(change: &StateChange) -> Option<Lane> {
    match change {
        StateChange::Membership { conversation, membership } if membership.shut_out => {
            Some(Lane::outbound(conversation))
        }
        StateChange::Membership { .. }
        | StateChange::Chat { .. }
        | StateChange::Link { .. }
        | StateChange::Held { .. }
        | StateChange::Question { .. }
        | StateChange::SyncedProfile { .. }
        | StateChange::Attended { .. }
        | StateChange::ManagerInitiatedChat { .. }
        | StateChange::Answered { .. }
        | StateChange::Connection { .. }
        | StateChange::Move { .. }
        | StateChange::Newest { .. }
        | StateChange::Arrived { .. }
        | StateChange::LastSent { .. }
        | StateChange::Unlinked { .. }
        | StateChange::Topic { .. }
        | StateChange::UnderWay { .. }
        | StateChange::Unread { .. }
        | StateChange::Read { .. } => None,
    }
}

fn settlement(
    txn: &mut WriteTxn,
    place: &JobKey,
    mut row: JobRow,
    ending: Outcome,
    now: UnixMillis,
    until: Until,
) -> Result<Settlement, StoreError> {
    let mut settlement = Settlement::default();
    match ending {
        Outcome::Done { then, changes } => {
            settlement.leave(place.key());
            links::write(&txn.db, &mut settlement.batch, &changes, now, until.links)?;
            settlement.follow(txn, then, now);
        }
        Outcome::Replace(jobs) => settlement.become_parts(&txn.db, place, &row, jobs, 0, now)?,
        Outcome::Merge { behind, jobs } => settlement.become_parts(&txn.db, place, &row, jobs, behind, now)?,
        Outcome::Retry { at, counts, why } => {
            row.why = Some(why.chars().take(LONGEST_REASON).collect());
            row.retry_at = Some(at);
            row.failed = row.failed.saturating_add(counts.into());
            settlement.batch.insert(place.key(), rows::write(&row));
            settlement.gone.push(place.key());
            settlement.came.push(Head::new(place.sequence, &row));
        }
        Outcome::Repeat => {
            (row.retry_at, row.is_repeated) = (None, true);
            settlement.batch.insert(place.key(), rows::write(&row));
            settlement.gone.push(place.key());
            settlement.came.push(Head::new(place.sequence, &row));
        }
        Outcome::Park { why, then, needs_person } => {
            // A part that cannot be read stays, and is set aside when its turn comes.
            let mut jobs = Vec::new();
            for (key, value) in siblings(&txn.db, place)? {
                let sibling: Option<JobRow> = rows::read(&key, &value);
                if let Some(sibling) = sibling.filter(|sibling| sibling.job.shares_answer(&row.job)) {
                    jobs.push(sibling.job);
                    settlement.leave(key);
                }
            }
            let (code, expires_at) = (park::code(&then), (!needs_person).then_some(until.parked));
            let (route, thread) = (place.lane.route.to_string(), place.lane.thread.clone());
            let parked = ParkedRow { route, thread, jobs, why, parked_at: now, code, expires_at };
            settlement.parked_id = Some(park::write(txn, &mut settlement.batch, &parked));
            (settlement.parked, settlement.told) = (needs_person.into(), (!needs_person).into());
            settlement.follow(txn, then, now);
        }
    }
    Ok(settlement)
}

impl Settlement {
    fn leave(&mut self, key: Vec<u8>) {
        self.batch.remove(key.clone());
        self.gone.push(key);
    }

    fn follow(&mut self, txn: &mut WriteTxn, then: Vec<NewJob>, now: UnixMillis) {
        self.joined = then.into_iter().map(|job| join(txn, &mut self.batch, job, now)).collect();
    }

    /// Parts stand where their whole stood: same sequence, numbered from its own part on, or from 1. They are as old as
    /// it. Further parts that stay move up.
    fn become_parts(
        &mut self,
        db: &Db,
        place: &JobKey,
        whole: &JobRow,
        jobs: Vec<Job>,
        behind: usize,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let taken: Vec<_> = claim::behind(db, place, behind)?.into_iter().map(|(key, _)| key).collect();
        let siblings = siblings(db, place)?.into_iter();
        let stay: Vec<_> =
            siblings.filter(|(key, _)| *key != place.key() && taken.iter().all(|taken| taken != key)).collect();
        for key in std::iter::once(place.key()).chain(taken).chain(stay.iter().map(|(key, _)| key.clone())) {
            self.leave(key);
        }
        let (enqueued_at, is_bulk) = (whole.enqueued_at, whole.is_bulk);
        let part = |job| rows::write(&JobRow { enqueued_at, is_bulk, ..JobRow::new(job, now) });
        // What stays moves as it is: it may be what only a newer version can read.
        let values = jobs.into_iter().map(part).chain(stay.into_iter().map(|(_, value)| value.to_vec()));
        for (part, value) in (place.part.max(1)..).zip(values) {
            let key = JobKey { part, ..place.clone() }.key();
            self.came.push(Head::of(place.sequence, &key, &value));
            self.batch.insert(key, value);
        }
        Ok(())
    }
}

/// The job and the parts of the same arrival that are not done yet, in order, as they are written.
fn siblings(db: &Db, place: &JobKey) -> Result<Vec<(Vec<u8>, IVec)>, StoreError> {
    let row = |entry: sled::Result<(IVec, IVec)>| entry.map(|(key, value)| (key.to_vec(), value));
    Ok(db.scan_prefix(place.siblings()).map(row).collect::<Result<_, _>>()?)
}

/// What will be first in the lane: what took the place, or else the first that stays.
fn head_after(db: &Db, place: &JobKey, settlement: &Settlement) -> Result<Option<Head>, StoreError> {
    settlement.came.first().map_or_else(|| first_of(db, &place.lane, &settlement.gone), |head| Ok(Some(*head)))
}

/// What will be first in a lane when some of its jobs are gone.
pub(super) fn first_of(db: &Db, lane: &Lane, gone: &[Vec<u8>]) -> Result<Option<Head>, StoreError> {
    for entry in db.scan_prefix(keys::lane(lane)) {
        let (key, value) = entry?;
        if gone.iter().any(|gone| key == *gone) {
            continue;
        }
        return Ok(Some(Head::of(keys::sequence_of(&key).unwrap_or_default(), &key, &value)));
    }
    Ok(None)
}
