//! What customers have written in people's own chats, as long as nobody has answered it.

use crate::{
    domain::{address::Conversation, question::Question},
    store::{
        Store, StoreError,
        db::{Batch, Db},
        rows,
    },
};

/// The table of its rows.
pub(super) const QUESTIONS: &[u8] = b"3";

fn key(conversation: &Conversation) -> Vec<u8> {
    [QUESTIONS, conversation.to_string().as_bytes()].concat()
}

/// The conversation that the key of what waits in it names.
pub(super) fn conversation_of(key: &[u8]) -> Option<Conversation> {
    std::str::from_utf8(key.strip_prefix(QUESTIONS)?).ok()?.parse().ok()
}

impl Store {
    /// What waits for an answer in a conversation.
    ///
    /// # Errors
    /// If the store fails.
    pub fn question(&self, conversation: &Conversation) -> Result<Option<Question>, StoreError> {
        rows::get(&self.db()?, &key(conversation))
    }

    /// All that waits for an answer.
    ///
    /// # Errors
    /// If the store fails.
    pub fn questions(&self) -> Result<Vec<(Conversation, Question)>, StoreError> {
        let mut questions = Vec::new();
        for entry in self.db()?.scan_prefix(QUESTIONS) {
            let (key, value) = entry?;
            questions.extend(conversation_of(&key).zip(rows::read(&key, &value)));
        }
        Ok(questions)
    }
}

/// Notes what waits in a conversation, or that nothing does any more. That a manager was told of it is noted only if it still is
/// what waits: the customer may have written again, or have been answered.
pub(super) fn write(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    question: Option<&Question>,
) -> Result<(), StoreError> {
    let key = key(conversation);
    let Some(question) = question else {
        batch.remove(key);
        return Ok(());
    };
    let waits: Option<Question> = rows::get(db, &key)?;
    if !question.is_told || waits.is_some_and(|waits| waits.message == question.message) {
        batch.insert(key, rows::write(question));
    }
    Ok(())
}
