//! Erasing all rows about a person or a group in every conversation with them, including the ids.
//!
//! A customer of years has many rows, so the erasure is recorded first ([`ERASING`]), and the rows are removed in many
//! small commits, so that others do not wait long. After a crash between them, the next start finishes the erasure
//! before anything is relayed.
//!
//! Idempotency keys stay until they expire: the numbers of updates and of Kommo's messages, which identify nobody. The
//! records of imports stay as well, or the same export would be imported twice.

use std::{collections::BTreeSet, sync::Arc};

use sled::IVec;

use crate::{
    domain::address::{ContactId, Conversation, MessageId, TelegramChat, UserId},
    store::{
        KeptUpdate, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        expire,
        index::Index,
        rows,
        scan::scan,
        tables::{
            ACTIVITY, ARRIVED, ATTENDED, CHATS, ERASING, HELD, INVITATIONS, KEPT, LATEST, MEMBERSHIPS, MOVED_FROM,
            MOVED_TO, NEWEST, OPENED, OPENINGS, QUESTIONS, SYNCED_PROFILES, TAKEN, TO_KOMMO, TO_OURS, TOPICS,
            UNDER_WAY, UNREAD,
        },
    },
};

/// The result of an erasure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many messages have lost the link to the other side's message.
    pub messages: usize,
    /// How many conversations had rows.
    pub conversations: usize,
}

impl Store {
    /// Records that everything about the customers of these conversations is being erased.
    pub async fn begin_erasing(&self, conversations: Vec<Conversation>) -> Result<(), StoreError> {
        self.note_erasing(move |mut erasing| {
            erasing.extend(conversations);
            erasing
        })
        .await
    }

    /// Records that these are erased.
    pub async fn end_erasing(&self, conversations: Vec<Conversation>) -> Result<(), StoreError> {
        self.note_erasing(move |erasing| erasing.into_iter().filter(|it| !conversations.contains(it)).collect()).await
    }

    /// Conversations of the customers who are being erased.
    pub fn erasing(&self) -> Result<BTreeSet<Conversation>, StoreError> {
        Ok(ERASING.get(&self.db()?)?.unwrap_or_default())
    }

    async fn note_erasing(
        &self,
        change: impl FnOnce(BTreeSet<Conversation>) -> BTreeSet<Conversation> + Send + 'static,
    ) -> Result<(), StoreError> {
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, erasing) = (Batch::default(), change(ERASING.get(&txn.db)?.unwrap_or_default()));
            if erasing.is_empty() {
                ERASING.remove(&mut batch);
            } else {
                ERASING.put(&mut batch, &erasing);
            }
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// Erases the rows about every conversation with a person or a group. An invitation that they have used stays used,
    /// by nobody. If this is interrupted, a repetition does the rest.
    pub async fn erase(&self, contact: ContactId) -> Result<Erased, StoreError> {
        let Found { removed, last, used, expiries, erased } =
            self.0.reader.spawn_blocking(move |db| find(db, contact)).await?;
        let removed = Arc::new(removed);
        // The expiry of a row is found by the row's key, so the expiries are removed first.
        for step in expiries.chunks(expire::STEP).map(<[_]>::to_vec) {
            let removed = Arc::clone(&removed);
            let plan = move |txn: &mut WriteTxn, batch: &mut Batch| {
                step.iter().try_for_each(|expiry| expire::take_out(txn, batch, expiry, &removed))
            };
            self.erase_step(Vec::new(), plan).await?;
        }
        for step in removed.iter().cloned().collect::<Vec<_>>().chunks(expire::STEP) {
            self.erase_step(step.to_vec(), |_, _| Ok(())).await?;
        }
        self.erase_step(last, move |_, batch| {
            for key in &used {
                batch.insert(key, rows::write(""));
            }
            Ok(())
        })
        .await?;
        Ok(erased)
    }

