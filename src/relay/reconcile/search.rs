//! The state of a comparison.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use crate::{
    clock::Moment,
    domain::{
        address::{Conversation, KommoChatId, KommoUserId},
        job::Lane,
        time::UnixMillis,
    },
    relay::reconcile::{MARGIN, Reconciler, doubt::Doubt, since},
    store::{Chat, IncompleteChat, KnownChat, Store, StoreError},
};

/// One comparison.
#[derive(Debug)]
pub struct Search {
    /// When it started.
    pub(super) began: Moment,
    /// From when on messages may be missing.
    pub(super) since: UnixMillis,
    /// Jobs with this sequence or a later one are newer than missing messages.
    pub(super) mark: u64,
    /// Jobs with this sequence or a later one are held until their conversation is compared.
    pub(super) held_from: u64,
    /// Whether it has no occasion: then it is in no hurry.
    pub(super) is_routine: bool,
    /// Whether there are conversations, and none of them has had a message lately.
    pub(super) is_all_silent: bool,
    pub(super) pending: Vec<Target>,
    /// The chats whose histories could not be read, in former searches and in this one.
    pub(super) behind: Vec<IncompleteChat>,
    /// The messages that it has found, until it is known whether the store was rolled back.
    pub(super) doubt: Option<Doubt>,
}

/// A conversation to be compared.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) conversation: Conversation,
    pub(super) kommo_chat: String,
    /// The customer in Kommo, if known.
    pub(super) customer: Option<KommoUserId>,
    /// For a conversation known only from an import: the time up to which it was imported. Older messages are not
    /// compared.
    pub(super) imported_at: UnixMillis,
    pub(super) lane: Lane,
    /// From when on messages may be missing in it, if that is earlier than in others.
    pub(super) behind_since: Option<UnixMillis>,
    /// How often its history could not be read.
    pub(super) failed: u32,
}

/// A selection of Kommo's conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChatSelection {
    /// Those with recent messages, and those in which messages are known to be missing.
    Alive,
    /// All of them.
    All,
}

impl Search {
    /// How many conversations are still to be compared.
    #[must_use]
    pub const fn conversations(&self) -> usize {
        self.pending.len()
    }

    /// From when on messages may be missing.
    #[must_use]
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// When it started, by this machine's clock.
    #[must_use]
    pub const fn began_at(&self) -> UnixMillis {
        self.began.wall
    }

    /// From when on messages may be missing in one conversation.
    pub(super) fn since_in(&self, target: &Target) -> UnixMillis {
        target.behind_since.map_or(self.since, |since| since.min(self.since))
    }

    /// Whether nothing of a lane is still to be compared, so that it can be released. A routine search holds no lane.
    pub(super) fn is_done(&self, lane: &Lane) -> bool {
        let is_found = || self.doubt.as_ref().is_some_and(|doubt| doubt.concerns(lane));
        self.is_routine || !(self.pending.iter().any(|pending| pending.lane == *lane) || is_found())
    }

    /// The next conversation: first those with withheld jobs.
    pub(super) fn next(&mut self, store: &Store) -> Option<Target> {
        let is_urgent = |target: &Target| store.is_withheld(&target.lane);
        let urgent = if store.withheld() > 0 { self.pending.iter().position(is_urgent) } else { None };
        (!self.pending.is_empty()).then(|| self.pending.remove(urgent.unwrap_or(0)))
    }

    /// A history was read, so nothing is missing in that chat any more.
    pub(super) fn mark_read(&mut self, target: &Target) {
        self.behind.retain(|behind| behind.chat.0 != target.kommo_chat);
    }

    /// A history could not be read, while others could. Returns in how many searches in a row that was so.
    pub(super) fn mark_failed(&mut self, target: &Target) -> u32 {
        let before = self.behind.iter().find(|behind| behind.chat.0 == target.kommo_chat).map_or(0, |it| it.rounds);
        let (since, rounds) = (self.since_in(target), before.saturating_add(1));
        self.mark_read(target);
        self.behind.push(IncompleteChat { chat: KommoChatId(target.kommo_chat.clone()), since, rounds });
        rounds
    }
}

impl Reconciler {
    /// The search of a start. From then on, new hooks of its conversations are held, and so are waiting jobs: they may
    /// have been delivered.
    pub async fn prepare(&self) -> Result<Search, StoreError> {
        let mut search = self.prepare_undoubted().await?;
        let waiting = self.parts.store.lanes_to_telegram().await?;
        self.parts.store.hold(&waiting, 0);
        search.doubt = Some(Doubt::of(waiting, self.bounds.hold_for));
        Ok(search)
    }

    /// The search that replaces one that was ended: the same again if it was not finished, and none otherwise. Its
    /// lanes stay held until they are compared.
    pub async fn take_over(&self) -> Result<Option<Search>, StoreError> {
        let held = self.parts.store.held_lanes();
        if held.is_empty() {
            return Ok(None);
        }
        let search = self.prepare().await?;
        for lane in held.iter().filter(|lane| search.is_done(lane)) {
            self.parts.store.release_hold(lane);
        }
        Ok(Some(search))
    }

    /// The search if the store cannot have been rolled back.
    pub(super) async fn prepare_undoubted(&self) -> Result<Search, StoreError> {
        let mut search = self.since_last().await?;
        let lanes: Vec<_> = search.pending.iter().map(|target| target.lane.clone()).collect();
        // Jobs that an interrupted search has held still wait, and are newer than missing messages.
        search.held_from = self.parts.store.caught_up_mark()?.unwrap_or(search.mark);
        self.parts.store.hold(&lanes, search.held_from);
        Ok(search)
    }

