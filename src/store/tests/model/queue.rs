//! The simplest queue that could be right. It gives each arrival the number that the store has to give it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

/// A waiting job: its name, its place, which of its arrival's answers it is a part of, if that has several, and how it
/// was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) sequence: u64,
    /// Which part of the arrival it is, from 1; 0 is the arrival itself.
    pub(super) part: u16,
    pub(super) answer: Option<u8>,
    pub(super) enqueued_at: UnixMillis,
    pub(super) retry_at: Option<UnixMillis>,
    pub(super) failed: u32,
    pub(super) is_repeated: bool,
}

impl Entry {
    /// One that nobody has tried.
    fn new(name: String, sequence: u64, now: UnixMillis) -> Self {
        let (answer, retry_at) = (None, None);
        Self { name, sequence, part: 0, answer, enqueued_at: now, retry_at, failed: 0, is_repeated: false }
    }

    /// Its parts, which are spread over so many answers.
    pub(super) fn parts(&self, parts: u8, answers: u8) -> Vec<Self> {
        let named = |part| Self::new(format!("{}.{part}", self.name), self.sequence, self.enqueued_at);
        let part = |part: u8| Self { answer: part.checked_rem(answers), part: self.part, ..named(part) };
        (1..=parts).map(part).collect()
    }

    pub(super) fn job(&self) -> Job {
        self.answer.map_or_else(|| named_job(&self.name), |answer| part(&self.name, &answer.to_string()))
    }

    /// Whether it goes where `other` goes when that is parked.
    pub(super) fn is_sibling(&self, other: &Self) -> bool {
        let apart = self.answer.is_some() && other.answer.is_some() && self.answer != other.answer;
        self.sequence == other.sequence && !apart
    }
}

/// What was set aside, by its number.
#[derive(Clone, Debug)]
pub(super) struct SetAside {
    pub(super) id: u64,
    pub(super) lane: u8,
    pub(super) jobs: Vec<Entry>,
    pub(super) expires_at: Option<UnixMillis>,
}

/// What is durable, and beside it what one run knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) lanes: BTreeMap<u8, VecDeque<Entry>>,
    /// The ids that were taken, and until when that is remembered.
    pub(super) known: BTreeMap<u8, UnixMillis>,
    pub(super) parked: Vec<SetAside>,
    pub(super) offset: Option<i64>,
    pub(super) next_sequence: u64,
    pub(super) leased: BTreeSet<u8>,
    /// From which number on the lanes are held.
    pub(super) held: BTreeMap<u8, u64>,
    pub(super) first_of_run: u64,
}

impl Model {
    pub(super) fn sequence(&mut self) -> u64 {
        let sequence = self.next_sequence.max(1);
        self.next_sequence = sequence + 1;
        sequence
    }

    pub(super) fn lane(&mut self, lane: u8) -> &mut VecDeque<Entry> {
        self.lanes.entry(lane).or_default()
    }

    /// Puts a new job at the end of a lane, and returns its name.
    pub(super) fn push(&mut self, lane: u8, now: UnixMillis) -> String {
        let sequence = self.sequence();
        let name = format!("{lane}/{sequence}");
        self.lane(lane).push_back(Entry::new(name.clone(), sequence, now));
        name
    }

    /// A new job that is nowhere yet.
    pub(super) fn late(&self, lane: u8, number: usize, now: UnixMillis) -> Entry {
        Entry::new(format!("{lane}/late {}/{number}", self.next_sequence), u64::MAX, now)
    }

    /// The heads that nobody has claimed and nothing holds.
    fn free(&self) -> impl Iterator<Item = &Entry> {
        let free = self.lanes.iter().filter(|(lane, _)| !self.leased.contains(lane));
        let heads = free.filter_map(|(lane, jobs)| Some((lane, jobs.front()?)));
        heads.filter(|(lane, head)| self.held.get(lane).is_none_or(|from| head.sequence < *from)).map(|(_, head)| head)
    }

    /// The names that a claim may bring now.
    pub(super) fn claimable(&self, now: UnixMillis) -> BTreeSet<&str> {
        self.free().filter(|job| job.retry_at.is_none_or(|at| at <= now)).map(|job| job.name.as_str()).collect()
    }

    /// When the next claim brings something; `None` if only a change of the queue can bring that about.
    pub(super) fn due_at(&self) -> Option<UnixMillis> {
        self.free().map(|job| job.retry_at.unwrap_or(UnixMillis(i64::MIN))).min()
    }

    /// The job of a lease that is settled.
    pub(super) fn head(&mut self, lane: u8) -> Entry {
        self.leased.remove(&lane);
        self.lane(lane).pop_front().unwrap()
    }

    /// Puts parts in the place of the head that they were. Those that follow move up.
    pub(super) fn replace(&mut self, lane: u8, head: &Entry, parts: &[Entry]) {
        let jobs = self.lane(lane);
        parts.iter().rev().for_each(|part| jobs.push_front(part.clone()));
        let siblings = jobs.iter_mut().take_while(|job| job.sequence == head.sequence);
        siblings.zip(head.part.max(1)..).for_each(|(job, part)| job.part = part);
    }

    /// Sets a head aside, with what belongs to it.
    pub(super) fn park(&mut self, lane: u8, head: Entry, expires_at: Option<UnixMillis>) {
        let (gone, kept) = self.lane(lane).drain(..).partition::<VecDeque<_>, _>(|job| job.is_sibling(&head));
        *self.lane(lane) = kept;
        let jobs = std::iter::once(head).chain(gone).collect();
        let id = self.sequence();
        self.parked.push(SetAside { id, lane, jobs, expires_at });
    }

