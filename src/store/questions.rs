//! Customers' unanswered messages in people's own chats.

use crate::{
    domain::{address::Conversation, question::Question},
    store::{
        Store, StoreError,
        db::{Batch, Db},
        tables::QUESTIONS,
    },
};

impl Store {
    /// The unanswered message of a conversation.
    pub fn question(&self, conversation: &Conversation) -> Result<Option<Question>, StoreError> {
        QUESTIONS.get(&self.db()?, conversation)
    }

    /// All unanswered messages.
    pub async fn questions(&self) -> Result<Vec<(Conversation, Question)>, StoreError> {
        self.0.reader.spawn_blocking(|db| QUESTIONS.rows(db).collect()).await
    }
}

/// Stores the unanswered message of a conversation, or removes it. That a manager was reminded is stored only if the
/// same message is still unanswered: the customer may have written again, or have been answered.
pub(super) fn write(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    question: Option<&Question>,
) -> Result<(), StoreError> {
    let Some(question) = question else {
        QUESTIONS.remove(batch, conversation);
        return Ok(());
    };
    let waits = QUESTIONS.get(db, conversation)?;
    if !question.is_reminded || waits.is_some_and(|waits| waits.message == question.message) {
        QUESTIONS.put(batch, conversation, question);
    }
    Ok(())
}