    /// A search for messages that may be missing since the last complete one.
    pub(super) async fn since_last(&self) -> Result<Search, StoreError> {
        let now = Moment::now().wall;
        let mut search = self.search(since(self.parts.store.caught_up_at()?, now, self.bounds.max_age), now).await?;
        search.behind = self.parts.store.behind()?;
        let behind: HashMap<_, _> = search.behind.iter().map(|behind| (behind.chat.0.as_str(), behind.since)).collect();
        for target in &mut search.pending {
            let since = behind.get(target.kommo_chat.as_str());
            target.behind_since = since.map(|since| (*since).max(self.earliest_known(now)));
        }
        Ok(search)
    }

    /// A search for messages that may be missing `since` then, or since the store can say.
    pub(super) async fn search(&self, since: UnixMillis, now: UnixMillis) -> Result<Search, StoreError> {
        let (mark, pending) = (self.parts.store.next_mark().await?, self.targets(ChatSelection::Alive, now).await?);
        let is_all_silent = pending.is_empty() && !self.targets(ChatSelection::All, now).await?.is_empty();
        Ok(Search {
            began: Moment::now(),
            since: since.max(self.earliest_known(now)),
            mark,
            held_from: mark,
            is_routine: false,
            is_all_silent,
            pending,
            behind: Vec::new(),
            doubt: None,
        })
    }

    /// From when on the store can say which messages are missing.
    pub(super) fn earliest_known(&self, now: UnixMillis) -> UnixMillis {
        let known_for = self.bounds.known_for;
        now.minus(known_for.saturating_sub(MARGIN.min(known_for / 2)))
    }

    /// The conversations that may be affected, the most active first.
    pub(super) async fn targets(&self, which: ChatSelection, now: UnixMillis) -> Result<Vec<Target>, StoreError> {
        let from = now.minus(self.bounds.chats_within);
        let behind: HashSet<_> = self.parts.store.behind()?.into_iter().map(|behind| behind.chat).collect();
        let known = self.parts.store.known_chats().await?;
        let imported =
            self.only_imported(&known).await?.into_iter().map(|it| (it.active_at.unwrap_or(UnixMillis(0)), it));
        let mut known: Vec<_> = imported.chain(known.into_iter().map(|it| (UnixMillis(0), it))).collect();
        known.retain(|(_, known)| {
            let is_alive = || known.active_at.is_none_or(|at| at >= from) || behind.contains(&known.chat.chat);
            self.serves(&known.conversation.source) && (which == ChatSelection::All || is_alive())
        });
        known.sort_by_key(|(_, known)| Reverse(known.active_at));
        let target = |(imported_at, known): (UnixMillis, KnownChat)| Target {
            imported_at,
            lane: Lane::outbound(&known.conversation),
            conversation: known.conversation,
            kommo_chat: known.chat.chat.0,
            customer: known.chat.user,
            behind_since: None,
            failed: 0,
        };
        Ok(known.into_iter().map(target).collect())
    }

    /// Conversations that are known only from an import: a manager may have answered there all the same.
    async fn only_imported(&self, known: &[KnownChat]) -> Result<Vec<KnownChat>, StoreError> {
        let mut imported = self.parts.imported.chats().await?;
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
        Ok(known.collect())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::address::SourceId;

    /// The conversation of `chat`, to be compared.
    pub(in super::super) fn target(chat: &str) -> Target {
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
        Target {
            imported_at: UnixMillis(0),
            lane: Lane::outbound(&conversation),
            conversation,
            kommo_chat: chat.to_owned(),
            customer: None,
            behind_since: None,
            failed: 0,
        }
    }

    fn search(pending: Vec<Target>) -> Search {
        Search {
            began: Moment::now(),
            since: UnixMillis(1000),
            mark: 0,
            held_from: 0,
            is_routine: false,
            is_all_silent: false,
            pending,
            behind: Vec::new(),
            doubt: None,
        }
    }

    #[tokio::test]
    async fn a_lane_is_done_when_all_chats_of_its_conversation_are_compared() {
        let opened = target("begun by a manager");
        let mut search = search(vec![opened.clone()]);
        assert!(!search.is_done(&opened.lane));
        search.pending.clear();
        assert!(search.is_done(&opened.lane));
        let mut doubt = Doubt::of(Vec::new(), Duration::from_mins(1));
        doubt.keep(opened.clone(), super::super::compare::Read::default());
        search.doubt = Some(doubt);
        assert!(!search.is_done(&opened.lane), "what was found is not in its place yet");
    }

    #[tokio::test]
    async fn an_incomplete_chat_is_compared_from_where_it_was_left() {
        let (mut left, mut search) = (target("left"), search(Vec::new()));
        assert_eq!((search.mark_failed(&left), search.mark_failed(&left)), (1, 2));
        let behind =
            |since, rounds| IncompleteChat { chat: KommoChatId("left".to_owned()), since: UnixMillis(since), rounds };
        assert_eq!(search.behind, [behind(1000, 2)]);
        left.behind_since = Some(UnixMillis(500));
        assert_eq!(search.since_in(&left), UnixMillis(500));
        assert_eq!((search.mark_failed(&left), &search.behind[..]), (3, &[behind(500, 3)][..]));
        search.mark_read(&left);
        assert_eq!(search.behind, []);
    }
}
