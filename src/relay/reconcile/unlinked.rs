//! What leaves its lane without Kommo's id of it: set aside and dropped by the operator, or passed over where an
//! earlier attempt was not. Kommo may have it all the same, so it is no sign of a rollback.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId},
        job::{Job, Raw, Update},
    },
    store::{Store, StoreError},
    translate::from_telegram::Received,
};

/// The message that a job brings, and its conversation; `None` if it brings none that has a number of its own.
pub fn message(store: &Store, job: &Job) -> Result<Option<(Conversation, MessageId)>, StoreError> {
    let Job::Raw(Raw::Update(Update { source, bot, raw, .. })) = job else { return Ok(None) };
    brought(store, (source, *bot), &Received::read(raw))
}

/// The message that an update brings to a bot, and its conversation.
pub(in crate::relay) fn brought(
    store: &Store,
    (source, bot): (&SourceId, BotId),
    update: &Received<'_>,
) -> Result<Option<(Conversation, MessageId)>, StoreError> {
    let owner = match update.connection_id() {
        None => None,
        Some(id) => match store.connection(bot, &id)? {
            Some(connection) => Some(connection.owner),
            // Nothing was sent to Kommo before it was known whose chat it is in.
            None => return Ok(None),
        },
    };
    let Some(ours) = update.brought(bot, owner) else { return Ok(None) };
    let conversation = Conversation::new(source.clone(), ours.chat);
    let first = store.moved_from(&conversation)?;
    Ok(Some((first.unwrap_or(conversation), ours)))
}
