//! Answers that have arrived, and are not known to be read yet: a short list for each conversation.

use crate::{
    domain::{address::Conversation, delivery::UnreadAnswer},
    store::{
        Store, StoreError,
        db::{Batch, Db},
        lookup::Lookup,
        tables::UNREAD,
    },
};

/// How many answers of a conversation are kept, the newest ones. A customer who has not read for long reads the last.
const KEPT: usize = 100;

impl Store {
    /// The answers to a conversation that are not known to be read, the oldest first.
    pub fn unread(&self, conversation: &Conversation) -> Result<Vec<UnreadAnswer>, StoreError> {
        list(&self.db()?, conversation)
    }
}

/// Adds answers to the list.
pub(super) fn add(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    answers: &[UnreadAnswer],
) -> Result<(), StoreError> {
    let mut all = list(db, conversation)?;
    all.extend_from_slice(answers);
    let newest = &all[all.len().saturating_sub(KEPT)..];
    UNREAD.put(batch, conversation, newest);
    Ok(())
}

/// Removes the answers that were read. Those that have arrived meanwhile stay.
pub(super) fn remove(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    answers: &[UnreadAnswer],
) -> Result<(), StoreError> {
    let mut left = list(db, conversation)?;
    left.retain(|answer| !answers.contains(answer));
    if left.is_empty() {
        UNREAD.remove(batch, conversation);
    } else {
        UNREAD.put(batch, conversation, &left);
    }
    Ok(())
}

fn list(db: &Lookup, conversation: &Conversation) -> Result<Vec<UnreadAnswer>, StoreError> {
    Ok(UNREAD.get(db, conversation)?.unwrap_or_default())
}
