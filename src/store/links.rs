//! Which message and which chat is which on the other side.

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, MessageId},
        time::UnixMillis,
        timestamps,
    },
    store::{
        Chat, StateChange, Store, StoreError, attended,
        db::{Batch, Db},
        expire, known_up_to,
        lists::Lists,
        lookup::Lookup,
        manager_initiated, membership, questions,
        tables::{ACTIVITY, ARRIVED, CHATS, HELD, MEMBERSHIPS, NEWEST, TO_KOMMO, TO_OURS, TOLD, TOPICS, UNDER_WAY},
        unread,
    },
};

impl Store {
    /// What Kommo calls a message of ours.
    pub fn kommo_message(&self, ours: &MessageId) -> Result<Option<KommoMessageId>, StoreError> {
        TO_KOMMO.get(&self.db()?, ours)
    }

    /// The Telegram messages of a message of Kommo's: the parts of an answer, in order.
    pub fn telegram_messages(&self, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
        ours_of(&self.db()?, kommo)
    }

    /// What Kommo calls a conversation.
    pub fn chat(&self, conversation: &Conversation) -> Result<Option<Chat>, StoreError> {
        CHATS.get(&self.db()?, conversation)
    }

    /// When something was last said in a conversation, if that was noted.
    pub fn active_at(&self, conversation: &Conversation) -> Result<Option<UnixMillis>, StoreError> {
        ACTIVITY.get(&self.db()?, conversation)
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
    let (mut links, mut arrived) = (Lists::new(db, &TO_OURS), Lists::new(db, &ARRIVED));
    for change in changes {
        match change {
            StateChange::Chat { conversation, chat } => {
                let chat = chat.clone().with_user_of(CHATS.get(db, conversation)?);
                CHATS.put(batch, conversation, &chat);
                ACTIVITY.put(batch, conversation, &now);
            }
            StateChange::Question { conversation, question } => {
                questions::write(db, batch, conversation, question.as_ref())?;
            }
            StateChange::Held { conversation, held: Some(held) } => HELD.put(batch, conversation, held),
            StateChange::Held { conversation, held: None } => HELD.remove(batch, conversation),
            StateChange::ManagerInitiatedChat { conversation, chat } => {
                manager_initiated::begin(batch, conversation, chat, now);
            }
            StateChange::Answered { conversation, chat } => manager_initiated::answer(db, batch, conversation, chat)?,
            StateChange::SyncedProfile { conversation, told } => TOLD.put(batch, conversation, told),
            StateChange::Attended { conversation } => attended::write(batch, conversation, now),
            StateChange::Link { ours, kommo } => {
                let all = links.of(kommo)?;
                if !all.contains(ours) {
                    all.push(*ours);
                }
                if let Some(former) = TO_KOMMO.get(db, ours)?.filter(|former| former != kommo) {
                    expire::note(batch, until, &TO_OURS.key(&former));
                }
                // One note for both directions: the way back is found by what this row holds. Where that was something
                // else before, nothing else leads to the former way back.
                expire::note(batch, until, &TO_KOMMO.key(ours));
                TO_KOMMO.put(batch, ours, kommo);
            }
            StateChange::Membership { conversation, membership } => {
                MEMBERSHIPS.put(batch, conversation, membership);
            }
            StateChange::Connection { bot, connection } => membership::write_connection(db, batch, *bot, connection)?,
            StateChange::Move { from, to } => membership::write_move(db, batch, from, *to)?,
            StateChange::Newest { conversation, message } => NEWEST.put(batch, conversation, message),
            StateChange::Arrived { conversation, arrived: new } => {
                timestamps::arrive(arrived.of(conversation)?, *new);
            }
            StateChange::LastSent { conversation, last_sent } => {
                known_up_to::write(db, batch, conversation, *last_sent, changes)?;
            }
            StateChange::Unlinked { conversation, ours } => known_up_to::pass(db, batch, conversation, &[*ours])?,
            StateChange::Topic { conversation, topic: Some(topic) } => TOPICS.put(batch, conversation, topic),
            StateChange::Topic { conversation, topic: None } => TOPICS.remove(batch, conversation),
            StateChange::UnderWay { conversation, answer, spot } => {
                UNDER_WAY.put(batch, conversation, &(answer.clone(), *spot));
            }
            StateChange::Unread { conversation, answers } => unread::add(db, batch, conversation, answers)?,
            StateChange::Read { conversation, answers } => unread::remove(db, batch, conversation, answers)?,
        }
    }
    links.write(batch);
    arrived.write(batch);
    Ok(())
}

fn ours_of(db: &Lookup, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
    Ok(TO_OURS.get(db, kommo)?.unwrap_or_default())
}
