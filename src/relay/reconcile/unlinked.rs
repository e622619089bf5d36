//! Messages that leave their lane without an id from Kommo: parked and dropped by the operator, or skipped although an
//! earlier attempt was made. Kommo may have them all the same, so they prove no rollback.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId},
        job::{Job, Raw, Update},
    },
    store::{Store, StoreError},
    translate::from_telegram::Received,
};

/// The message of a job, and its conversation; `None` if it has no message with a number of its own.
pub fn message(store: &Store, job: &Job) -> Result<Option<(Conversation, MessageId)>, StoreError> {
    let Job::Raw(Raw::Update(Update { source, bot, raw, .. })) = job else { return Ok(None) };
    brought(store, (source, *bot), &Received::read(raw))
}

/// The message of a bot's update, and its conversation.
pub(in crate::relay) fn brought(
    store: &Store,
    (source, bot): (&SourceId, BotId),
    update: &Received<'_>,
) -> Result<Option<(Conversation, MessageId)>, StoreError> {
    let owner = match update.connection_id() {
        None => None,
        Some(id) => match store.connection(bot, &id)? {
            Some(connection) => Some(connection.owner),
            // No message is sent to Kommo before the owner of its chat is known.
            None => return Ok(None),
        },
    };
    let Some(ours) = update.brought(bot, owner) else { return Ok(None) };
    let conversation = Conversation::new(source.clone(), ours.chat);
    let first = store.moved_from(&conversation)?;
    Ok(Some((first.unwrap_or(conversation), ours)))
}
