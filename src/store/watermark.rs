//! The watermark: up to when the store is complete, and where messages may be missing.

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

/// A conversation that Kommo has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChat {
    pub conversation: Conversation,
    pub chat: Chat,
    /// When its last message was, if that is known.
    pub active_at: Option<UnixMillis>,
}

/// A chat whose history could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteChat {
    /// Kommo's id of it.
    pub chat: KommoChatId,
    /// From when on messages may be missing in it.
    pub since: UnixMillis,
    /// In how many comparisons its history could not be read.
    pub rounds: u32,
}

/// The later of `now` and the last comparison, from which expiries are counted. Of all stored times, only that of the
/// comparison was taken while this machine's clock agreed with Kommo's. Otherwise a row that was written by a clock of
/// 1970 would expire as soon as the clock is corrected.
pub(super) fn not_before(db: &Db, now: UnixMillis) -> Result<UnixMillis, StoreError> {
    Ok(CAUGHT_UP.get(db)?.map_or(now, |compared| now.max(compared)))
}

/// The start of a restored store's history until the store is used.
pub(super) const NOT_YET: UnixMillis = UnixMillis(i64::MAX);

impl Store {
    /// The instant up to which no hook is missing, if that was ever recorded.
    pub fn caught_up_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        CAUGHT_UP.get(&self.db()?)
    }

    /// The chats whose histories could not be read when the others were complete.
    pub fn behind(&self) -> Result<Vec<IncompleteChat>, StoreError> {
        Ok(BEHIND.get(&self.db()?)?.unwrap_or_default())
    }

    /// When the last comparison of all chats, including long silent ones, started; before the first one, when the
    /// bridge started to wait for it.
    pub fn looked_at_all_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        LOOKED_AT_ALL.get(&self.db()?)
    }

    /// Records when a complete comparison of all chats was started.
    pub async fn looked_at_all(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            LOOKED_AT_ALL.put(&mut batch, &at);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// The instant before which this store knows nothing: when it was created or restored. `None` if it is older than
    /// this record.
    pub fn history_from(&self) -> Result<Option<UnixMillis>, StoreError> {
        rows::get(&self.db()?, keys::BEGUN)
    }

    /// The number ([`Store::next_mark`]) from which on arrivals may have come before a missing message.
    pub fn caught_up_mark(&self) -> Result<Option<u64>, StoreError> {
        CAUGHT_UP_MARK.get(&self.db()?)
    }

    /// Records that the history of the store starts now, if it is empty, or was restored and has not been used since.
    pub async fn begin(&self, now: UnixMillis) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            // An unreadable record may be that of a restored store, for which relayed messages must not count as
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

    /// Records that no hook from before `at` is missing, except in the chats `behind`. All arrivals were below `mark`
    /// ([`Store::next_mark`]) then.
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

    /// All conversations that Kommo has, with every chat that managers have started in them. Scans the tables on a
    /// thread for blocking work.
    pub async fn known_chats(&self) -> Result<Vec<KnownChat>, StoreError> {
        self.0.reader.spawn_blocking(known_chats).await
    }

    /// Whether the arrival with this id was accepted, and its key has not expired.
    pub fn was_taken(&self, id: &IdempotencyKey) -> Result<bool, StoreError> {
        push::was_taken(&self.db()?, id)
    }

    /// A number above all arrivals so far, and not above any later one.
    pub async fn next_mark(&self) -> Result<u64, StoreError> {
        self.db()?;
        let plan = |txn: &mut WriteTxn| {
            Ok(Commit { batch: None, answer: txn.next_sequence(), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// Holds lanes: jobs that arrived at `mark` or later cannot be claimed until the lanes are released. A restart
    /// releases all.
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

    /// Releases a lane.
    pub fn release_hold(&self, lane: &Lane) {
        self.with_index(|index| index.release_hold(lane));
    }

    /// Releases all lanes, and returns how many of them had a withheld job.
    pub fn release_all_holds(&self) -> usize {
        self.with_index(|index| index.held().iter().filter(|lane| index.release_hold(lane)).count())
    }

    /// The lanes that are held.
    #[must_use]
    pub fn held_lanes(&self) -> Vec<Lane> {
        self.with_index(|index| index.held())
    }

    /// How many lanes are held and have a withheld job.
    #[must_use]
    pub fn withheld(&self) -> usize {
        self.with_index(|index| index.withheld())
    }

    /// Whether a lane is held and has a withheld job.
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
