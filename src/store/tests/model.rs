//! Any sequence of uses, held against the simplest queue that could be right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

/// One thing that happens. Numbers choose among what is there at the time.
#[derive(Clone, Debug)]
enum Act {
    Push { lane: u8, id: Option<u8> },
    Claim,
    Done { lease: u8, then: Option<u8> },
    Become { lease: u8, parts: u8, answers: u8 },
    Unite { lease: u8, behind: u8, parts: u8 },
    Retry { lease: u8, minutes: u8 },
    Park { lease: u8 },
    Drop { lease: u8 },
    Weave { lane: u8, before: Vec<u8> },
    Pass { minutes: u8 },
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..4_u8, proptest::option::of(0..6_u8)).prop_map(|(lane, id)| Act::Push { lane, id }),
        4 => Just(Act::Claim),
        3 => (any::<u8>(), proptest::option::of(0..4_u8)).prop_map(|(lease, then)| Act::Done { lease, then }),
        2 => (any::<u8>(), 1..4_u8, 0..3_u8)
            .prop_map(|(lease, parts, answers)| Act::Become { lease, parts, answers }),
        2 => (any::<u8>(), 0..4_u8, 0..4_u8).prop_map(|(lease, behind, parts)| Act::Unite { lease, behind, parts }),
        1 => (any::<u8>(), 0..4_u8).prop_map(|(lease, minutes)| Act::Retry { lease, minutes }),
        1 => any::<u8>().prop_map(|lease| Act::Park { lease }),
        1 => any::<u8>().prop_map(|lease| Act::Drop { lease }),
        2 => (0..4_u8, proptest::collection::vec(0..6_u8, 0..4))
            .prop_map(|(lane, before)| Act::Weave { lane, before }),
        1 => (0..4_u8).prop_map(|minutes| Act::Pass { minutes }),
        1 => Just(Act::Reopen),
    ]
}

/// A waiting job of the model: its name, the arrival it belongs to, which of its answers it is a part of, if it has
/// several, and when it is due.
#[derive(Clone, Debug)]
struct Job {
    name: String,
    arrival: u32,
    answer: Option<u8>,
    /// Which part of the arrival it is, from 1; 0 is the arrival itself.
    part: u16,
    retry_at: Option<UnixMillis>,
}

impl Job {
    /// Its parts, which are spread over so many answers.
    fn parts(&self, parts: u8, answers: u8) -> Vec<Self> {
        let answer = |part: u8| part.checked_rem(answers);
        let part = |part| Self { name: format!("{}.{part}", self.name), answer: answer(part), retry_at: None, ..*self };
        (1..=parts).map(part).collect()
    }

    fn work(&self) -> Work {
        self.answer.map_or_else(|| work(&self.name), |answer| part(&self.name, &answer.to_string()))
    }

    /// Whether it goes where `other` goes when that is parked.
    fn is_sibling(&self, other: &Self) -> bool {
        let apart = self.answer.is_some() && other.answer.is_some() && self.answer != other.answer;
        self.arrival == other.arrival && !apart
    }
}

#[derive(Default)]
struct Model {
    lanes: BTreeMap<u8, VecDeque<Job>>,
    known: BTreeSet<u8>,
    leased: BTreeSet<u8>,
    parked: Vec<Vec<String>>,
    arrivals: u32,
}

impl Model {
    fn push(&mut self, lane: u8) -> String {
        self.arrivals += 1;
        let name = format!("{lane}/{}", self.arrivals);
        let job = Job { name: name.clone(), arrival: self.arrivals, answer: None, part: 0, retry_at: None };
        self.lanes.entry(lane).or_default().push_back(job);
        name
    }

    /// The names that a claim may bring now.
    fn claimable(&self, now: UnixMillis) -> BTreeSet<String> {
        let free = self.lanes.iter().filter(|(lane, _)| !self.leased.contains(lane));
        free.filter_map(|(_, jobs)| jobs.front())
            .filter(|job| job.retry_at.is_none_or(|at| at <= now))
            .map(|job| job.name.clone())
            .collect()
    }

    fn head(&mut self, lane: u8) -> Job {
        self.leased.remove(&lane);
        self.lanes.get_mut(&lane).unwrap().pop_front().unwrap()
    }
}

