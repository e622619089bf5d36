//! Erasing what is remembered of a person or a group in every conversation with them, the ids as well.
//!
//! A customer of years has many rows, so what is erased is written down first ([`ERASING`]) and removed in many small
//! commits, behind which nobody waits long. After a crash between them the next start goes on, before anything is
//! relayed.
//!
//! What a repeated update or hook is recognised by stays for as long as it is remembered: the numbers of updates and of
//! Kommo's messages, which say nothing of whom they are. So does what was imported, or the same export would come
//! twice.

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
            MOVED_TO, NEWEST, OPENED, OPENINGS, QUESTIONS, TAKEN, TO_KOMMO, TO_OURS, TOLD, TOPICS, UNDER_WAY, UNREAD,
        },
    },
};

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many messages it is no longer known of which message they are on the other side.
    pub messages: usize,
    /// How many conversations were known.
    pub conversations: usize,
}

impl Store {
    /// Notes that everything about whom these conversations are with is being erased.
    pub async fn begin_erasing(&self, conversations: Vec<Conversation>) -> Result<(), StoreError> {
        self.note_erasing(move |mut noted| {
            noted.extend(conversations);
            noted
        })
        .await
    }

    /// Notes that these are erased.
    pub async fn end_erasing(&self, conversations: Vec<Conversation>) -> Result<(), StoreError> {
        self.note_erasing(move |noted| noted.into_iter().filter(|it| !conversations.contains(it)).collect()).await
    }

    /// Conversations of everybody who is being erased.
    pub fn erasing(&self) -> Result<BTreeSet<Conversation>, StoreError> {
        Ok(ERASING.get(&self.db()?)?.unwrap_or_default())
    }

    async fn note_erasing(
        &self,
        change: impl FnOnce(BTreeSet<Conversation>) -> BTreeSet<Conversation> + Send + 'static,
    ) -> Result<(), StoreError> {
        let plan = move |txn: &mut WriteTxn| {
            let (mut batch, noted) = (Batch::default(), change(ERASING.get(&txn.db)?.unwrap_or_default()));
            if noted.is_empty() {
                ERASING.remove(&mut batch);
            } else {
                ERASING.put(&mut batch, &noted);
            }
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// Erases what is remembered of every conversation with a person or a group, and with which messages. Whoever used
    /// an invitation is nobody from then on, and it stays used. If that is cut short, a repetition does the rest.
    pub async fn erase(&self, contact: ContactId) -> Result<Erased, StoreError> {
        let Found { gone, last, used, noted, erased } = self.0.reader.apart(move |db| find(db, contact)).await?;
        let gone = Arc::new(gone);
        // What is noted of a row is found by its key, so that goes first.
        for step in noted.chunks(expire::STEP).map(<[_]>::to_vec) {
            let gone = Arc::clone(&gone);
            let plan = move |txn: &mut WriteTxn, batch: &mut Batch| {
                step.iter().try_for_each(|expiry| expire::take_out(txn, batch, expiry, &gone))
            };
            self.erase_step(Vec::new(), plan).await?;
        }
        for step in gone.iter().cloned().collect::<Vec<_>>().chunks(expire::STEP) {
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

    /// One commit of an erasure: these rows go, and something changes.
    async fn erase_step(
        &self,
        gone: Vec<Vec<u8>>,
        change: impl FnOnce(&mut WriteTxn, &mut Batch) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.db()?;
        let memory = self.0.kept.clone();
        let plan = move |txn: &mut WriteTxn| {
            let mut batch = Batch::default();
            for key in &gone {
                batch.remove(key);
            }
            change(txn, &mut batch)?;
            let batch = (!batch.is_empty()).then_some(batch);
            let kept: Vec<_> = gone.iter().filter_map(|key| KEPT.read_key(key)).collect();
            let then = move |_: &mut Index| memory.with(|memory| memory.removed(&kept));
            Ok(Commit { batch, answer: (), then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

#[derive(Default)]
struct Found {
    gone: BTreeSet<Vec<u8>>,
    /// What tells the two numbers of a group, and so goes last: by either of them the other is found.
    last: Vec<Vec<u8>>,
    /// Invitations that they have used.
    used: Vec<Vec<u8>>,
    /// What notes when any of what goes expires.
    noted: Vec<Vec<u8>>,
    erased: Erased,
}

/// The tables whose keys are conversations, but for those of groups that have moved.
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
    TOLD.prefix,
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
        found.gone.extend(theirs_in(table)?);
    }
    for table in [MOVED_TO.prefix, MOVED_FROM.prefix] {
        found.last.extend(theirs_in(table)?);
    }
    found.gone.extend(matching(db, OPENED.prefix, |key, value| {
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
    found.gone.extend(links.into_iter().chain(back));
    found.gone.extend(matching(db, TAKEN.prefix, |key, _| {
        reminded(key).is_some_and(|conversation| conversation.contact() == contact)
    })?);
    let name = contact.to_string();
    found.gone.extend(matching(db, KEPT.prefix, |key, value| {
        rows::read(key, value).is_some_and(|kept: KeptUpdate| kept.contact.as_ref() == Some(&name))
    })?);
    found.noted = expire::about(db, &found.gone)?;
    found.used =
        matching(db, INVITATIONS.prefix, |key, value| rows::read(key, value).is_some_and(|by: String| by == name))?;
    Ok(found)
}

/// The conversation of whose messages a manager was reminded, if that is what a row says: it is taken as
/// `remind:{conversation}:{message}:{whether the time is over}`.
fn reminded(key: &[u8]) -> Option<Conversation> {
    let taken = std::str::from_utf8(key.get(1..)?).ok()?.strip_prefix("remind:")?;
    taken.rsplitn(3, ':').nth(2)?.parse().ok()
}

/// The keys of a table's rows that are meant.
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
