//! The links between the messages and chats of both sides.

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
        tables::{
            ACTIVITY, ARRIVED, CHATS, HELD, MEMBERSHIPS, NEWEST, SYNCED_PROFILES, TO_KOMMO, TO_OURS, TOPICS, UNDER_WAY,
        },
        unread,
    },
};

impl Store {
    /// Kommo's id of a message of ours.
    pub fn kommo_message(&self, ours: &MessageId) -> Result<Option<KommoMessageId>, StoreError> {
        TO_KOMMO.get(&self.db()?, ours)
    }

    /// The Telegram messages of a message of Kommo's: the parts of an answer, in order.
    pub fn telegram_messages(&self, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
        ours_of(&self.db()?, kommo)
    }

    /// Kommo's chat of a conversation.
    pub fn chat(&self, conversation: &Conversation) -> Result<Option<Chat>, StoreError> {
        CHATS.get(&self.db()?, conversation)
    }

    /// When the last message of a conversation was, if that is known.
    pub fn active_at(&self, conversation: &Conversation) -> Result<Option<UnixMillis>, StoreError> {
        ACTIVITY.get(&self.db()?, conversation)
    }
}

/// Writes changes that were made at `now`. Links expire; rows about chats are small and do not.
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
            StateChange::SyncedProfile { conversation, profile } => SYNCED_PROFILES.put(batch, conversation, profile),
            StateChange::Attended { conversation } => attended::write(batch, conversation, now),
            StateChange::Link { ours, kommo } => {
                let all = links.of(kommo)?;
                if !all.contains(ours) {
                    all.push(*ours);
                }
                if let Some(former) = TO_KOMMO.get(db, ours)?.filter(|former| former != kommo) {
                    expire::note(batch, until, &TO_OURS.key(&former));
                }
                // One expiry for both directions: the reverse link is found by this row's value. If the value has
                // changed, the former reverse link needs an expiry of its own, above.
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
