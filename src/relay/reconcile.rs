//! Managers' messages that never came: looked for in Kommo's history, and put where they belong.
//!
//! Kommo sends each hook once, so what was written while nobody listened is in the chat's history alone. At a start, and
//! when the operator asks, the chats that may be affected are read back to the instant from which something may be
//! missing. A message that was written in Kommo and was never taken becomes the job that its hook would have become, under
//! the same id: whichever of the two comes second is recognised.
//!
//! Order: hooks that come after a start are newer than what is missing. Until its conversation has been compared they are
//! held ([`Store::hold`]), and what is missing is put in front of them ([`Store::weave`]). A hold ends after
//! [`Bounds::hold_for`], since a Kommo that does not answer must not keep managers from customers for long.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{
        address::{Conversation, SourceId},
        retry::{Failure, Schedule},
        time::UnixMillis,
        work::Lane,
    },
    kommo::{chats::Chats, failure},
    pace::Pace,
    store::{KnownChat, Store, StoreError},
};

mod compare;

/// The clocks of two machines differ, and a hook may be under way for a while.
const MARGIN: Duration = Duration::from_mins(5);
/// How often it is noted that nothing is missing.
const NOTE_EVERY: Duration = Duration::from_mins(1);
/// The wait where the schedule has none.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// How often Kommo may fail in a row while the operator waits for the result.
const TRIES_WHILE_WATCHED: u32 = 5;

/// How far back it is looked, and for how long something is held up for it.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Older messages are told of, but not sent.
    pub max_age: Duration,
    /// Chats in which nothing was said for longer are not looked at.
    pub chats_within: Duration,
    /// How long it is known of a hook that it was taken. Nothing older can be told from what is missing.
    pub known_for: Duration,
    /// How long hooks are held after a start.
    pub hold_for: Duration,
}

/// Finds what is missing.
pub struct Reconciler {
    chats: Chats,
    store: Store,
    sources: BTreeSet<SourceId>,
    bounds: Bounds,
    schedule: Schedule,
    /// Beside the client's own limit: live messages keep the greater part of it.
    pace: Pace,
    /// One search at a time.
    turn: Mutex<()>,
}

/// What a search has to do.
#[derive(Debug)]
pub struct Search {
    /// From when on something may be missing.
    since: UnixMillis,
    /// What arrived at this number or later is newer than whatever is missing.
    mark: u64,
    pending: Vec<Target>,
}

/// A conversation to be compared.
#[derive(Clone, Debug)]
struct Target {
    conversation: Conversation,
    kommo_chat: String,
    lane: Lane,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that had not passed.
    pub found: usize,
    /// Those that are in their queues now.
    pub sent: usize,
    /// Those that are too old for that.
    pub too_old: usize,
    /// Conversations whose history could not be read.
    pub unread: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, sent {}, too old {}", self.found, self.sent, self.too_old)?;
        if self.unread > 0 {
            write!(f, "; {} conversations could not be read", self.unread)?;
        }
        Ok(())
    }
}

impl Search {
    /// How many conversations are to be compared.
    #[must_use]
    pub const fn conversations(&self) -> usize {
        self.pending.len()
    }

    /// From when on.
    #[must_use]
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// The next one: first those in which somebody waits for it.
    fn next(&mut self, store: &Store) -> Option<Target> {
        let waiting: HashSet<_> = store.withheld().into_iter().collect();
        let urgent = self.pending.iter().position(|target| waiting.contains(&target.lane));
        (!self.pending.is_empty()).then(|| self.pending.remove(urgent.unwrap_or(0)))
    }
}

impl Reconciler {
    /// One that asks `chats`, at most half as often as `rate` per second, for conversations of `sources`.
    #[must_use]
    pub fn new(
        chats: Chats,
        store: Store,
        sources: BTreeSet<SourceId>,
        bounds: Bounds,
        schedule: Schedule,
        rate: u32,
    ) -> Self {
        Self { chats, store, sources, bounds, schedule, pace: Pace::per_second(rate / 2), turn: Mutex::new(()) }
    }

