//! The lanes of one route.
//!
//! An unclaimed lane is in exactly one place: ready, later, or withheld by a hold. Ready lanes are in one queue for
//! each class of their heads: people before broadcasts, and files apart from texts.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    domain::{job::Lane, time::UnixMillis},
    store::{Class, Due, QueueCount, Readiness, index::Head},
};

/// The lanes of one route.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: HashMap<Arc<str>, Waiting>,
    /// The lanes that can be claimed, by [`Class`]. A lane that has been served goes to the end.
    ready: [VecDeque<Arc<str>>; Class::ALL.len()],
    /// The lanes whose heads are retried later, by that time and then by arrival.
    later: BTreeSet<(UnixMillis, u64, Arc<str>)>,
    /// The held lanes, with the sequence from which on jobs cannot be claimed.
    held: HashMap<Arc<str>, u64>,
    /// The held lanes that would be ready, or later, if they were not held.
    withheld: HashSet<Arc<str>>,
    /// The lanes that are being rewritten: nothing in them can be claimed, even if they are released meanwhile.
    frozen: HashSet<Arc<str>>,
    /// The heads of all lanes by arrival.
    heads: BTreeMap<(u64, Arc<str>), UnixMillis>,
    jobs: usize,
    woken: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    head: Head,
    jobs: usize,
    leased: bool,
    /// Since when this arrival waits, in this process.
    since: Instant,
    /// When this job was first claimed.
    tried_at: Option<Instant>,
}

/// A lane in the order in which lanes are served.
#[derive(Clone, Debug)]
pub(in crate::store) struct Upcoming {
    pub(in crate::store) thread: Arc<str>,
    /// The number of the head.
    pub(in crate::store) id: u64,
    pub(in crate::store) turn: Readiness,
    /// How many jobs it has.
    pub(in crate::store) jobs: usize,
}

impl Waiting {
    fn new(head: Head, jobs: usize) -> Self {
        Self { head, jobs, leased: false, since: Instant::now(), tried_at: None }
    }

    /// Since when the next job waits: as much later than this one as it arrived after it. If the wall clock was set in
    /// between, it is still not before this one nor in the future.
    fn since_of(&self, next: Head) -> Instant {
        let later = self.head.enqueued_at.until(next.enqueued_at);
        let now = Instant::now();
        self.since.checked_add(later).map_or(now, |since| since.min(now))
    }
}

impl Queue {
    pub(super) fn joined(&mut self, thread: &str, head: Head) {
        self.jobs += 1;
        if let Some(waiting) = self.lanes.get_mut(thread) {
            waiting.jobs += 1;
            return;
        }
        let thread: Arc<str> = thread.into();
        self.heads.insert((head.sequence, Arc::clone(&thread)), head.enqueued_at);
        self.lanes.insert(Arc::clone(&thread), Waiting::new(head, 1));
        self.release(&thread);
    }

    pub(super) fn counted(&mut self, thread: &str) {
        if let Some(waiting) = self.lanes.get_mut(thread) {
            waiting.jobs += 1;
            self.jobs += 1;
        }
    }

    pub(super) fn settled(&mut self, thread: &str, (removed, added): (usize, usize), head: Option<Head>) {
        let Some((thread, mut waiting)) = self.lanes.remove_entry(thread) else { return };
        self.jobs = (self.jobs + added).saturating_sub(removed);
        self.heads.remove(&(waiting.head.sequence, Arc::clone(&thread)));
        let Some(head) = head else { return };
        self.heads.insert((head.sequence, Arc::clone(&thread)), head.enqueued_at);
        if head.sequence != waiting.head.sequence {
            waiting.since = waiting.since_of(head);
        }
        // Only a job that is retried has been tried: the parts of an answer have not.
        if head.sequence != waiting.head.sequence || head.retry_at.is_none() {
            waiting.tried_at = None;
        }
        waiting.jobs = (waiting.jobs + added).saturating_sub(removed);
        (waiting.leased, waiting.head) = (false, head);
        self.lanes.insert(Arc::clone(&thread), waiting);
        self.release(&thread);
    }

    pub(super) fn returned(&mut self, thread: &str, at: Option<UnixMillis>) {
        let Some((thread, _)) = self.lanes.get_key_value(thread) else { return };
        let thread = Arc::clone(thread);
        if let Some(waiting) = self.lanes.get_mut(&thread) {
            waiting.leased = false;
            waiting.head.retry_at = at.or(waiting.head.retry_at);
        }
        self.release(&thread);
    }

