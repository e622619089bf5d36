//! What leaves its lane without Kommo's id of it: set aside and dropped by the operator, or passed over where an earlier attempt
//! was not. Kommo may have it all the same, so it is no sign that the store has gone back in time.

use crate::{
    domain::{
        address::{Conversation, MessageId},
        job::Job,
    },
    store::{Store, StoreError},
    translate::from_telegram,
};

/// The message that a job brings, and its conversation; `None` if it brings none that has a number of its own.
///
/// # Errors
/// If the store fails.
pub fn message(store: &Store, job: &Job) -> Result<Option<(Conversation, MessageId)>, StoreError> {
    let Job::Update { source, bot, raw } = job else { return Ok(None) };
    let owner = match from_telegram::connection_id(raw) {
        None => None,
        Some(id) => match store.connection(*bot, &id)? {
            Some(connection) => Some(connection.owner),
            // Nothing was sent to Kommo before it was known whose chat it is in.
            None => return Ok(None),
        },
    };
    let Some(ours) = from_telegram::brought(raw, *bot, owner) else { return Ok(None) };
    let conversation = Conversation::new(source.clone(), ours.chat);
    let first = store.moved_from(&conversation)?;
    Ok(Some((first.unwrap_or(conversation), ours)))
}
