//! What is stored of customers besides their messages.

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
        tables::{CHATS, HELD, INVITATIONS, SYNCED_PROFILES},
    },
};

/// A `/start` that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStart {
    /// The bot that received it.
    pub bot: BotId,
    /// The update's JSON.
    pub raw: String,
    /// When it arrived.
    pub since: UnixMillis,
}

impl Store {
    /// Who has used an invitation, if that is still stored.
    pub fn used_by(&self, name: &str) -> Result<Option<String>, StoreError> {
        INVITATIONS.get(&self.db()?, name)
    }

    /// Uses an invitation for `by`, and stores that until `until`. Returns whether it is `by` who has used it, now or
    /// before. After `until` nobody can use it.
    pub async fn redeem(&self, name: &str, by: String, until: UnixMillis, now: UnixMillis) -> Result<bool, StoreError> {
        self.db()?;
        let key = INVITATIONS.key(name);
        let plan = move |txn: &mut WriteTxn| {
            let then = Box::new(|_: &mut Index| ());
            if let Some(used_by) = txn.db.get(&key)? {
                // Somebody has used it, even if the row cannot be read.
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
            // It is a customer's message, of which there is no other copy.
            self.set_held_aside(key)?;
        }
        Ok(held)
    }

    /// What has been recorded in Kommo of a conversation's customer.
    pub fn synced_profile(&self, conversation: &Conversation) -> Result<SyncedProfile, StoreError> {
        Ok(SYNCED_PROFILES.get(&self.db()?, conversation)?.unwrap_or_default())
    }

    /// The conversations that Kommo has, in the order of their names.
    pub async fn chats(&self) -> Result<Vec<(Conversation, Chat)>, StoreError> {
        self.0.reader.spawn_blocking(|db| CHATS.rows(db).collect()).await
    }
}