/// Model and store side by side.
struct Pair {
    home: Home,
    store: Store,
    model: Model,
    leases: Vec<(u8, Lease)>,
    now: UnixMillis,
}

const MINUTE: Duration = Duration::from_mins(1);

impl Pair {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Push { lane, id } => self.push(lane, id).await,
            Act::Claim => self.claim(),
            Act::Weave { lane, before } => self.weave(lane, before).await,
            Act::Pass { minutes } => self.now = self.now.plus(MINUTE * minutes.into()),
            Act::Reopen => self.reopen().await,
            Act::Done { lease, .. }
            | Act::Become { lease, .. }
            | Act::Unite { lease, .. }
            | Act::Retry { lease, .. }
            | Act::Park { lease }
            | Act::Drop { lease } => {
                if !self.leases.is_empty() {
                    let (lane, lease) = self.leases.swap_remove(usize::from(lease) % self.leases.len());
                    self.end(act, lane, lease).await;
                }
            }
        }
    }

    async fn push(&mut self, number: u8, id: Option<u8>) {
        let is_new = id.is_none_or(|id| self.model.known.insert(id));
        let named = if is_new { self.model.push(number) } else { "known".to_owned() };
        let jobs = vec![job(id.map(|id| id.to_string()).as_deref(), &lane(&number.to_string()), &named)];
        let pushed = self.store.push(Intake { jobs, offset: None }, self.now).await.unwrap();
        assert_eq!(pushed.taken, usize::from(is_new));
    }

    fn claim(&mut self) {
        let claimable = self.model.claimable(self.now);
        match self.store.claim(&Route::Inbound, self.now).unwrap() {
            None => assert!(claimable.is_empty(), "{claimable:?} could be claimed"),
            Some(lease) => {
                assert!(claimable.contains(name(lease.work())), "{} is not among {claimable:?}", name(lease.work()));
                let lane = lease.lane().thread.parse().unwrap();
                self.model.leased.insert(lane);
                self.leases.push((lane, lease));
            }
        }
    }

    async fn end(&mut self, act: Act, lane_number: u8, lease: Lease) {
        let head = self.model.head(lane_number);
        let ending = match act {
            Act::Done { then, .. } => {
                let then = then.map(|to| job(None, &lane(&to.to_string()), &self.model.push(to)));
                Ending::Done { then: then.into_iter().collect(), facts: Vec::new() }
            }
            Act::Become { parts, answers, .. } => {
                Ending::Become(self.replaced(lane_number, &head, &head.parts(parts, answers)))
            }
            Act::Unite { behind, parts, .. } => {
                let jobs = self.model.lanes.get_mut(&lane_number).unwrap();
                let taken: Vec<_> = jobs.drain(..jobs.len().min(behind.into())).map(|job| job.name).collect();
                let seen = lease.behind(behind.into()).unwrap();
                assert_eq!(seen.iter().map(|(work, _)| name(work).to_owned()).collect::<Vec<_>>(), taken);
                Ending::Unite { behind: taken.len(), works: self.replaced(lane_number, &head, &head.parts(parts, 0)) }
            }
            Act::Retry { minutes, .. } => {
                let at = self.now.plus(MINUTE * minutes.into());
                self.model.lanes.get_mut(&lane_number).unwrap().push_front(Job { retry_at: Some(at), ..head });
                retry(at)
            }
            Act::Park { .. } => {
                let jobs = self.model.lanes.get_mut(&lane_number).unwrap();
                let (gone, kept) = jobs.drain(..).partition::<VecDeque<_>, _>(|job| job.is_sibling(&head));
                *jobs = kept;
                self.model.parked.push(std::iter::once(head).chain(gone).map(|job| job.name).collect());
                park("test")
            }
            Act::Drop { .. } => {
                self.model.lanes.get_mut(&lane_number).unwrap().push_front(head);
                return drop(lease);
            }
            Act::Push { .. } | Act::Claim | Act::Weave { .. } | Act::Pass { .. } | Act::Reopen => {
                unreachable!("no lease ends by these")
            }
        };
        lease.settle(ending, self.now).await.unwrap();
    }

    /// Puts parts in the place of the head that they were. Those that follow move up.
    fn replaced(&mut self, lane: u8, head: &Job, parts: &[Job]) -> Vec<Work> {
        let jobs = self.model.lanes.get_mut(&lane).unwrap();
        parts.iter().rev().for_each(|part| jobs.push_front(part.clone()));
        let siblings = jobs.iter_mut().take_while(|job| job.arrival == head.arrival);
        siblings.zip(head.part.max(1)..).for_each(|(job, part)| job.part = part);
        parts.iter().map(Job::work).collect()
    }

    /// Puts new jobs before the arrivals of these numbers in the lane, or at its end if it has not so many. Nothing comes before
    /// an arrival of which parts are done.
    async fn weave(&mut self, number: u8, mut before: Vec<u8>) {
        before.sort_unstable();
        let (mut jobs, mut ranks) = (self.model.lanes.remove(&number).unwrap_or_default(), BTreeMap::new());
        let arrivals: Vec<_> = jobs
            .iter()
            .map(|job| job.arrival)
            .collect::<Vec<_>>()
            .chunk_by(PartialEq::eq)
            .map(|arrival| arrival[0])
            .collect();
        for job in &jobs {
            let place = arrivals.iter().position(|arrival| *arrival == job.arrival).unwrap();
            ranks.insert(job.name.clone(), 2 * place + 1);
        }
        let is_leased = self.model.leased.contains(&number);
        let mut missing = Vec::new();
        for place in before {
            let name = if is_leased { "busy".to_owned() } else { self.model.push(number) };
            if !is_leased {
                let new = self.model.lanes.remove(&number).unwrap().pop_front().unwrap();
                let is_begun = jobs.front().is_some_and(|job| job.part > 1);
                let next = arrivals.get(usize::from(place.max(is_begun.into())));
                let at = next.and_then(|next| jobs.iter().position(|job| job.arrival == *next));
                let at = at.unwrap_or(jobs.len());
                // Who is moved waits no more when its turn comes again.
                jobs.range_mut(at..).for_each(|job| job.retry_at = None);
                jobs.insert(at, new);
            }
            missing.push(Missing { rank: 2 * usize::from(place), job: job(None, &lane(&number.to_string()), &name) });
        }
        self.model.lanes.insert(number, jobs);
        let (of, count) = (lane(&number.to_string()), missing.len());
        self.store.hold(std::slice::from_ref(&of), 0);
        let rank = move |_, work: &Work| ranks.get(name(work)).copied();
        let woven = self.store.weave(of.clone(), missing, rank, self.now).await.unwrap();
        assert_eq!(woven, if is_leased { Woven::Busy } else { Woven::Stored(count) });
        self.store.let_go(&of);
    }

    async fn reopen(&mut self) {
        self.leases.clear();
        self.model.leased.clear();
        // What another run has put off is due: nobody knows when that was.
        self.model.lanes.values_mut().flatten().for_each(|job| job.retry_at = None);
        self.store.clone().close().await.unwrap();
        self.store = self.home.open();
    }

    fn check(&self) {
        let counts = self.store.counts();
        let waiting: usize = counts.routes.iter().map(|(_, count)| count.waiting).sum();
        assert_eq!(waiting, self.model.lanes.values().map(VecDeque::len).sum::<usize>());
        let parked = self.store.parked(usize::MAX).unwrap();
        let parked: Vec<Vec<_>> =
            parked.iter().map(|parked| parked.works.iter().map(|work| name(work).to_owned()).collect()).collect();
        assert_eq!(parked, self.model.parked);
    }

    /// Everything that is left comes out, lane by lane in order.
    async fn finish(mut self) {
        self.reopen().await;
        self.now = self.now.plus(HOUR);
        while let Some(lease) = self.store.claim(&Route::Inbound, self.now).unwrap() {
            let head = self.model.lanes.get_mut(&lease.lane().thread.parse().unwrap()).unwrap().pop_front().unwrap();
            assert_eq!(name(lease.work()), head.name);
            lease.settle(done(), self.now).await.unwrap();
        }
        assert!(self.model.lanes.values().all(VecDeque::is_empty), "{:?} are lost", self.model.lanes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_the_model(acts in proptest::collection::vec(act(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let home = Home::new();
            let store = home.open();
            let mut pair = Pair { home, store, model: Model::default(), leases: Vec::new(), now: NOW };
            for act in acts {
                pair.act(act).await;
                pair.check();
            }
            pair.finish().await;
        });
    }
}
