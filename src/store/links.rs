//! Which message and which chat is which on the other side.

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, MessageId},
        time::UnixMillis,
        timestamps,
    },
    store::{
        Chat, StateChange, Store, StoreError,
        db::{Batch, Db},
        expire, horizon, keys,
        lists::Lists,
        manager_initiated, questions, reach, rows, unread,
    },
};

impl Store {
    /// What Kommo calls a message of ours.
    ///
    /// # Errors
    /// If the store fails.
    pub fn kommo_message(&self, ours: &MessageId) -> Result<Option<KommoMessageId>, StoreError> {
        rows::get(&self.db()?, &keys::kommo_of(ours))
    }

    /// The Telegram messages of a message of Kommo's: the parts of an answer, in order.
    ///
    /// # Errors
    /// If the store fails.
    pub fn telegram_messages(&self, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
        ours_of(&self.db()?, kommo)
    }

    /// What Kommo calls a conversation.
    ///
    /// # Errors
    /// If the store fails.
    pub fn chat(&self, conversation: &Conversation) -> Result<Option<Chat>, StoreError> {
        rows::get(&self.db()?, &keys::chat(conversation))
    }

    /// When something was last said in a conversation, if that was noted.
    ///
    /// # Errors
    /// If the store fails.
    pub fn active_at(&self, conversation: &Conversation) -> Result<Option<UnixMillis>, StoreError> {
        rows::get(&self.db()?, &keys::activity(conversation))
    }
}

/// Writes what was learnt at `now`. Links expire; everything about chats is little and stays.
pub(super) fn write(
    db: &Db,
    batch: &mut Batch,
    changes: &[StateChange],
    now: UnixMillis,
    until: UnixMillis,
) -> Result<(), StoreError> {
    let (mut links, mut arrived) = (Lists::new(db), Lists::new(db));
    for change in changes {
        match change {
            StateChange::Chat { conversation, chat } => {
                let key = keys::chat(conversation);
                let chat = chat.clone().with_user_of(rows::get(db, &key)?);
                batch.insert(key, rows::write(&chat));
                batch.insert(keys::activity(conversation), rows::write(&now));
            }
            StateChange::Question { conversation, question } => {
                questions::write(db, batch, conversation, question.as_ref())?;
            }
            StateChange::Held { conversation, held: Some(held) } => {
                batch.insert(keys::held(conversation), rows::write(held));
            }
            StateChange::Held { conversation, held: None } => batch.remove(keys::held(conversation)),
            StateChange::ManagerInitiatedChat { conversation, chat } => {
                manager_initiated::begin(batch, conversation, chat, now);
            }
            StateChange::Answered { conversation, chat } => manager_initiated::answer(db, batch, conversation, chat)?,
            StateChange::SyncedProfile { conversation, told } => {
                batch.insert(keys::told(conversation), rows::write(told));
            }
            StateChange::Link { ours, kommo } => {
                let all = links.of(keys::ours_of(kommo))?;
                if !all.contains(ours) {
                    all.push(*ours);
                }
                let way = keys::kommo_of(ours);
                let former: Option<KommoMessageId> = rows::get(db, &way)?;
                if let Some(former) = former.filter(|former| former != kommo) {
                    expire::note(batch, until, &keys::ours_of(&former));
                }
                // One note for both directions: the way back is found by what this row holds. Where that was something else
                // before, nothing else leads to the former way back.
                expire::note(batch, until, &way);
                batch.insert(way, rows::write(kommo));
            }
            StateChange::Membership { conversation, membership } => {
                batch.insert(keys::membership(conversation), rows::write(membership));
            }
            StateChange::Connection { bot, connection } => reach::write_connection(db, batch, *bot, connection)?,
            StateChange::Move { from, to } => reach::write_move(db, batch, from, *to)?,
            StateChange::Newest { conversation, message } => {
                batch.insert(keys::newest(conversation), rows::write(message));
            }
            StateChange::Arrived { conversation, arrived: new } => {
                timestamps::arrive(arrived.of(keys::arrived(conversation))?, *new);
            }
            StateChange::LastSent { conversation, last_sent } => {
                horizon::write(db, batch, conversation, *last_sent, changes)?;
            }
            StateChange::Unlinked { conversation, ours } => horizon::pass(db, batch, conversation, &[*ours])?,
            StateChange::Topic { conversation, topic: Some(topic) } => {
                batch.insert(keys::topic(conversation), rows::write(topic));
            }
            StateChange::Topic { conversation, topic: None } => batch.remove(keys::topic(conversation)),
            StateChange::UnderWay { conversation, answer, spot } => {
                batch.insert(keys::under_way(conversation), rows::write(&(answer, spot)));
            }
            StateChange::Unread { conversation, answers } => unread::add(db, batch, conversation, answers)?,
            StateChange::Read { conversation, answers } => unread::remove(db, batch, conversation, answers)?,
        }
    }
    links.write(batch);
    arrived.write(batch);
    Ok(())
}

fn ours_of(db: &Db, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
    Ok(rows::get(db, &keys::ours_of(kommo))?.unwrap_or_default())
}
