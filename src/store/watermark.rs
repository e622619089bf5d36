//! What was said while nobody listened: up to when the store is complete, and where something may be missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{Conversation, KommoChatId},
        job::{IdempotencyKey, Lane},
        time::UnixMillis,
    },
    store::{
        Chat, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        keys, push, rows,
        tables::{ACTIVITY, BEHIND, CAUGHT_UP, CAUGHT_UP_MARK, CHATS, LOOKED_AT_ALL, OPENED},
    },
};

/// A conversation that Kommo knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChat {
    pub conversation: Conversation,
    /// Its other side.
    pub chat: Chat,
    /// When something was last said in it, if that was noted.
    pub active_at: Option<UnixMillis>,
}

/// A chat whose history could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteChat {
    /// Kommo's id of it.
    pub chat: KommoChatId,
    /// From when on something may be missing in it.
    pub since: UnixMillis,
    /// In how many comparisons its history could not be read.
    pub rounds: u32,
}

/// The later of `now` and the last comparison: of all times that are stored, that alone was noted while this machine's
/// clock agreed with Kommo's. What is remembered for a time is remembered from here on. Else what was noted by a clock
/// of 1970 would expire as soon as the clock is set right.
pub(super) fn not_before(db: &Db, now: UnixMillis) -> Result<UnixMillis, StoreError> {
    Ok(CAUGHT_UP.get(db)?.map_or(now, |compared| now.max(compared)))
}

/// In place of the instant at which a restored store is used first.
pub(super) const NOT_YET: UnixMillis = UnixMillis(i64::MAX);

impl Store {
    /// The instant up to which no hook is missing, if that was ever noted.
    pub fn caught_up_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        CAUGHT_UP.get(&self.db()?)
    }

    /// The chats whose histories could not be read when the others were complete.
    pub fn behind(&self) -> Result<Vec<IncompleteChat>, StoreError> {
        Ok(BEHIND.get(&self.db()?)?.unwrap_or_default())
    }

    /// When the last comparison of all chats, also of those that have been silent for long, began; if there was none,
    /// when that was first waited for.
    pub fn looked_at_all_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        LOOKED_AT_ALL.get(&self.db()?)
    }

    /// Notes when a comparison of all chats began that is complete.
    pub async fn looked_at_all(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            LOOKED_AT_ALL.put(&mut batch, &at);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// The instant before which this store knows nothing: when it was made, or restored. `None` if it is older than
    /// this note.
    pub fn history_from(&self) -> Result<Option<UnixMillis>, StoreError> {
        rows::get(&self.db()?, keys::BEGUN)
    }

    /// The number ([`Store::next_mark`]) from which on arrivals may have come before something that is missing.
    pub fn caught_up_mark(&self) -> Result<Option<u64>, StoreError> {
        CAUGHT_UP_MARK.get(&self.db()?)
    }

    /// Notes that a store begins now, if it holds nothing yet or was restored and has not been in use since.
    pub async fn begin(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            // A note that cannot be read may have been a restored store's, which must not take what has crossed for
            // missing.
            let is_new = txn.db.get(keys::BEGUN)?.map_or(txn.next_sequence() == 0, |noted| {
                rows::read(keys::BEGUN, &noted).is_none_or(|begun_at: UnixMillis| begun_at == NOT_YET)
            });
            let mut batch = Batch::default();
            batch.insert(keys::BEGUN, rows::write(&now));
            Ok(Commit { batch: is_new.then_some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// Notes that no hook from before `at` is missing, when all arrivals were below `mark` ([`Store::next_mark`]),
    /// except in those chats that are `behind`.
    pub async fn advance_watermark(
        &self,
        at: UnixMillis,
        mark: u64,
        behind: Vec<IncompleteChat>,
    ) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            if behind.is_empty() {
                BEHIND.remove(&mut batch);
            } else {
                BEHIND.put(&mut batch, &behind);
            }
            CAUGHT_UP.put(&mut batch, &at);
            CAUGHT_UP_MARK.put(&mut batch, &mark);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// All conversations that Kommo knows, those that managers have begun with each of their chats. Looks at each of
    /// them, apart from what has to go on meanwhile.
    pub async fn known_chats(&self) -> Result<Vec<KnownChat>, StoreError> {
        self.0.reader.apart(known_chats).await
    }

    /// Whether the arrival with this id was taken, and that is still remembered.
    pub fn was_taken(&self, id: &IdempotencyKey) -> Result<bool, StoreError> {
        push::was_taken(&self.db()?, id)
    }

    /// A number that all arrivals so far are below, and none that is still to come.
    pub async fn next_mark(&self) -> Result<u64, StoreError> {
        self.db()?;
        let plan = |txn: &mut WriteTxn| {
            Ok(Commit { batch: None, answer: txn.next_sequence(), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// Holds lanes: what arrived at `mark` or later cannot be claimed until they are released. A restart releases all.
    pub fn hold(&self, lanes: &[Lane], mark: u64) {
        let mut of_routes = BTreeMap::<_, Vec<_>>::new();
        for lane in lanes {
            of_routes.entry(&lane.route).or_default().push(lane.thread.clone());
        }
        self.with_index(|index| {
            for (route, threads) in of_routes {
                index.hold(route, threads, mark);
            }
        });
    }

    /// Lets go of a lane.
    pub fn release_hold(&self, lane: &Lane) {
        self.with_index(|index| index.release_hold(lane));
    }

    /// Lets go of all lanes, and returns how many of them had something that was withheld.
    pub fn release_all_holds(&self) -> usize {
        self.with_index(|index| index.held().iter().filter(|lane| index.release_hold(lane)).count())
    }

    /// The lanes that are held.
    #[must_use]
    pub fn held_lanes(&self) -> Vec<Lane> {
        self.with_index(|index| index.held())
    }

    /// How many lanes are held and have something that is withheld.
    #[must_use]
    pub fn withheld(&self) -> usize {
        self.with_index(|index| index.withheld())
    }

    /// Whether a lane is one of them.
    #[must_use]
    pub fn is_withheld(&self, lane: &Lane) -> bool {
        self.with_index(|index| index.is_withheld(lane))
    }
}

fn known_chats(db: &Db) -> Result<Vec<KnownChat>, StoreError> {
    let active_at = |conversation: &Conversation| ACTIVITY.get(db, conversation);
    let mut known = Vec::new();
    for row in CHATS.rows(db) {
        let (conversation, chat) = row?;
        known.push(KnownChat { active_at: active_at(&conversation)?, conversation, chat });
    }
    for row in OPENED.rows(db) {
        let (chat, conversation) = row?;
        if CHATS.get(db, &conversation)?.is_none_or(|own| own.chat != chat) {
            let chat = Chat { chat, user: None };
            known.push(KnownChat { active_at: active_at(&conversation)?, conversation, chat });
        }
    }
    Ok(known)
}
