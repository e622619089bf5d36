//! Chats that managers have begun, and the phone numbers by which they do.
//!
//! A number and its owner are noted both ways, each once: who shares a number takes it from whoever had it before, also
//! where Telegram told it in another way then.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        address::{Conversation, KommoChatId, UserId},
        phone,
        time::UnixMillis,
    },
    store::{
        Chat, Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        keys, rows,
    },
};

/// A customer and their own phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnNumber {
    /// The customer.
    pub customer: UserId,
    /// Digits alone.
    pub phone: String,
    /// When they shared it, by Telegram's clock.
    pub shared_at: UnixMillis,
}

/// A chat that a manager has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerInitiated {
    /// The chat.
    pub chat: Chat,
    /// When the manager's words had arrived, by our own clock.
    pub begun_at: UnixMillis,
}

impl Store {
    /// The own phone number of a customer, if they have shared it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn number_of(&self, customer: UserId) -> Result<Option<OwnNumber>, StoreError> {
        rows::get(&self.db()?, &keys::number_of(customer))
    }

    /// The customer who was the last to share this phone number (digits alone) as their own.
    ///
    /// # Errors
    /// If the store fails.
    pub fn owner_of(&self, phone: &str) -> Result<Option<OwnNumber>, StoreError> {
        rows::get(&self.db()?, &keys::owner_of(phone))
    }

    /// Remembers a customer's own phone number, in place of what was shared before it. It is little and stays.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remember_number(&self, number: OwnNumber) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            let (of_customer, of_phone) = (keys::number_of(number.customer), keys::owner_of(&number.phone));
            let of_spellings =
                phone::spellings_of_full(&number.phone).into_iter().map(|digits| keys::owner_of(&digits));
            let known = of_spellings.chain([of_customer.clone()]).map(|key| rows::get(&txn.db, &key));
            let known = known.collect::<Result<Vec<Option<OwnNumber>>, _>>()?;
            let is_news = known.iter().flatten().all(|known| known.shared_at < number.shared_at);
            let batch = is_news.then(|| {
                let mut batch = Batch::default();
                for former in known.into_iter().flatten() {
                    batch.remove(keys::number_of(former.customer));
                    batch.remove(keys::owner_of(&former.phone));
                }
                batch.insert(of_customer, rows::write(&number));
                batch.insert(of_phone, rows::write(&number));
                batch
            });
            Ok(Commit { batch, answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// The chat that a manager has begun with the customer of a conversation, until the customer has answered.
    ///
    /// # Errors
    /// If the store fails.
    pub fn opening(&self, conversation: &Conversation) -> Result<Option<ManagerInitiated>, StoreError> {
        rows::get(&self.db()?, &keys::opening(conversation))
    }

    /// The conversation that a manager's words in a chat went to, if a manager has begun it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn opened(&self, chat: &KommoChatId) -> Result<Option<Conversation>, StoreError> {
        rows::get(&self.db()?, &keys::opened(chat))
    }
}

/// Notes what a manager has begun.
pub(super) fn begin(batch: &mut Batch, conversation: &Conversation, chat: &Chat, now: UnixMillis) {
    let begun = ManagerInitiated { chat: chat.clone(), begun_at: now };
    batch.insert(keys::opening(conversation), rows::write(&begun));
    batch.insert(keys::opened(&chat.chat), rows::write(conversation));
}

/// Notes that the customer has answered what a manager began in `chat`; not what was begun since. Which conversation the chat
/// belongs to stays known.
pub(super) fn answer(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    chat: &KommoChatId,
) -> Result<(), StoreError> {
    let key = keys::opening(conversation);
    let begun: Option<ManagerInitiated> = rows::get(db, &key)?;
    if begun.is_some_and(|begun| begun.chat.chat == *chat) {
        batch.remove(key);
    }
    Ok(())
}
