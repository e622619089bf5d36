//! What customers have written in people's own chats, as long as nobody has answered it.

use crate::{
    domain::{address::Conversation, question::Question},
    store::{
        Store, StoreError,
        db::{Batch, Db},
        tables::QUESTIONS,
    },
};

impl Store {
    /// What waits for an answer in a conversation.
    pub fn question(&self, conversation: &Conversation) -> Result<Option<Question>, StoreError> {
        QUESTIONS.get(&self.db()?, conversation)
    }

    /// All that waits for an answer.
    pub async fn questions(&self) -> Result<Vec<(Conversation, Question)>, StoreError> {
        self.0.reader.apart(|db| QUESTIONS.rows(db).collect()).await
    }
}

/// Notes what waits in a conversation, or that nothing does any more. That a manager was told of it is noted only if it
/// still is what waits: the customer may have written again, or have been answered.
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
    if !question.is_told || waits.is_some_and(|waits| waits.message == question.message) {
        QUESTIONS.put(batch, conversation, question);
    }
    Ok(())
}
