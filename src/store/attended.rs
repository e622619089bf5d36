//! The conversations in which a manager has written lately. Programs that stay quiet there get none of their messages.

use crate::{
    domain::{address::Conversation, program::LONGEST_QUIET, time::UnixMillis},
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        expire,
        index::Index,
        lookup::Lookup,
        tables::{ATTENDED, MOVED_FROM},
    },
};

/// Records that a manager has written in a conversation. Like every row that expires, it holds the instant of its
/// expiry.
pub(super) fn write(batch: &mut Batch, conversation: &Conversation, now: UnixMillis) {
    let until = now.plus(LONGEST_QUIET);
    expire::note(batch, until, &ATTENDED.key(conversation));
    ATTENDED.put(batch, conversation, &until);
}

/// When a manager last wrote in a conversation, if that was lately and they have not closed the talk since.
pub(super) fn since(db: &Lookup, conversation: &Conversation) -> Result<Option<UnixMillis>, StoreError> {
    // Kommo keeps the first name of a group's conversation.
    let first = MOVED_FROM.get(db, conversation)?;
    let until = ATTENDED.get(db, first.as_ref().unwrap_or(conversation))?;
    Ok(until.map(|until| until.minus(LONGEST_QUIET)))
}

impl Store {
    /// The conversations in which a manager has written lately, and when.
    pub async fn attended(&self) -> Result<Vec<(Conversation, UnixMillis)>, StoreError> {
        let when = |row: Result<(Conversation, UnixMillis), StoreError>| {
            row.map(|(conversation, until)| (conversation, until.minus(LONGEST_QUIET)))
        };
        self.0.reader.spawn_blocking(move |db| ATTENDED.rows(db).map(when).collect()).await
    }

    /// Records that a manager closed the talk at `at`, unless a manager has written after that. Returns whether the
    /// conversation was attended until then.
    pub async fn end_attending(&self, conversation: Conversation, at: UnixMillis) -> Result<bool, StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            let is_over = ATTENDED.get(&txn.db, &conversation)?.is_some_and(|until| until.minus(LONGEST_QUIET) <= at);
            let mut batch = Batch::default();
            if is_over {
                ATTENDED.remove(&mut batch, &conversation);
            }
            Ok(Commit { batch: is_over.then_some(batch), answer: is_over, then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