    /// What a start has to look for. From then on, new hooks of these conversations are held.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn prepare(&self, now: UnixMillis) -> Result<Search, StoreError> {
        let since = self.store.caught_up_at()?.map(|at| at.minus(MARGIN));
        let search = self.search(since.unwrap_or_else(|| now.minus(self.bounds.max_age)), now).await?;
        let lanes: Vec<_> = search.pending.iter().map(|target| target.lane.clone()).collect();
        // What a search that was cut short has held still waits, and is newer than what is missing.
        self.store.hold(&lanes, self.store.caught_up_mark()?.unwrap_or(search.mark));
        Ok(search)
    }

    /// A search for what may be missing `since` then, or since the store can tell.
    async fn search(&self, since: UnixMillis, now: UnixMillis) -> Result<Search, StoreError> {
        let tellable = now.minus(self.bounds.known_for.saturating_sub(MARGIN));
        let begun_at = self.store.begun_at()?.unwrap_or(since);
        let mark = self.store.mark().await?;
        Ok(Search { since: since.max(tellable).max(begun_at), mark, pending: self.targets(now)? })
    }

    /// The conversations that may be affected, the liveliest first.
    fn targets(&self, now: UnixMillis) -> Result<Vec<Target>, StoreError> {
        let from = now.minus(self.bounds.chats_within);
        let mut known = self.store.known_chats()?;
        known.retain(|known| {
            self.sources.contains(&known.conversation.source) && known.active_at.is_none_or(|at| at >= from)
        });
        known.sort_by_key(|known| Reverse(known.active_at));
        let target = |known: KnownChat| Target {
            lane: Lane::outbound(&known.conversation),
            conversation: known.conversation,
            kommo_chat: known.chat.chat.0,
        };
        Ok(known.into_iter().map(target).collect())
    }

    /// Does what a start asks for, in the background, and from then on notes that nothing is missing, until `stop`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn attend(self: Arc<Self>, search: Option<Search>, stop: CancellationToken) -> Result<(), StoreError> {
        if let Some(search) = search {
            match stop.run_until_cancelled(self.begin(search)).await {
                Some(outcome) => outcome?,
                // The next start looks again, from the same instant on.
                None => return Ok(()),
            }
        }
        loop {
            self.store.caught_up(clock::now()).await?;
            if stop.run_until_cancelled(sleep(NOTE_EVERY)).await.is_none() {
                return self.store.caught_up(clock::now()).await;
            }
        }
    }

    async fn begin(&self, search: Search) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let (count, back) = (search.conversations(), search.since.until(clock::now()));
        if count == 0 {
            return Ok(());
        }
        let back = humantime::format_duration(Duration::from_secs(back.as_secs()));
        tracing::info!(conversations = count, "looking for managers' messages of the last {back} that did not come");
        let deadline = tokio::time::Instant::now() + self.bounds.hold_for;
        let work = self.work_off(search, None, |_| ());
        tokio::pin!(work);
        let tally = tokio::select! {
            tally = &mut work => tally?,
            () = sleep_until(deadline) => {
                let count = self.store.let_go_of_all();
                if count > 0 {
                    tracing::warn!(conversations = count, "new messages go on before older ones that may be missing");
                }
                work.await?
            }
        };
        tracing::info!("compared with Kommo's history: {tally}");
        Ok(())
    }

    /// Looks for what is missing `since` so long ago, and tells in `say` what it does. Gives the result.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn look(&self, since: Option<Duration>, mut say: impl FnMut(String) + Send) -> Result<Tally, StoreError> {
        let _turn = if let Ok(turn) = self.turn.try_lock() {
            turn
        } else {
            say("Another comparison is under way: this one begins after it.".to_owned());
            self.turn.lock().await
        };
        let now = clock::now();
        let search = self.search(now.minus(since.unwrap_or(self.bounds.max_age)), now).await?;
        let back = humantime::format_duration(Duration::from_secs(search.since.until(now).as_secs()));
        say(format!("Comparing the last {back} of {} conversations with Kommo's history.", search.conversations()));
        let tally = self.work_off(search, Some(TRIES_WHILE_WATCHED), say).await?;
        tracing::info!("compared with Kommo's history: {tally}");
        Ok(tally)
    }

    /// Compares one conversation after the other. One that fails is tried again later; after `tries` failures in a row,
    /// the rest is left.
    async fn work_off(
        &self,
        mut search: Search,
        tries: Option<u32>,
        mut say: impl FnMut(String) + Send,
    ) -> Result<Tally, StoreError> {
        let (mut tally, mut failed) = (Tally::default(), 0);
        while let Some(target) = search.next(&self.store) {
            let answer = self.compare(&target, search.since, search.mark).await?;
            let (why, after) = match answer.map_err(failure::of_status) {
                Ok(compared) => {
                    failed = 0;
                    self.store.let_go(&target.lane);
                    if compared.found > 0 {
                        say(format!("{}: {compared}", target.conversation));
                    }
                    tally.add(compared);
                    continue;
                }
                Err(Failure::Permanent(refusal)) => {
                    tracing::warn!(conversation = %target.conversation, why = refusal.sentence, "its history cannot be read");
                    say(format!("{}: its history cannot be read: {}", target.conversation, refusal.sentence));
                    self.store.let_go(&target.lane);
                    tally.unread += 1;
                    continue;
                }
                Err(Failure::Transient { why, after }) => (why, after),
                Err(Failure::Blocked { why }) => (why, None),
            };
            failed += 1;
            search.pending.push(target);
            if tries.is_some_and(|tries| failed >= tries) {
                say(format!("Given up: {why}."));
                tally.unread += search.pending.len();
                break;
            }
            let wait = self.schedule.wait(failed, fastrand::f64(), after).unwrap_or(LAST_WAIT);
            let shown = humantime::format_duration(Duration::from_secs(wait.as_secs()));
            tracing::warn!(why, "Kommo's history cannot be read: tried again in {shown}");
            say(format!("{why}: tried again in {shown}."));
            sleep(wait).await;
        }
        Ok(tally)
    }
}

impl Tally {
    const fn add(&mut self, other: Self) {
        self.found += other.found;
        self.sent += other.sent;
        self.too_old += other.too_old;
        self.unread += other.unread;
    }
}
