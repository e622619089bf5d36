//! Erasing what is remembered of a person or a group in every conversation with them, the ids as well.
//!
//! What a repeated update or hook is recognised by stays for as long as it is remembered: the numbers of updates and of
//! Kommo's messages, which say nothing of whom they are. So does what was imported, or the same export would come twice.

use std::collections::BTreeSet;

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
            ACTIVITY, ARRIVED, CHATS, HELD, INVITATIONS, KEPT, LATEST, MEMBERSHIPS, MOVED_FROM, MOVED_TO, NEWEST,
            OPENED, OPENINGS, QUESTIONS, TAKEN, TO_KOMMO, TO_OURS, TOLD, TOPICS, UNDER_WAY, UNREAD,
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
    /// Erases what is remembered of every conversation with a person or a group, and with which messages. Whoever used
    /// an invitation is nobody from then on, and it stays used.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn erase(&self, contact: ContactId) -> Result<Erased, StoreError> {
        let memory = self.0.kept.clone();
        let Found { gone, used, noted, erased } = self.0.reader.apart(move |db| find(db, contact)).await?;
        let plan = move |txn: &mut WriteTxn| {
            let mut batch = Batch::default();
            for key in &gone {
                batch.remove(key);
            }
            for key in used {
                batch.insert(key, rows::write(""));
            }
            for expiry in &noted {
                expire::take_out(txn, &mut batch, expiry, &gone)?;
            }
            let batch = (!batch.is_empty()).then_some(batch);
            let kept: Vec<_> = gone.iter().filter_map(|key| KEPT.read_key(key)).collect();
            let then = move |_: &mut Index| memory.with(|memory| memory.removed(&kept));
            Ok(Commit { batch, answer: erased, then: Box::new(then) })
        };
        self.0.committer.write(plan).await
    }
}

#[derive(Default)]
struct Found {
    gone: BTreeSet<Vec<u8>>,
    /// Invitations that they have used.
    used: Vec<Vec<u8>>,
    /// What notes when any of what goes expires.
    noted: Vec<Vec<u8>>,
    erased: Erased,
}

fn find(db: &Db, contact: ContactId) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut conversations = BTreeSet::new();
    let of_conversation =
        |key: &[u8]| -> Option<Conversation> { std::str::from_utf8(key.get(1..)?).ok()?.parse().ok() };
    for table in [
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
        MOVED_TO.prefix,
        MOVED_FROM.prefix,
    ] {
        found.gone.extend(matching(db, table, |key, _| {
            let theirs = of_conversation(key).filter(|conversation| conversation.contact() == contact);
            let is_theirs = theirs.is_some();
            conversations.extend(theirs);
            is_theirs
        })?);
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
