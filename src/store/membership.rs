//! How chats can be reached: whether the bot has access, by which connection, and where a group has moved.

use crate::{
    domain::{
        address::{BotId, Conversation, KommoMessageId, UserId},
        membership::{Connection, Membership},
        timestamps::{Arrived, LastSent},
        topic::Topic,
    },
    store::{
        Store, StoreError,
        db::{Batch, Db},
        lookup::Lookup,
        tables::{
            ARRIVED, CHATS, CONNECTIONS, LATEST, MEMBERSHIPS, MOVED_FROM, MOVED_TO, NEWEST, NEWEST_CONNECTIONS, TOPICS,
            UNDER_WAY,
        },
    },
};

impl Store {
    /// Whether the bot has access to the chat of a conversation, if Telegram has reported it.
    pub fn membership(&self, conversation: &Conversation) -> Result<Option<Membership>, StoreError> {
        MEMBERSHIPS.get(&self.db()?, conversation)
    }

    /// A bot's connection of Telegram Business by its id.
    pub fn connection(&self, bot: BotId, id: &str) -> Result<Option<Connection>, StoreError> {
        CONNECTIONS.get(&self.db()?, &format!("{bot}:{id}"))
    }

    /// The newest connection of a bot to the chats of `owner`.
    pub fn connection_of(&self, bot: BotId, owner: UserId) -> Result<Option<Connection>, StoreError> {
        newest_of(&self.db()?, bot, owner)
    }

    /// The chat that the group of a conversation has become, if it has become another.
    pub fn moved_to(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        MOVED_TO.get(&self.db()?, conversation)
    }

    /// The conversation that a group had before it moved, if it has moved.
    pub fn moved_from(&self, conversation: &Conversation) -> Result<Option<Conversation>, StoreError> {
        MOVED_FROM.get(&self.db()?, conversation)
    }

    /// The number of the newest message of a conversation's customer, if it is stored.
    pub fn newest(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        NEWEST.get(&self.db()?, conversation)
    }

    /// The latest message of a conversation that Kommo has, with its date.
    pub fn last_sent(&self, conversation: &Conversation) -> Result<Option<LastSent>, StoreError> {
        Ok(LATEST.get(&self.db()?, conversation)?.map(|row| row.last_sent))
    }

    /// The last messages from Kommo that have reached the customer of a conversation, the oldest first.
    pub fn arrived(&self, conversation: &Conversation) -> Result<Vec<Arrived>, StoreError> {
        Ok(ARRIVED.get(&self.db()?, conversation)?.unwrap_or_default())
    }

    /// Telegram's number of the topic that the newest message of a conversation is in, if it is in one.
    pub fn topic(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        TOPICS.get(&self.db()?, conversation)
    }

    /// The topic of an answer's first parts, if they have been sent to a chat with topics.
    pub fn under_way(&self, conversation: &Conversation, answer: &KommoMessageId) -> Result<Option<Topic>, StoreError> {
        let row = UNDER_WAY.get(&self.db()?, conversation)?;
        Ok(row.and_then(|(newest, topic)| (newest == *answer).then_some(topic)))
    }
}

/// Stores a connection. Telegram may still report the end of an older one; answers use the newest.
pub(super) fn write_connection(
    db: &Db,
    batch: &mut Batch,
    bot: BotId,
    connection: &Connection,
) -> Result<(), StoreError> {
    CONNECTIONS.put(batch, &format!("{bot}:{}", connection.id), connection);
    let newest = newest_of(db, bot, connection.owner)?;
    let replaces = |newest: Connection| (newest.made_at, newest.enabled) <= (connection.made_at, connection.enabled);
    if newest.is_none_or(replaces) {
        NEWEST_CONNECTIONS.put(batch, &of_owner(bot, connection.owner), &connection.id);
    }
    Ok(())
}

/// Records that a group has moved. Its conversation is the first one, however often it moves. If Kommo has a chat of
/// the new one already, both stay apart: the move was not known when that chat was started, and customers' messages
/// must not switch back to the old one.
pub(super) fn write_move(db: &Db, batch: &mut Batch, from: &Conversation, to: i64) -> Result<(), StoreError> {
    let first = MOVED_FROM.get(db, from)?.unwrap_or_else(|| from.clone());
    let now = Conversation::new(from.source.clone(), to);
    if now != first && !CHATS.contains(db, &now)? {
        MOVED_TO.put(batch, &first, &to);
        MOVED_FROM.put(batch, &now, &first);
    }
    Ok(())
}

fn newest_of(db: &Lookup, bot: BotId, owner: UserId) -> Result<Option<Connection>, StoreError> {
    let Some(id) = NEWEST_CONNECTIONS.get(db, &of_owner(bot, owner))? else { return Ok(None) };
    CONNECTIONS.get(db, &format!("{bot}:{id}"))
}

fn of_owner(bot: BotId, owner: UserId) -> String {
    format!("{bot}:{}", owner.0)
}
