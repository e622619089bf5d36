//! Settling a claimed job: one durable change of its lane, with everything that follows from it.

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

/// The longest reason that is stored with a waiting job, in characters.
const LONGEST_REASON: usize = 300;

/// The change of one lane.
#[derive(Default)]
struct Settlement {
    batch: Batch,
    /// The keys of the jobs that leave the lane.
    removed: Vec<Vec<u8>>,
    /// The jobs that take their place, in order: parts, or the same job with its failure.
    added: Vec<Head>,
    joined: Vec<Joined>,
    parked: usize,
    reported: usize,
    parked_id: Option<ParkedId>,
}

impl Lease {
    /// Settles the job. When this returns, the outcome is durable and the lane can be claimed again. Returns the number
    /// of the message that was parked, if one was.
    ///
    /// Once started, this completes even if the caller does not wait for it.
    ///
    /// # Errors
    /// If the store fails; then the job is unchanged after the next opening.
    pub async fn settle(mut self, outcome: Outcome, now: UnixMillis) -> Result<Option<ParkedId>, StoreError> {
        let store = self.store.clone();
        store.db()?;
        // From here on the committer gives the lane back, after the commit.
        self.settled = true;
        let (place, row) = (self.place.clone(), self.row.clone());
        let (links_for, parked_for) = (store.0.settings.links_for, store.0.settings.parked_for);
        let plan = move |txn: &mut WriteTxn| {
            let since = watermark::not_before(&txn.db, now)?;
            let until = Until { links: since.plus(links_for), parked: since.plus(parked_for) };
            let make_due = made_due_by(&outcome);
            let settlement = settlement(txn, &place, row, outcome, now, until)?;
            let head = head_after(&txn.db, &place, &settlement)?;
            let Settlement { batch, removed, added, joined, parked, reported, parked_id } = settlement;
            let then = move |index: &mut Index| {
                index.settled(&place.lane, removed.len(), added.len(), head);
                index.parked += parked;
                index.reported += reported;
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

/// When the rows that an outcome leaves expire.
#[derive(Clone, Copy)]
struct Until {
    links: UnixMillis,
    parked: UnixMillis,
}

/// The lanes that an outcome makes due.
fn made_due_by(outcome: &Outcome) -> Vec<Lane> {
    match outcome {
        Outcome::Done { changes, .. } => changes.iter().filter_map(make_due).collect(),
        Outcome::Replace(_)
        | Outcome::Merge { .. }
        | Outcome::Retry { .. }
        | Outcome::Repeat
        | Outcome::Park { .. } => Vec::new(),
    }
}

/// The outbound lane of a chat that has just shut the bot out: its jobs are tried and fail at once, instead of at the
/// time of their next attempt.
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
    outcome: Outcome,
    now: UnixMillis,
    until: Until,
) -> Result<Settlement, StoreError> {
    let mut settlement = Settlement::default();
    match outcome {
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
            settlement.removed.push(place.key());
            settlement.added.push(Head::new(place.sequence, &row));
        }
        Outcome::Repeat => {
            (row.retry_at, row.is_repeated) = (None, true);
            settlement.batch.insert(place.key(), rows::write(&row));
            settlement.removed.push(place.key());
            settlement.added.push(Head::new(place.sequence, &row));
        }
        Outcome::Park { why, then, needs_person } => {
            // An unreadable part stays, and is set aside when it is claimed.
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
            (settlement.parked, settlement.reported) = (needs_person.into(), (!needs_person).into());
            settlement.follow(txn, then, now);
        }
    }
    Ok(settlement)
}

impl Settlement {
    fn leave(&mut self, key: Vec<u8>) {
        self.batch.remove(key.clone());
        self.removed.push(key);
    }

    fn follow(&mut self, txn: &mut WriteTxn, then: Vec<NewJob>, now: UnixMillis) {
        self.joined = then.into_iter().map(|job| join(txn, &mut self.batch, job, now)).collect();
    }

    /// Replaces a job by parts. They have its sequence and its age, and are numbered from its own part on, or from 1.
    /// The parts behind it are renumbered.
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
        // The others move unchanged: perhaps only a newer version can read them.
        let values = jobs.into_iter().map(part).chain(stay.into_iter().map(|(_, value)| value.to_vec()));
        for (part, value) in (place.part.max(1)..).zip(values) {
            let key = JobKey { part, ..place.clone() }.key();
            self.added.push(Head::of(place.sequence, &key, &value));
            self.batch.insert(key, value);
        }
        Ok(())
    }
}

/// The job and the parts of the same arrival that are not done yet, in order, as they are stored.
fn siblings(db: &Db, place: &JobKey) -> Result<Vec<(Vec<u8>, IVec)>, StoreError> {
    let row = |entry: sled::Result<(IVec, IVec)>| entry.map(|(key, value)| (key.to_vec(), value));
    Ok(db.scan_prefix(place.siblings()).map(row).collect::<Result<_, _>>()?)
}

/// The new head of the lane: the first job that was added, or else the first that stays.
fn head_after(db: &Db, place: &JobKey, settlement: &Settlement) -> Result<Option<Head>, StoreError> {
    settlement.added.first().map_or_else(|| first_of(db, &place.lane, &settlement.removed), |head| Ok(Some(*head)))
}

/// The head of a lane without the jobs in `removed`.
pub(super) fn first_of(db: &Db, lane: &Lane, removed: &[Vec<u8>]) -> Result<Option<Head>, StoreError> {
    for entry in db.scan_prefix(keys::lane(lane)) {
        let (key, value) = entry?;
        if removed.iter().any(|other| key == *other) {
            continue;
        }
        return Ok(Some(Head::of(keys::sequence_of(&key).unwrap_or_default(), &key, &value)));
    }
    Ok(None)
}
