//! Model and store side by side.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    pin::Pin,
};

use super::*;

/// A change that is asked for.
pub(super) type UnderWay = Pin<Box<dyn Future<Output = ()>>>;

pub(super) struct Pair {
    pub(super) home: Home,
    pub(super) store: Store,
    pub(super) model: Model,
    pub(super) leases: Vec<(u8, Lease)>,
    pub(super) now: UnixMillis,
}

fn numbered(number: u8) -> Lane {
    lane(&number.to_string())
}

fn number(lane: &Lane) -> u8 {
    lane.thread.parse().unwrap()
}

impl Pair {
    pub(super) fn new() -> Self {
        let home = Home::new();
        let store = home.open();
        Self { home, store, model: Model::default(), leases: Vec::new(), now: NOW }
    }

    pub(super) async fn act(&mut self, act: Act) {
        match act {
            Act::Push { .. } | Act::End { .. } => {
                if let Some(under_way) = self.begin(act) {
                    under_way.await;
                }
            }
            Act::Claim => self.claim(),
            Act::PutOff { lease, minutes } => {
                let at = self.now.plus(MINUTE * minutes.into());
                if let Some((lane, lease)) = self.lease(lease) {
                    self.give_back(lane, Some(at));
                    lease.put_off(at);
                }
            }
            Act::Drop { lease } => {
                if let Some((lane, _)) = self.lease(lease) {
                    self.give_back(lane, None);
                }
            }
            Act::Backfill { lane, before } => self.backfill(lane, before).await,
            Act::Hold { lane, is_whole } => self.hold(lane, is_whole).await,
            Act::LetGo { lane } => {
                self.model.held.remove(&lane);
                self.store.release_hold(&numbered(lane));
            }
            Act::LetGoOfAll => {
                self.model.held.clear();
                self.store.release_all_holds();
            }
            Act::MakeDue { lane } => self.make_due(lane),
            Act::Unpark { which } => self.unpark(which).await,
            Act::DropParked { which } => self.drop_parked(which).await,
            Act::Pass { minutes } => self.now = self.now.plus(MINUTE * minutes.into()),
            Act::Sweep => {
                self.model.sweep(self.now);
                self.store.sweep(self.now).await.unwrap();
                self.store.pack_expiries().await.unwrap();
            }
            Act::Reopen => self.reopen().await,
            Act::Crash { under_way, acknowledged } => self.crash(under_way, acknowledged).await,
        }
    }

    /// Asks for a change, which the model has at once.
    pub(super) fn begin(&mut self, act: Act) -> Option<UnderWay> {
        match act {
            Act::Push { jobs, moves_offset } => Some(self.push(&jobs, moves_offset)),
            Act::End { lease, how } => {
                let (lane, lease) = self.lease(lease)?;
                Some(self.end(&how, lane, lease))
            }
            other => unreachable!("{other:?} is not waited for by itself"),
        }
    }

    fn push(&mut self, jobs: &[(u8, Option<u8>)], moves_offset: bool) -> UnderWay {
        let (until, mut new, mut taken) = (self.now.plus(HOUR), Vec::new(), 0);
        for (to, id) in jobs {
            let is_new = id.is_none_or(|id| !self.model.known.contains_key(&id));
            let named = if is_new { self.model.push(*to, self.now) } else { "known".to_owned() };
            self.model.known.extend(id.filter(|_| is_new).map(|id| (id, until)));
            taken += usize::from(is_new);
            new.push(new_job(id.map(|id| id.to_string()).as_deref(), &numbered(*to), &named));
        }
        if moves_offset {
            self.model.offset = Some(self.model.offset.unwrap_or_default() + 1);
        }
        let offset = moves_offset.then_some(BOT).zip(self.model.offset);
        let (store, now, count) = (self.store.clone(), self.now, new.len());
        Box::pin(async move {
            let pushed = store.push(Intake { jobs: new, offset }, now).await.unwrap();
            assert_eq!((pushed.taken, pushed.known), (taken, count - taken));
        })
    }