    pub(super) fn make_due(&mut self, thread: &str) {
        let Some((thread, waiting)) = self.lanes.get_key_value(thread) else { return };
        let (thread, head) = (Arc::clone(thread), waiting.head);
        let Some(retry_at) = head.retry_at else { return };
        if self.later.remove(&(retry_at, head.sequence, Arc::clone(&thread))) {
            self.clear_retry(&thread);
            self.release(&thread);
        }
    }

    pub(super) fn sorted(&mut self, now: UnixMillis) {
        self.wake(now);
        for ready in &mut self.ready {
            let lanes = &self.lanes;
            let arrival = |thread: &Arc<str>| lanes.get(thread).map(|waiting| waiting.head.sequence);
            ready.make_contiguous().sort_by_key(arrival);
        }
        self.woken.notify_one();
    }

    fn clear_retry(&mut self, thread: &str) {
        if let Some(waiting) = self.lanes.get_mut(thread) {
            waiting.head.retry_at = None;
        }
    }

    pub(super) fn has(&self, thread: &str) -> bool {
        self.lanes.contains_key(thread)
    }

    pub(super) fn claim(&mut self, now: UnixMillis, may: impl Fn(Class) -> bool) -> Option<(Arc<str>, Instant)> {
        self.wake(now);
        let class = Class::ALL.into_iter().find(|class| may(*class) && !self.ready[class.place()].is_empty())?;
        let thread = self.ready[class.place()].pop_front()?;
        let waiting = self.lanes.get_mut(&thread)?;
        waiting.leased = true;
        let tried_at = *waiting.tried_at.get_or_insert_with(Instant::now);
        Some((thread, tried_at))
    }

    pub(super) fn claim_older(&mut self, now: UnixMillis, before: Instant) -> Option<(Arc<str>, Instant)> {
        self.wake(now);
        let is_older = |thread: &Arc<str>| self.lanes.get(thread).is_some_and(|waiting| waiting.since <= before);
        let place = self.ready.iter().position(|ready| ready.front().is_some_and(is_older))?;
        let thread = self.ready[place].pop_front()?;
        let waiting = self.lanes.get_mut(&thread)?;
        waiting.leased = true;
        Some((thread, waiting.since))
    }

    /// Claims a lane out of its turn, whatever its head waits for, unless it is claimed or frozen.
    pub(super) fn take(&mut self, thread: &str) -> Option<Instant> {
        if self.frozen.contains(thread) {
            return None;
        }
        let waiting = self.lanes.get_mut(thread).filter(|waiting| !waiting.leased)?;
        waiting.leased = true;
        let (head, tried_at) = (waiting.head, *waiting.tried_at.get_or_insert_with(Instant::now));
        if let Some(retry_at) = head.retry_at {
            self.later.remove(&(retry_at, head.sequence, thread.into()));
        }
        self.ready[head.class.place()].retain(|it| &**it != thread);
        self.withheld.remove(thread);
        Some(tried_at)
    }

    pub(super) fn upcoming(&self, after: Option<u64>, limit: usize) -> Vec<Upcoming> {
        let from = (after.map_or(0, |after| after.saturating_add(1)), Arc::from(""));
        self.heads.range(from..).take(limit).filter_map(|((_, thread), _)| self.first_of(thread)).collect()
    }

    pub(super) fn first_of(&self, thread: &str) -> Option<Upcoming> {
        let (thread, waiting) = self.lanes.get_key_value(thread)?;
        let turn = match waiting.head.retry_at {
            _ if waiting.leased => Readiness::UnderWay,
            _ if self.withheld.contains(thread) => Readiness::Held,
            Some(at) => Readiness::At(at),
            None => Readiness::Now,
        };
        Some(Upcoming { thread: Arc::clone(thread), id: waiting.head.sequence, turn, jobs: waiting.jobs })
    }

    /// The lane whose head has a number.
    pub(super) fn thread_of(&self, sequence: u64) -> Option<&str> {
        let ((found, thread), _) = self.heads.range((sequence, Arc::from(""))..).next()?;
        (*found == sequence).then_some(&**thread)
    }

