//! What is remembered of customers beside their messages.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{BotId, Conversation},
        crm::SyncedProfile,
        time::UnixMillis,
    },
    store::{
        Chat, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        expire,
        index::Index,
        rows,
        tables::{CHATS, HELD, INVITATIONS, TOLD},
    },
};

/// A `/start` that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStart {
    /// The bot that received it.
    pub bot: BotId,
    /// The update's JSON.
    pub raw: String,
    /// When it came.
    pub since: UnixMillis,
}

impl Store {
    /// Who has used an invitation, as far as that is remembered.
    pub fn used_by(&self, name: &str) -> Result<Option<String>, StoreError> {
        INVITATIONS.get(&self.db()?, name)
    }

    /// Uses an invitation up, which is remembered until `until`. Says whether `by` is the one who used it, now or
    /// before. Once `until` is over nobody knows, and it is nobody.
    pub async fn redeem(&self, name: &str, by: String, until: UnixMillis, now: UnixMillis) -> Result<bool, StoreError> {
        self.db()?;
        let key = INVITATIONS.key(name);
        let plan = move |txn: &mut WriteTxn| {
            let then = Box::new(|_: &mut Index| ());
            if let Some(used_by) = txn.db.get(&key)? {
                // Somebody has used it, even where it cannot be read who.
                let is_by = rows::read(&key, &used_by).is_some_and(|used_by: String| used_by == by);
                return Ok(Commit { batch: None, answer: is_by, then });
            }
            if until <= now {
                return Ok(Commit { batch: None, answer: false, then });
            }
            let mut batch = Batch::default();
            expire::note(&mut batch, until, &key);
            batch.insert(key, rows::write(&by));
            Ok(Commit { batch: Some(batch), answer: true, then })
        };
        self.0.committer.write(plan).await
    }

    /// The `/start` that is held in a conversation. One that cannot be read is set aside.
    pub fn held(&self, conversation: &Conversation) -> Result<Option<HeldStart>, StoreError> {
        let key = HELD.key(conversation);
        let Some(value) = self.db()?.get(&key)? else { return Ok(None) };
        let held = rows::read(&key, &value);
        if held.is_none() {
            // It is a customer's message, and nobody else has it.
            self.set_held_aside(key)?;
        }
        Ok(held)
    }

    /// What Kommo was told of a conversation's customer.
    pub fn told(&self, conversation: &Conversation) -> Result<SyncedProfile, StoreError> {
        Ok(TOLD.get(&self.db()?, conversation)?.unwrap_or_default())
    }

    /// The conversations that Kommo knows, in the order of their names.
    pub async fn chats(&self) -> Result<Vec<(Conversation, Chat)>, StoreError> {
        self.0.reader.apart(|db| CHATS.rows(db).collect()).await
    }
}
