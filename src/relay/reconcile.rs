//! Managers' messages that never came: looked for in Kommo's history, and put where they belong.
//!
//! Kommo sends each hook once, so what was written while nobody listened is in the chat's history alone. A message that
//! was written in Kommo and was never taken becomes the job that its hook would have become, under the same id: whichever
//! of the two comes second is recognised.
//!
//! That hooks are missing cannot be seen from here: a web server before us that is down loses them as quietly as a stop
//! does. So only a comparison tells that nothing is missing, and each begins where the last one was complete. They are made
//! at a start, when an outage that could be seen has ended, from time to time in any case, and when the operator asks
//! (`attend`).
//!
//! Order: hooks that come after a start are newer than what is missing. Until its conversation has been compared they are
//! held ([`Store::hold`]), and what is missing is put in front of them ([`Store::weave`]). A hold ends after
//! [`Bounds::hold_for`], since a Kommo that does not answer must not keep managers from customers for long.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{
    clock,
    domain::{
        address::{Conversation, KommoUserId, SourceId},
        retry::Schedule,
        time::UnixMillis,
        work::Lane,
    },
    kommo::chats::Chats,
    media::imported::ImportedChats,
    meter::Meter,
    pace::Pace,
    store::{Chat, KnownChat, Store, StoreError},
};

mod attend;
mod compare;
mod read_back;
mod tally;
mod work_off;

pub use tally::{TOO_LONG, Tally, UNREAD};

/// How far the clocks of two machines may differ, and how long Kommo may leave a hook in a slow queue.
const MARGIN: Duration = Duration::from_hours(1);
/// A message that is younger is left to its hook by a comparison that is made in any case: the hook may be late, and tells
/// more than the history does.
const LEFT_TO_ITS_HOOK: Duration = Duration::from_mins(20);
/// How often Kommo may fail in a row while somebody waits for the result, or the next comparison follows anyway.
const TRIES: u32 = 5;

/// How far back it is looked, how often, and for how long something is held up for it.
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
    /// How long after one comparison the next one follows in any case.
    pub every: Duration,
    /// How often it is seen to whether Telegram and Kommo can be reached.
    pub watch_every: Duration,
}

/// Finds what is missing.
pub struct Reconciler {
    chats: Chats,
    store: Store,
    imported: ImportedChats,
    sources: BTreeSet<SourceId>,
    bounds: Bounds,
    schedule: Schedule,
    meter: Arc<Meter>,
    /// Beside the client's own limit: live messages keep the greater part of it.
    pace: Pace,
    /// The same where nobody waits.
    leisure: Pace,
    /// One search at a time.
    turn: Mutex<()>,
}

/// What a search has to do.
#[derive(Debug)]
pub struct Search {
    /// When it began.
    began_at: UnixMillis,
    /// From when on something may be missing.
    since: UnixMillis,
    /// What was written earlier may have passed without the store's knowing it.
    known_since: UnixMillis,
    /// What arrived at this number or later is newer than whatever is missing.
    mark: u64,
    /// Whether nothing hints at a loss: then it takes its time.
    is_routine: bool,
    pending: Vec<Target>,
}

/// A conversation to be compared.
#[derive(Clone, Debug)]
struct Target {
    conversation: Conversation,
    kommo_chat: String,
    /// The customer, as far as it is known which one that is in Kommo.
    customer: Option<KommoUserId>,
    /// Until when all of it was imported, as far as only an import tells of it.
    imported_at: UnixMillis,
    lane: Lane,
    /// How often its history could not be read.
    failed: u32,
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

    /// Whether nothing of a lane is still to be compared, so that it can be let go. Where nobody waits, none is kept held.
    fn is_done(&self, lane: &Lane) -> bool {
        self.is_routine || !self.pending.iter().any(|pending| pending.lane == *lane)
    }

    /// The next one: first those in which somebody waits for it.
    fn next(&mut self, store: &Store) -> Option<Target> {
        let waiting: HashSet<_> = store.withheld().into_iter().collect();
        let urgent = self.pending.iter().position(|target| waiting.contains(&target.lane));
        (!self.pending.is_empty()).then(|| self.pending.remove(urgent.unwrap_or(0)))
    }
}

impl Reconciler {
    /// One that asks `chats` for conversations of `sources`: at most half as often as `rate` per second, and a seventh
    /// where nobody waits. The store and `imported` tell it of chats, and `meter` of outages.
    #[must_use]
    pub fn new(
        chats: Chats,
        (store, imported, meter): (Store, ImportedChats, Arc<Meter>),
        sources: BTreeSet<SourceId>,
        bounds: Bounds,
        schedule: Schedule,
        rate: u32,
    ) -> Self {
        let [pace, leisure] = [rate / 2, rate / 7].map(Pace::per_second);
        Self { chats, store, imported, sources, bounds, schedule, meter, pace, leisure, turn: Mutex::new(()) }
    }