    fn claim(&mut self) {
        let claimable = self.model.claimable(self.now);
        match self.store.claim(&Route::Inbound, self.now).unwrap() {
            None => assert!(claimable.is_empty(), "{claimable:?} could be claimed"),
            Some(lease) => {
                assert!(claimable.contains(name(lease.job())), "{} is not among {claimable:?}", name(lease.job()));
                let lane = number(lease.lane());
                let head = &self.model.lanes[&lane][0];
                let is_left = head.sequence < self.model.first_of_run;
                assert_eq!((lease.attempts(), lease.is_repeated()), (head.failed, head.is_repeated), "{head:?}");
                assert_eq!((lease.enqueued_at(), lease.is_left()), (head.enqueued_at, is_left), "{head:?}");
                assert!(self.model.leased.insert(lane), "it is claimed already");
                self.leases.push((lane, lease));
            }
        }
    }

    fn lease(&mut self, which: u8) -> Option<(u8, Lease)> {
        let at = usize::from(which).checked_rem(self.leases.len())?;
        Some(self.leases.swap_remove(at))
    }

    fn give_back(&mut self, lane: u8, at: Option<UnixMillis>) {
        self.model.leased.remove(&lane);
        let head = self.model.lane(lane).front_mut().unwrap();
        head.retry_at = at.or(head.retry_at);
    }

    fn end(&mut self, how: &How, lane: u8, lease: Lease) -> UnderWay {
        let (now, head) = (self.now, self.model.head(lane));
        let follow = |model: &mut Model, to: Option<u8>| {
            to.map(|to| new_job(None, &numbered(to), &model.push(to, now))).into_iter().collect()
        };
        let ending = match *how {
            How::Done { then } => Outcome::Done { then: follow(&mut self.model, then), changes: Vec::new() },
            How::Replace { parts, answers } => {
                let parts = head.parts(parts, answers);
                self.model.replace(lane, &head, &parts);
                Outcome::Replace(parts.iter().map(Entry::job).collect())
            }
            How::Merge { behind, parts } => {
                let jobs = self.model.lane(lane);
                let taken: Vec<_> = jobs.drain(..jobs.len().min(behind.into())).map(|job| job.name).collect();
                let seen = lease.behind(behind.into()).unwrap();
                assert_eq!(seen.iter().map(|(job, _)| name(job).to_owned()).collect::<Vec<_>>(), taken);
                let parts = head.parts(parts, 0);
                self.model.replace(lane, &head, &parts);
                Outcome::Merge { behind: taken.len(), jobs: parts.iter().map(Entry::job).collect() }
            }
            How::Retry { minutes, counts } => {
                let at = now.plus(MINUTE * minutes.into());
                let failed = head.failed + u32::from(counts);
                self.model.lane(lane).push_front(Entry { retry_at: Some(at), failed, ..head });
                Outcome::Retry { at, counts, why: "test".to_owned() }
            }
            How::Repeat => {
                self.model.lane(lane).push_front(Entry { retry_at: None, is_repeated: true, ..head });
                Outcome::Repeat
            }
            How::Park { needs_person, then } => {
                self.model.park(lane, head, (!needs_person).then(|| now.plus(HOUR)));
                Outcome::Park { why: "test".to_owned(), then: follow(&mut self.model, then), needs_person }
            }
        };
        Box::pin(async move {
            lease.settle(ending, now).await.unwrap();
        })
    }

    async fn backfill(&mut self, number: u8, mut before: Vec<u8>) {
        before.sort_unstable();
        let jobs: Vec<_> = self.model.lane(number).iter().cloned().collect();
        let named =
            |(at, arrival): (usize, &[Entry])| arrival.iter().map(|job| (job.name.clone(), 2 * at + 1)).collect();
        let ranks: BTreeMap<_, _> = arrivals(&jobs).into_iter().enumerate().flat_map::<Vec<_>, _>(named).collect();
        let is_leased = self.model.leased.contains(&number);
        let late = before.iter().enumerate();
        let late: Vec<_> =
            late.map(|(at, place)| (usize::from(*place), self.model.late(number, at, self.now))).collect();
        let missing = |(place, late): &(usize, Entry)| Missing {
            rank: 2 * place,
            job: new_job(None, &numbered(number), &late.name),
        };
        let missing: Vec<_> = late.iter().map(missing).collect();
        if !is_leased {
            self.model.backfill(number, late);
        }
        let (of, count) = (numbered(number), missing.len());
        self.store.hold(std::slice::from_ref(&of), 0);
        let rank = move |_, job: &Job| ranks.get(name(job)).copied();
        let backfilled = self.store.backfill(of.clone(), missing, rank, self.now).await.unwrap();
        assert_eq!(backfilled, if is_leased { Backfilled::Busy } else { Backfilled::Stored(count) });
        self.store.release_hold(&of);
        self.model.held.remove(&number);
    }

