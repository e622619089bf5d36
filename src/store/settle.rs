//! How a claimed job ends: one durable change of its lane, with everything that follows from it.

use sled::IVec;

use crate::{
    domain::{
        time::UnixMillis,
        work::{Lane, Work},
    },
    store::{
        Ending, Fact, Lease, NewJob, ParkedId, StoreError, claim,
        committer::{Book, Planned},
        db::{Batch, Db},
        index::{Head, Index},
        keys::{self, Place},
        links, park, past,
        push::{Joined, enter, join},
        rows::{self, JobRow, ParkedRow},
    },
};

/// The change of one lane.
#[derive(Default)]
struct Outcome {
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
    /// Ends the job. When this returns, the end is durable and the lane can be claimed again. What was set aside by it has a
    /// number.
    ///
    /// Once begun, this goes through even if the caller does not wait for it.
    ///
    /// # Errors
    /// If the store fails; then the job is as it was after the next opening.
    pub async fn settle(mut self, ending: Ending, now: UnixMillis) -> Result<Option<ParkedId>, StoreError> {
        let store = self.store.clone();
        store.db()?;
        // From here on the committer gives the lane back, after the commit.
        self.settled = true;
        let (place, row) = (self.place.clone(), self.row.clone());
        let (links_for, parked_for) = (store.0.settings.links_for, store.0.settings.parked_for);
        let plan = move |book: &mut Book| {
            let since = past::not_before(&book.db, now)?;
            let until = Until { links: since.plus(links_for), parked: since.plus(parked_for) };
            let hurried = hurried_by(&ending);
            let outcome = outcome(book, &place, row, ending, now, until)?;
            let head = head_after(&book.db, &place, &outcome)?;
            let Outcome { batch, gone, came, joined, parked, told, parked_id } = outcome;
            let then = move |index: &mut Index| {
                index.settled(&place.lane, gone.len(), came.len(), head);
                index.parked += parked;
                index.told += told;
                enter(index, joined);
                for lane in hurried {
                    index.hurried(&lane);
                }
            };
            Ok(Planned { batch: Some(batch), answer: parked_id, then: Box::new(then) })
        };
        store.0.committer.write(plan).await
    }
}

/// When what an ending leaves behind expires.
#[derive(Clone, Copy)]
struct Until {
    links: UnixMillis,
    parked: UnixMillis,
}

/// The lanes that have nothing to wait for once a job has ended.
fn hurried_by(ending: &Ending) -> Vec<Lane> {
    match ending {
        Ending::Done { facts, .. } => facts.iter().filter_map(hurried).collect(),
        Ending::Become(_) | Ending::Unite { .. } | Ending::Retry { .. } | Ending::Repeat | Ending::Park { .. } => {
            Vec::new()
        }
    }
}

/// The lane that has nothing to wait for once this is known: what is in it fails.
fn hurried(fact: &Fact) -> Option<Lane> {
    match fact {
        Fact::Presence { conversation, presence } if presence.shut_out => Some(Lane::outbound(conversation)),
        Fact::Presence { .. }
        | Fact::Chat { .. }
        | Fact::Link { .. }
        | Fact::Held { .. }
        | Fact::Question { .. }
        | Fact::Told { .. }
        | Fact::Opening { .. }
        | Fact::Answered { .. }
        | Fact::Connection { .. }
        | Fact::Move { .. }
        | Fact::Newest { .. }
        | Fact::Arrived { .. }
        | Fact::Latest { .. }
        | Fact::Unlinked { .. }
        | Fact::Topic { .. }
        | Fact::UnderWay { .. }
        | Fact::Unread { .. }
        | Fact::Read { .. } => None,
    }
}

