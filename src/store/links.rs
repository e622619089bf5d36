//! Which message and which chat is which on the other side.

use crate::{
    domain::{
        address::{Conversation, KommoMessageId, MessageId},
        order,
        time::UnixMillis,
    },
    store::{
        Chat, Fact, Store, StoreError,
        db::{Batch, Db},
        expire, horizon, keys,
        lists::Lists,
        openings, questions, reach, rows, unread,
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
    facts: &[Fact],
    now: UnixMillis,
    until: UnixMillis,
) -> Result<(), StoreError> {
    let (mut links, mut arrived) = (Lists::new(db), Lists::new(db));
    for fact in facts {
        match fact {
            Fact::Chat { conversation, chat } => {
                let key = keys::chat(conversation);
                let chat = chat.clone().with_user_of(rows::get(db, &key)?);
                batch.insert(key, rows::write(&chat));
                batch.insert(keys::activity(conversation), rows::write(&now));
            }
            Fact::Question { conversation, question } => {
                questions::write(db, batch, conversation, question.as_ref())?;
            }
            Fact::Held { conversation, held: Some(held) } => batch.insert(keys::held(conversation), rows::write(held)),
            Fact::Held { conversation, held: None } => batch.remove(keys::held(conversation)),
            Fact::Opening { conversation, chat } => openings::begin(batch, conversation, chat, now),
            Fact::Answered { conversation, chat } => openings::answer(db, batch, conversation, chat)?,
            Fact::Told { conversation, told } => batch.insert(keys::told(conversation), rows::write(told)),
            Fact::Link { ours, kommo } => {
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
            Fact::Presence { conversation, presence } => {
                batch.insert(keys::presence(conversation), rows::write(presence));
            }
            Fact::Connection { bot, connection } => reach::write_connection(db, batch, *bot, connection)?,
            Fact::Move { from, to } => reach::write_move(db, batch, from, *to)?,
            Fact::Newest { conversation, message } => {
                batch.insert(keys::newest(conversation), rows::write(message));
            }
            Fact::Arrived { conversation, arrived: new } => {
                order::arrive(arrived.of(keys::arrived(conversation))?, *new);
            }
            Fact::Latest { conversation, latest } => horizon::write(db, batch, conversation, *latest, facts)?,
            Fact::Unlinked { conversation, ours } => horizon::pass(db, batch, conversation, &[*ours])?,
            Fact::Topic { conversation, topic: Some(topic) } => {
                batch.insert(keys::topic(conversation), rows::write(topic));
            }
            Fact::Topic { conversation, topic: None } => batch.remove(keys::topic(conversation)),
            Fact::UnderWay { conversation, answer, spot } => {
                batch.insert(keys::under_way(conversation), rows::write(&(answer, spot)));
            }
            Fact::Unread { conversation, answers } => unread::add(db, batch, conversation, answers)?,
            Fact::Read { conversation, answers } => unread::remove(db, batch, conversation, answers)?,
        }
    }
    links.write(batch);
    arrived.write(batch);
    Ok(())
}

fn ours_of(db: &Db, kommo: &KommoMessageId) -> Result<Vec<MessageId>, StoreError> {
    Ok(rows::get(db, &keys::ours_of(kommo))?.unwrap_or_default())
}
