//! How chats can be reached: who let the bot in, by which connection, and where a group is now.

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
    /// Whether the bot is let into the chat of a conversation, if anything was told.
    pub fn membership(&self, conversation: &Conversation) -> Result<Option<Membership>, StoreError> {
        MEMBERSHIPS.get(&self.db()?, conversation)
    }

    /// A bot's connection of Telegram Business by its id.
    pub fn connection(&self, bot: BotId, id: &str) -> Result<Option<Connection>, StoreError> {
        CONNECTIONS.get(&self.db()?, &format!("{bot}:{id}"))
    }

    /// The newest connection by which a bot is in the chats of `owner`.
    pub fn connection_of(&self, bot: BotId, owner: UserId) -> Result<Option<Connection>, StoreError> {
        newest_of(&self.db()?, bot, owner)
    }

    /// The chat that the group of a conversation has become, if it has become another.
    pub fn moved_to(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        MOVED_TO.get(&self.db()?, conversation)
    }

    /// The conversation that a group has had from before it became what it is, if it was something else.
    pub fn moved_from(&self, conversation: &Conversation) -> Result<Option<Conversation>, StoreError> {
        MOVED_FROM.get(&self.db()?, conversation)
    }

    /// The number of the newest message of a conversation's customer, if it is kept.
    pub fn newest(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        NEWEST.get(&self.db()?, conversation)
    }

    /// The latest message of a conversation that Kommo has, and when that was sent.
    pub fn last_sent(&self, conversation: &Conversation) -> Result<Option<LastSent>, StoreError> {
        Ok(LATEST.get(&self.db()?, conversation)?.map(|row| row.last_sent))
    }

    /// The last messages of Kommo's that the customer of a conversation has got, the oldest first.
    pub fn arrived(&self, conversation: &Conversation) -> Result<Vec<Arrived>, StoreError> {
        Ok(ARRIVED.get(&self.db()?, conversation)?.unwrap_or_default())
    }

    /// Telegram's number of the topic that the newest message of a conversation is in, if it is in one.
    pub fn topic(&self, conversation: &Conversation) -> Result<Option<i64>, StoreError> {
        TOPICS.get(&self.db()?, conversation)
    }

    /// Where the beginning of an answer is, if it has one in a chat with topics.
    pub fn under_way(&self, conversation: &Conversation, answer: &KommoMessageId) -> Result<Option<Topic>, StoreError> {
        let kept = UNDER_WAY.get(&self.db()?, conversation)?;
        Ok(kept.and_then(|(begun, spot)| (begun == *answer).then_some(spot)))
    }
}

/// An older connection may still be told of, when it ends; answers go by the newest.
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

/// The conversation is the one that the group had first, however often it moves. Where Kommo has a chat of what it is
/// now, that one goes on: the move was not known when it began, and customers' messages must not change over to the old
/// one.
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
