//! How a claimed job ends: one durable change of its lane, with everything that follows from it.

use sled::{Batch, Db};

use crate::{
    domain::{
        time::UnixMillis,
        work::{Lane, Work},
    },
    store::{
        Ending, Fact, Lease, NewJob, StoreError, claim,
        committer::{Book, Planned},
        index::{Head, Index},
        keys::{self, Place},
        links, park,
        push::{Joined, enter, join},
        rows::{self, JobRow},
    },
};

/// The change of one lane.
#[derive(Default)]
struct Outcome {
    batch: Batch,
    /// The keys of the jobs that leave the lane.
    gone: Vec<Vec<u8>>,
    /// The jobs that take their place, in order: parts, or the same job with its failure noted.
    came: Vec<(u64, JobRow)>,
    joined: Vec<Joined>,
    parked: usize,
}

impl Lease {
    /// Ends the job. When this returns, the end is durable and the lane can be claimed again.
    ///
    /// Once begun, this goes through even if the caller does not wait for it.
    ///
    /// # Errors
    /// If the store fails; then the job is as it was after the next opening.
    pub async fn settle(mut self, ending: Ending, now: UnixMillis) -> Result<(), StoreError> {
        let store = self.store.clone();
        store.db()?;
        // From here on the committer gives the lane back, after the commit.
        self.settled = true;
        let (place, row) = (self.place.clone(), self.row.clone());
        let links_until = now.plus(store.0.settings.links_for);
        let known_chats = store.clone();
        let plan = move |book: &mut Book| {
            let facts = facts_of(&ending);
            let outcome = outcome(book, &place, row, ending, now, links_until)?;
            let head = head_after(&book.db, &place, &outcome)?;
            let Outcome { batch, gone, came, joined, parked } = outcome;
            let then = move |index: &mut Index| {
                index.settled(&place.lane, gone.len(), came.len(), head);
                index.parked += parked;
                enter(index, joined);
                for lane in facts.iter().filter_map(hurried) {
                    index.hurried(&lane);
                }
                known_chats.remember(facts);
            };
            Ok(Planned { batch: Some(batch), answer: (), then: Box::new(then) })
        };
        store.0.committer.write(plan).await
    }
}

fn facts_of(ending: &Ending) -> Vec<Fact> {
    match ending {
        Ending::Done { facts, .. } => facts.clone(),
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
        | Fact::Told { .. }
        | Fact::Opening { .. }
        | Fact::Answered { .. }
        | Fact::Connection { .. }
        | Fact::Move { .. }
        | Fact::Newest { .. }
        | Fact::Latest { .. }
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
    links_until: UnixMillis,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    match ending {
        Ending::Done { then, facts } => {
            outcome.leave(place.key());
            links::write(&book.db, &mut outcome.batch, &facts, now, links_until)?;
            outcome.follow(book, then, now);
        }
        Ending::Become(works) => outcome.become_parts(&book.db, place, &row, works, 0, now)?,
        Ending::Unite { behind, works } => outcome.become_parts(&book.db, place, &row, works, behind, now)?,
        Ending::Retry { at, counts, why: _ } => {
            row.retry_at = Some(at);
            row.failed = row.failed.saturating_add(counts.into());
            outcome.batch.insert(place.key(), rows::write(&row));
            outcome.gone.push(place.key());
            outcome.came.push((place.sequence, row));
        }
        Ending::Repeat => {
            (row.retry_at, row.is_repeated) = (None, true);
            outcome.batch.insert(place.key(), rows::write(&row));
            outcome.gone.push(place.key());
            outcome.came.push((place.sequence, row));
        }
        Ending::Park { why, then } => {
            let mut siblings = siblings(&book.db, place)?;
            siblings.retain(|(_, sibling)| sibling.work.shares_answer(&row.work));
            let works = siblings.iter().map(|(_, row)| row.work.clone()).collect();
            park::write(book, &mut outcome.batch, &place.lane, works, why, now);
            outcome.parked = 1;
            for (key, _) in siblings {
                outcome.leave(key);
            }
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
        let part = |work| JobRow { enqueued_at, is_bulk, ..JobRow::new(work, now) };
        let rows = works.into_iter().map(part).chain(stay.into_iter().map(|(_, row)| row));
        for (part, row) in (place.part.max(1)..).zip(rows) {
            self.batch.insert(Place { part, ..place.clone() }.key(), rows::write(&row));
            self.came.push((place.sequence, row));
        }
        Ok(())
    }
}

/// The job and the parts of the same arrival that are not done yet, in order.
fn siblings(db: &Db, place: &Place) -> Result<Vec<(Vec<u8>, JobRow)>, StoreError> {
    let row = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
        let (key, value) = entry?;
        Ok((key.to_vec(), rows::read(&key, &value)?))
    };
    db.scan_prefix(place.siblings()).map(row).collect()
}

/// What will be first in the lane: what took the place, or else the first that stays.
fn head_after(db: &Db, place: &Place, outcome: &Outcome) -> Result<Option<Head>, StoreError> {
    if let Some((sequence, row)) = outcome.came.first() {
        return Ok(Some(Head::new(*sequence, row)));
    }
    for entry in db.scan_prefix(keys::lane(&place.lane)) {
        let (key, value) = entry?;
        if outcome.gone.iter().any(|gone| key == *gone) {
            continue;
        }
        let sequence = Place::parse(&key).map_or(place.sequence, |place| place.sequence);
        return Ok(Some(Head::new(sequence, &rows::read(&key, &value)?)));
    }
    Ok(None)
}