    async fn hold(&mut self, number: u8, is_whole: bool) {
        let from = if is_whole { 0 } else { self.store.next_mark().await.unwrap() };
        assert!(is_whole || from == self.model.next_sequence);
        self.store.hold(&[numbered(number)], from);
        let held = self.model.held.entry(number).or_insert(from);
        *held = from.min(*held);
    }

    fn make_due(&mut self, number: u8) {
        let is_held = |head: &Entry, from: &u64| head.sequence >= *from;
        let model = &mut self.model;
        let head = model.lanes.get_mut(&number).and_then(|jobs| jobs.front_mut());
        if let Some(head) = head.filter(|head| !model.held.get(&number).is_some_and(|from| is_held(head, from)))
            && !model.leased.contains(&number)
        {
            head.retry_at = None;
        }
        self.store.make_due(&numbered(number));
    }

    async fn unpark(&mut self, which: Vec<u8>) {
        let which = which.into_iter().filter_map(|it| usize::from(it).checked_rem(self.model.parked.len()));
        let which: BTreeSet<_> = which.collect();
        let ids: Vec<_> = which.iter().map(|at| ParkedId(self.model.parked[*at].id)).collect();
        for gone in 0..which.len() {
            // They go back by their numbers, and each leaves the others' places one smaller.
            self.model.unpark(which.iter().nth(gone).unwrap() - gone, self.now);
        }
        let became = self.store.unpark_all(ids.clone(), |_| true, self.now).await.unwrap();
        assert_eq!(became, ids.into_iter().map(|id| (id, Unparked::Queued)).collect());
    }

    async fn drop_parked(&mut self, which: u8) {
        if let Some(at) = usize::from(which).checked_rem(self.model.parked.len()) {
            let gone = self.model.parked.remove(at);
            assert!(drop_parked(&self.store, ParkedId(gone.id)).await);
        }
    }

    pub(super) async fn reopen(&mut self) {
        self.leases.clear();
        self.model.reopen();
        self.store.clone().close().await.unwrap();
        self.store = self.home.open();
    }

    pub(super) fn check(&self) {
        assert_eq!(Seen::of(&self.store), self.model.seen());
        for number in 0..LANES {
            let is_empty = self.model.lanes.get(&number).is_none_or(VecDeque::is_empty);
            assert_eq!(self.store.has(&numbered(number)), !is_empty, "lane {number}");
        }
        let due = self.store.due(&Route::Inbound).map(|due| match due {
            Due::Now => UnixMillis(i64::MIN),
            Due::At(at) => at,
        });
        let (is_due, due_at) = (due.is_some_and(|at| at <= self.now), self.model.due_at());
        assert_eq!(is_due, due_at.is_some_and(|at| at <= self.now), "{due:?}, and by the model {due_at:?}");
        assert!(is_due || due == due_at, "{due:?}, and by the model {due_at:?}");
    }

    /// Everything that is left comes out, lane by lane in order.
    pub(super) async fn finish(mut self) {
        self.reopen().await;
        while let Some(lease) = self.store.claim(&Route::Inbound, self.now).unwrap() {
            let head = self.model.lane(number(lease.lane())).pop_front().unwrap();
            assert_eq!(name(lease.job()), head.name);
            lease.settle(done(), self.now).await.unwrap();
        }
        assert!(self.model.lanes.values().all(VecDeque::is_empty), "{:?} are lost", self.model.lanes);
    }
}