    /// What a start has to look for. From then on, new hooks of these conversations are held.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn prepare(&self, now: UnixMillis) -> Result<Search, StoreError> {
        let search = self.since_last(now).await?;
        let lanes: Vec<_> = search.pending.iter().map(|target| target.lane.clone()).collect();
        // What a search that was cut short has held still waits, and is newer than what is missing.
        self.store.hold(&lanes, self.store.caught_up_mark()?.unwrap_or(search.mark));
        Ok(search)
    }

    /// A search for what may be missing since the last one that was complete.
    async fn since_last(&self, now: UnixMillis) -> Result<Search, StoreError> {
        self.search(since(self.store.caught_up_at()?, now, self.bounds.max_age), now).await
    }

    /// A search for what may be missing `since` then, or since the store can tell.
    async fn search(&self, since: UnixMillis, now: UnixMillis) -> Result<Search, StoreError> {
        let known_for = self.bounds.known_for;
        let tellable = now.minus(known_for.saturating_sub(MARGIN.min(known_for / 2)));
        Ok(Search {
            began_at: now,
            since: since.max(tellable),
            known_since: self.store.begun_at()?.unwrap_or(UnixMillis(i64::MIN)),
            mark: self.store.mark().await?,
            is_routine: false,
            pending: self.targets(now).await?,
        })
    }

    /// The conversations that may be affected, the liveliest first.
    async fn targets(&self, now: UnixMillis) -> Result<Vec<Target>, StoreError> {
        let from = now.minus(self.bounds.chats_within);
        let known = self.store.known_chats().await?;
        let imported = self.only_imported(&known).into_iter().map(|it| (it.active_at.unwrap_or(UnixMillis(0)), it));
        let mut known: Vec<_> = imported.chain(known.into_iter().map(|it| (UnixMillis(0), it))).collect();
        known.retain(|(_, known)| {
            self.sources.contains(&known.conversation.source) && known.active_at.is_none_or(|at| at >= from)
        });
        known.sort_by_key(|(_, known)| Reverse(known.active_at));
        let target = |(imported_at, known): (UnixMillis, KnownChat)| Target {
            imported_at,
            lane: Lane::outbound(&known.conversation),
            conversation: known.conversation,
            kommo_chat: known.chat.chat.0,
            customer: known.chat.user,
            failed: 0,
        };
        Ok(known.into_iter().map(target).collect())
    }

    /// Conversations of which nothing but an import tells: a manager may have answered there all the same.
    fn only_imported(&self, known: &[KnownChat]) -> Vec<KnownChat> {
        let mut imported = self.imported.all().unwrap_or_else(|error| {
            let file = self.imported.file().display();
            tracing::warn!(%error, %file, "which chats were imported into cannot be read: they are not compared");
            BTreeMap::new()
        });
        for known in known {
            imported.remove(&known.conversation);
        }
        let chat = |chat| Chat { chat, user: None };
        let imported = imported.into_iter();
        let known = imported.map(|(conversation, it)| KnownChat {
            conversation,
            chat: chat(it.chat),
            active_at: Some(it.noted_at),
        });
        known.collect()
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
        let (now, back) = (clock::now(), since.unwrap_or(self.bounds.max_age));
        let search = self.search(now.minus(back), now).await?;
        let shown = |wait: Duration| humantime::format_duration(Duration::from_secs(wait.as_secs()));
        let tellable = search.since.until(now);
        if tellable < back {
            let back = shown(back);
            say(format!("What has passed is not known as far back as {back} (store.dedupe_for): less is compared."));
        }
        let back = shown(tellable);
        say(format!("Comparing the last {back} of {} conversations with Kommo's history.", search.conversations()));
        let tally = self.work_off(search, Some(TRIES), say).await?;
        tracing::info!("compared with Kommo's history: {tally}");
        Ok(tally)
    }
}

/// From when on something may be missing, if nothing was at `caught_up_at`. An instant that is still to come was noted by a
/// clock that was ahead: nobody knows when that was.
fn since(caught_up_at: Option<UnixMillis>, now: UnixMillis, max_age: Duration) -> UnixMillis {
    caught_up_at.filter(|at| *at <= now).map_or_else(|| now.minus(max_age), |at| at.minus(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_done_when_all_chats_of_its_conversation_are_compared() {
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
        let lane = Lane::outbound(&conversation);
        let target = |chat: &str| Target {
            imported_at: UnixMillis(0),
            conversation: conversation.clone(),
            kommo_chat: chat.to_owned(),
            customer: None,
            lane: lane.clone(),
            failed: 0,
        };
        let mut search = Search {
            began_at: UnixMillis(0),
            since: UnixMillis(0),
            known_since: UnixMillis(0),
            mark: 0,
            is_routine: false,
            pending: vec![target("begun by a manager")],
        };
        assert!(!search.is_done(&lane));
        search.pending.clear();
        assert!(search.is_done(&lane));
    }

    #[test]
    fn it_is_looked_as_far_back_as_anything_may_be_missing() {
        const DAY: Duration = Duration::from_hours(24);
        let now = UnixMillis(1_800_000_000_000);
        for (caught_up_at, back) in [
            (None, DAY),
            (Some(now), MARGIN),
            (Some(now.minus(DAY * 3)), DAY * 3 + MARGIN),
            (Some(now.plus(Duration::from_secs(1))), DAY),
            (Some(now.plus(DAY * 365)), DAY),
        ] {
            assert_eq!(since(caught_up_at, now, DAY), now.minus(back), "{caught_up_at:?}");
        }
    }
}