    /// Puts what was set aside at the end of its lane, as one arrival.
    pub(super) fn unpark(&mut self, at: usize, now: UnixMillis) {
        let SetAside { lane, jobs, .. } = self.parked.remove(at);
        let sequence = self.sequence();
        let first = u16::from(jobs.iter().any(|job| job.answer.is_some()));
        let again = jobs.into_iter().zip(first..);
        let again = again.map(|(job, part)| Entry { part, answer: job.answer, ..Entry::new(job.name, sequence, now) });
        self.lane(lane).extend(again);
    }

    /// Puts late jobs before the arrivals of these numbers in the lane, or at its end if it has not so many. Nothing
    /// comes before an arrival of which parts are done. Whoever is moved gets a new number, and waits no more when its
    /// turn comes.
    pub(super) fn backfill(&mut self, lane: u8, late: Vec<(usize, Entry)>) {
        let jobs: Vec<_> = std::mem::take(self.lane(lane)).into();
        let is_begun = arrivals(&jobs).first().is_some_and(|arrival| arrival[0].part > 1);
        let (mut late, mut all) = (late.into_iter().peekable(), Vec::new());
        for (at, arrival) in arrivals(&jobs).into_iter().enumerate() {
            while let Some((_, job)) = late.next_if(|(before, _)| *before <= at && (at > 0 || !is_begun)) {
                all.push(vec![job]);
            }
            all.push(arrival.to_vec());
        }
        all.extend(late.map(|(_, job)| vec![job]));
        let mut moves = false;
        for mut arrival in all {
            moves |= arrival[0].sequence == u64::MAX;
            if moves {
                let sequence = self.sequence();
                for job in &mut arrival {
                    (job.sequence, job.retry_at) = (sequence, None);
                }
            }
            self.lane(lane).extend(arrival);
        }
    }

    /// Forgets what has expired.
    pub(super) fn sweep(&mut self, now: UnixMillis) {
        self.known.retain(|_, until| *until >= now);
        self.parked.retain(|parked| parked.expires_at.is_none_or(|until| until >= now));
    }

    /// A new run begins: nothing is claimed or held, and what another run has put off is due, since nobody knows when
    /// that was.
    pub(super) fn reopen(&mut self) {
        self.leased.clear();
        self.held.clear();
        self.lanes.values_mut().flatten().for_each(|job| job.retry_at = None);
        self.first_of_run = self.next_sequence;
    }

    /// What a store shows that is this model.
    pub(super) fn seen(&self) -> Seen {
        let row = |job: &Entry| (job.name.clone(), job.sequence, job.part, job.failed, job.is_repeated);
        let lanes = self.lanes.iter().filter(|(_, jobs)| !jobs.is_empty());
        let oldest = self.lanes.values().filter_map(VecDeque::front).min_by_key(|head| head.sequence);
        let parked = |it: &SetAside| (it.id, it.jobs.iter().map(|job| job.name.clone()).collect(), it.expires_at);
        Seen {
            lanes: lanes.map(|(lane, jobs)| (lane.to_string(), jobs.iter().map(row).collect())).collect(),
            parked: self.parked.iter().map(parked).collect(),
            known: self.known.keys().copied().collect(),
            offset: self.offset,
            next_sequence: self.next_sequence,
            waiting: self.lanes.values().map(VecDeque::len).sum(),
            oldest_at: oldest.map(|head| head.enqueued_at),
            needs_person: self.parked.iter().filter(|it| it.expires_at.is_none()).count(),
            reported: self.parked.iter().filter(|it| it.expires_at.is_some()).count(),
        }
    }
}

/// The jobs of a lane by their arrivals.
pub(super) fn arrivals(jobs: &[Entry]) -> Vec<&[Entry]> {
    jobs.chunk_by(|one, next| one.sequence == next.sequence).collect()
}

/// A job by its row: its name, its place, and how it was tried.
type Row = (String, u64, u16, u32, bool);

/// The observable state of a queue: its rows, and how they are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    lanes: BTreeMap<String, Vec<Row>>,
    parked: Vec<(u64, Vec<String>, Option<UnixMillis>)>,
    known: BTreeSet<u8>,
    offset: Option<i64>,
    next_sequence: u64,
    waiting: usize,
    oldest_at: Option<UnixMillis>,
    needs_person: usize,
    reported: usize,
}

impl Seen {
    /// Looks at a store, by its rows and by its counters.
    pub(super) fn of(store: &Store) -> Self {
        let db = store.tables();
        let mut lanes = BTreeMap::<_, Vec<_>>::new();
        for entry in db.scan_prefix(keys::JOBS) {
            let (key, value) = entry.unwrap();
            let (place, row) = (keys::JobKey::parse(&key).unwrap(), rows::parse::<rows::JobRow>(&value).unwrap());
            let row = (name(&row.job).to_owned(), place.sequence, place.part, row.failed, row.is_repeated);
            lanes.entry(place.lane.thread).or_default().push(row);
        }
        let names = |jobs: &[Job]| jobs.iter().map(|job| name(job).to_owned()).collect();
        let parked = store.parked(usize::MAX).unwrap();
        let counts = store.counts();
        let of_route = counts.routes.first().map(|(_, queue)| *queue).unwrap_or_default();
        Self {
            lanes,
            parked: parked.iter().map(|it| (it.id.0, names(&it.jobs), it.expires_at)).collect(),
            known: (0..IDS).filter(|id| store.was_taken(&IdempotencyKey(id.to_string())).unwrap()).collect(),
            offset: store.offset(BOT).unwrap(),
            next_sequence: rows::get(&db, keys::SEQUENCE).unwrap().unwrap_or_default(),
            waiting: of_route.waiting,
            oldest_at: of_route.oldest_at,
            needs_person: counts.parked,
            reported: counts.reported,
        }
    }
}