    /// One commit of an erasure: it removes these rows and makes a change.
    async fn erase_step(
        &self,
        removed: Vec<Vec<u8>>,
        change: impl FnOnce(&mut WriteTxn, &mut Batch) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.db()?;
        let memory = self.0.kept.clone();
        let plan = move |txn: &mut WriteTxn| {
            let mut batch = Batch::default();
            for key in &removed {
                batch.remove(key);
            }
            change(txn, &mut batch)?;
            let batch = (!batch.is_empty()).then_some(batch);
            let kept: Vec<_> = removed.iter().filter_map(|key| KEPT.read_key(key)).collect();
            let then = move |_: &mut Index| memory.with(|memory| memory.removed(&kept));
            Ok(Commit { batch, answer: (), then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

#[derive(Default)]
struct Found {
    removed: BTreeSet<Vec<u8>>,
    /// The links between the two ids of a group. They are removed last, since each id is found by the other.
    last: Vec<Vec<u8>>,
    /// Invitations that they have used.
    used: Vec<Vec<u8>>,
    /// The expiries of the removed rows.
    expiries: Vec<Vec<u8>>,
    erased: Erased,
}

/// The tables whose keys are conversations, except those of moved groups.
const BY_CONVERSATION: [[u8; 1]; 14] = [
    CHATS.prefix,
    ACTIVITY.prefix,
    MEMBERSHIPS.prefix,
    NEWEST.prefix,
    TOPICS.prefix,
    UNDER_WAY.prefix,
    LATEST.prefix,
    ARRIVED.prefix,
    QUESTIONS.prefix,
    UNREAD.prefix,
    HELD.prefix,
    SYNCED_PROFILES.prefix,
    OPENINGS.prefix,
    ATTENDED.prefix,
];

fn find(db: &Db, contact: ContactId) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut conversations = BTreeSet::new();
    let mut theirs_in = |table: [u8; 1]| {
        matching(db, table, |key, _| {
            let theirs = std::str::from_utf8(key.get(1..).unwrap_or_default()).ok();
            let theirs = theirs.and_then(|name| name.parse::<Conversation>().ok());
            let theirs = theirs.filter(|conversation| conversation.contact() == contact);
            let is_theirs = theirs.is_some();
            conversations.extend(theirs);
            is_theirs
        })
    };
    for table in BY_CONVERSATION {
        found.removed.extend(theirs_in(table)?);
    }
    for table in [MOVED_TO.prefix, MOVED_FROM.prefix] {
        found.last.extend(theirs_in(table)?);
    }
    found.removed.extend(matching(db, OPENED.prefix, |key, value| {
        rows::read(key, value).is_some_and(|of: Conversation| of.contact() == contact)
    })?);
    let links = matching(db, TO_KOMMO.prefix, |key, _| {
        let id = key.get(1..).and_then(|key| std::str::from_utf8(key).ok());
        id.and_then(|id| id.parse().ok()).is_some_and(|id: MessageId| of_chat(id.chat) == contact)
    })?;
    let back = matching(db, TO_OURS.prefix, |key, value| {
        let ours: Vec<MessageId> = rows::read(key, value).unwrap_or_default();
        ours.iter().any(|id| of_chat(id.chat) == contact)
    })?;
    found.erased = Erased { messages: links.len().max(back.len()), conversations: conversations.len() };
    found.removed.extend(links.into_iter().chain(back));
    found.removed.extend(matching(db, TAKEN.prefix, |key, _| {
        reminded(key).is_some_and(|conversation| conversation.contact() == contact)
    })?);
    let name = contact.to_string();
    found.removed.extend(matching(db, KEPT.prefix, |key, value| {
        rows::read(key, value).is_some_and(|kept: KeptUpdate| kept.contact.as_ref() == Some(&name))
    })?);
    found.expiries = expire::about(db, &found.removed)?;
    found.used =
        matching(db, INVITATIONS.prefix, |key, value| rows::read(key, value).is_some_and(|by: String| by == name))?;
    Ok(found)
}

/// The conversation of a reminder's idempotency key, `remind:{conversation}:{message}:{whether the time is over}`.
fn reminded(key: &[u8]) -> Option<Conversation> {
    let taken = std::str::from_utf8(key.get(1..)?).ok()?.strip_prefix("remind:")?;
    taken.rsplitn(3, ':').nth(2)?.parse().ok()
}

/// The keys of a table's rows that match.
fn matching(
    db: &Db,
    table: [u8; 1],
    mut is_meant: impl FnMut(&[u8], &IVec) -> bool,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut keys = Vec::new();
    for row in scan(db, &table) {
        let (key, value) = row?;
        if is_meant(&key, &value) {
            keys.push(key.to_vec());
        }
    }
    Ok(keys)
}

const fn of_chat(chat: TelegramChat) -> ContactId {
    if chat.id < 0 { ContactId::Group(chat.id) } else { ContactId::Person(UserId(chat.id)) }
}
