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
        tables::{NUMBERS, OPENED, OPENINGS, OWNERS},
    },
};

/// A customer and their own phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnNumber {
    pub customer: UserId,
    /// Digits alone.
    pub phone: String,
    /// When they shared it, by Telegram's clock.
    pub shared_at: UnixMillis,
}

/// A chat that a manager has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerInitiated {
    pub chat: Chat,
    /// When the manager's words had arrived, by our own clock.
    pub begun_at: UnixMillis,
}

impl Store {
    /// The own phone number of a customer, if they have shared it.
    pub fn number_of(&self, customer: UserId) -> Result<Option<OwnNumber>, StoreError> {
        NUMBERS.get(&self.db()?, &customer)
    }

    /// The customer who was the last to share this phone number (digits alone) as their own.
    pub fn owner_of(&self, phone: &str) -> Result<Option<OwnNumber>, StoreError> {
        OWNERS.get(&self.db()?, phone)
    }

    /// Remembers a customer's own phone number, in place of what was shared before it. It is little and stays.
    pub async fn remember_number(&self, number: OwnNumber) -> Result<(), StoreError> {
        self.db()?;
        let plan = move |txn: &mut WriteTxn| {
            let of_spellings = phone::spellings_of_full(&number.phone).into_iter().map(|it| OWNERS.get(&txn.db, &it));
            let of_customer = std::iter::once_with(|| NUMBERS.get(&txn.db, &number.customer));
            let known = of_spellings.chain(of_customer).collect::<Result<Vec<_>, _>>()?;
            let is_news = known.iter().flatten().all(|known| known.shared_at < number.shared_at);
            let batch = is_news.then(|| {
                let mut batch = Batch::default();
                for former in known.into_iter().flatten() {
                    NUMBERS.remove(&mut batch, &former.customer);
                    OWNERS.remove(&mut batch, &former.phone);
                }
                NUMBERS.put(&mut batch, &number.customer, &number);
                OWNERS.put(&mut batch, &number.phone, &number);
                batch
            });
            Ok(Commit { batch, answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// The chat that a manager has begun with the customer of a conversation, until the customer has answered.
    pub fn opening(&self, conversation: &Conversation) -> Result<Option<ManagerInitiated>, StoreError> {
        OPENINGS.get(&self.db()?, conversation)
    }

    /// The conversation that a manager's words in a chat went to, if a manager has begun it.
    pub fn opened(&self, chat: &KommoChatId) -> Result<Option<Conversation>, StoreError> {
        OPENED.get(&self.db()?, chat)
    }
}

/// Notes what a manager has begun.
pub(super) fn begin(batch: &mut Batch, conversation: &Conversation, chat: &Chat, now: UnixMillis) {
    let begun = ManagerInitiated { chat: chat.clone(), begun_at: now };
    OPENINGS.put(batch, conversation, &begun);
    OPENED.put(batch, &chat.chat, conversation);
}

/// Notes that the customer has answered what a manager began in `chat`; not what was begun since. Which conversation
/// the chat belongs to stays known.
pub(super) fn answer(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    chat: &KommoChatId,
) -> Result<(), StoreError> {
    if OPENINGS.get(db, conversation)?.is_some_and(|begun| begun.chat.chat == *chat) {
        OPENINGS.remove(batch, conversation);
    }
    Ok(())
}