    pub(super) fn hold(&mut self, threads: impl IntoIterator<Item = String>, from: u64) {
        for thread in threads {
            let thread: Arc<str> = thread.into();
            let held = self.held.entry(Arc::clone(&thread)).or_insert(from);
            *held = from.min(*held);
            let from = *held;
            if let Some(waiting) = self.lanes.get(&thread).filter(|it| it.head.sequence >= from && !it.leased) {
                if let Some(retry_at) = waiting.head.retry_at {
                    self.later.remove(&(retry_at, waiting.head.sequence, Arc::clone(&thread)));
                }
                self.withheld.insert(thread);
            }
        }
        let withheld = &self.withheld;
        for ready in &mut self.ready {
            ready.retain(|thread| !withheld.contains(thread));
        }
    }

    pub(super) fn release_hold(&mut self, thread: &str) -> bool {
        let Some((thread, _)) = self.held.remove_entry(thread) else { return false };
        let was_withheld = self.withheld.remove(&thread);
        if was_withheld {
            self.release(&thread);
        }
        was_withheld
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &str> {
        self.held.keys().map(AsRef::as_ref)
    }

    pub(super) fn withheld(&self) -> usize {
        self.withheld.len()
    }

    pub(super) fn is_withheld(&self, thread: &str) -> bool {
        self.withheld.contains(thread)
    }

    pub(super) fn freeze(&mut self, thread: &str) -> bool {
        let is_leased = self.lanes.get(thread).is_some_and(|waiting| waiting.leased);
        let is_still = self.held.get(thread) == Some(&0) && !is_leased;
        is_still && self.frozen.insert(thread.into())
    }

    pub(super) fn thaw(&mut self, thread: &str, added: usize, head: Option<Head>) {
        let thread: Arc<str> = thread.into();
        self.frozen.remove(&thread);
        if let Some(head) = head.filter(|_| added > 0) {
            self.jobs += added;
            let waiting = self.lanes.entry(Arc::clone(&thread)).or_insert_with(|| Waiting::new(head, 0));
            self.heads.remove(&(waiting.head.sequence, Arc::clone(&thread)));
            self.heads.insert((head.sequence, Arc::clone(&thread)), head.enqueued_at);
            waiting.jobs += added;
            // The same head waits as before: the time in its row may be from an earlier process.
            if head.sequence != waiting.head.sequence {
                (waiting.head, waiting.tried_at) = (head, None);
            }
        }
        self.withheld.remove(&thread);
        if self.lanes.contains_key(&thread) {
            self.release(&thread);
        }
    }

    pub(super) fn due(&self, may: impl Fn(Class) -> bool) -> Option<Due> {
        let is_ready = Class::ALL.into_iter().any(|class| may(class) && !self.ready[class.place()].is_empty());
        let later = || self.later.first().map(|(retry_at, ..)| Due::At(*retry_at));
        if is_ready { Some(Due::Now) } else { later() }
    }

    pub(super) fn woken(&self) -> Arc<Notify> {
        Arc::clone(&self.woken)
    }

    pub(super) fn count(&self) -> QueueCount {
        let mut heads = self.heads.iter().filter(|((_, thread), _)| !Lane::is_hold(thread));
        QueueCount { waiting: self.jobs, oldest_at: heads.next().map(|(_, at)| *at) }
    }

    /// Makes the lanes that are due ready.
    fn wake(&mut self, now: UnixMillis) {
        while self.later.first().is_some_and(|(retry_at, ..)| *retry_at <= now) {
            let Some((_, _, thread)) = self.later.pop_first() else { return };
            if let Some(waiting) = self.lanes.get(&thread) {
                self.ready[waiting.head.class.place()].push_back(thread);
            }
        }
    }

    /// Puts an unclaimed lane into its place.
    fn release(&mut self, thread: &Arc<str>) {
        let Some(waiting) = self.lanes.get(thread) else { return };
        let head = waiting.head;
        if self.frozen.contains(thread) || self.held.get(thread).is_some_and(|from| head.sequence >= *from) {
            self.withheld.insert(Arc::clone(thread));
            return;
        }
        match head.retry_at {
            None => self.ready[head.class.place()].push_back(Arc::clone(thread)),
            Some(retry_at) => {
                self.later.insert((retry_at, head.sequence, Arc::clone(thread)));
            }
        }
        self.woken.notify_one();
    }
}

#[cfg(test)]
impl Queue {
    /// In how many places a lane waits.
    pub(super) fn places(&self, thread: &str) -> usize {
        let ready = self.ready.iter().flatten().filter(|it| &***it == thread).count();
        let later = self.later.iter().filter(|(_, _, it)| &**it == thread).count();
        ready + later + usize::from(self.withheld.contains(thread))
    }
}