fn outcome(
    book: &mut Book,
    place: &Place,
    mut row: JobRow,
    ending: Ending,
    now: UnixMillis,
    until: Until,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    match ending {
        Ending::Done { then, facts } => {
            outcome.leave(place.key());
            links::write(&book.db, &mut outcome.batch, &facts, now, until.links)?;
            outcome.follow(book, then, now);
        }
        Ending::Become(works) => outcome.become_parts(&book.db, place, &row, works, 0, now)?,
        Ending::Unite { behind, works } => outcome.become_parts(&book.db, place, &row, works, behind, now)?,
        Ending::Retry { at, counts, why: _ } => {
            row.retry_at = Some(at);
            row.failed = row.failed.saturating_add(counts.into());
            outcome.batch.insert(place.key(), rows::write(&row));
            outcome.gone.push(place.key());
            outcome.came.push(Head::new(place.sequence, &row));
        }
        Ending::Repeat => {
            (row.retry_at, row.is_repeated) = (None, true);
            outcome.batch.insert(place.key(), rows::write(&row));
            outcome.gone.push(place.key());
            outcome.came.push(Head::new(place.sequence, &row));
        }
        Ending::Park { why, then, needs_person } => {
            // A part that cannot be read stays, and is set aside when its turn comes.
            let mut works = Vec::new();
            for (key, value) in siblings(&book.db, place)? {
                let sibling: Option<JobRow> = rows::read(&key, &value);
                if let Some(sibling) = sibling.filter(|sibling| sibling.work.shares_answer(&row.work)) {
                    works.push(sibling.work);
                    outcome.leave(key);
                }
            }
            let (code, expires_at) = (park::code(&then), (!needs_person).then_some(until.parked));
            let (route, thread) = (place.lane.route.to_string(), place.lane.thread.clone());
            let parked = ParkedRow { route, thread, works, why, parked_at: now, code, expires_at };
            outcome.parked_id = Some(park::write(book, &mut outcome.batch, &parked));
            (outcome.parked, outcome.told) = (needs_person.into(), (!needs_person).into());
            outcome.follow(book, then, now);
        }
    }
    Ok(outcome)
}

impl Outcome {
    fn leave(&mut self, key: Vec<u8>) {
        self.batch.remove(key.clone());
        self.gone.push(key);
    }

    fn follow(&mut self, book: &mut Book, then: Vec<NewJob>, now: UnixMillis) {
        self.joined = then.into_iter().map(|job| join(book, &mut self.batch, job, now)).collect();
    }

    /// Parts stand where their whole stood: same sequence, numbered from its own part on, or from 1. They are as old as
    /// it. Further parts that stay move up.
    fn become_parts(
        &mut self,
        db: &Db,
        place: &Place,
        whole: &JobRow,
        works: Vec<Work>,
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
        let part = |work| rows::write(&JobRow { enqueued_at, is_bulk, ..JobRow::new(work, now) });
        // What stays moves as it is: it may be what only a newer version can read.
        let values = works.into_iter().map(part).chain(stay.into_iter().map(|(_, value)| value.to_vec()));
        for (part, value) in (place.part.max(1)..).zip(values) {
            let key = Place { part, ..place.clone() }.key();
            self.came.push(Head::of(place.sequence, &key, &value));
            self.batch.insert(key, value);
        }
        Ok(())
    }
}

/// The job and the parts of the same arrival that are not done yet, in order, as they are written.
fn siblings(db: &Db, place: &Place) -> Result<Vec<(Vec<u8>, IVec)>, StoreError> {
    let row = |entry: sled::Result<(IVec, IVec)>| entry.map(|(key, value)| (key.to_vec(), value));
    Ok(db.scan_prefix(place.siblings()).map(row).collect::<Result<_, _>>()?)
}

/// What will be first in the lane: what took the place, or else the first that stays.
fn head_after(db: &Db, place: &Place, outcome: &Outcome) -> Result<Option<Head>, StoreError> {
    outcome.came.first().map_or_else(|| first_of(db, &place.lane, &outcome.gone), |head| Ok(Some(*head)))
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
