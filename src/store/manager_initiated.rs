//! Chats that managers have started, and the phone numbers with which they do.
//!
//! A number and its owner are stored in both directions, each once: a customer who shares a number takes it from its
//! former owner, even if Telegram gave it in another spelling then.

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

/// A chat that a manager has started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerInitiated {
    pub chat: Chat,
    /// When the manager's message had arrived, by our own clock.
    pub begun_at: UnixMillis,
}

impl Store {
    /// The phone number of a customer, if they have shared it.
    pub fn number_of(&self, customer: UserId) -> Result<Option<OwnNumber>, StoreError> {
        NUMBERS.get(&self.db()?, &customer)
    }

    /// The last customer who has shared this phone number (digits alone) as their own.
    pub fn owner_of(&self, phone: &str) -> Result<Option<OwnNumber>, StoreError> {
        OWNERS.get(&self.db()?, phone)
    }

    /// Stores a customer's phone number, in place of numbers that were shared before. The rows are small and do not
    /// expire.
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

    /// The chat that a manager has started with the customer of a conversation, until the customer has answered.
    pub fn opening(&self, conversation: &Conversation) -> Result<Option<ManagerInitiated>, StoreError> {
        OPENINGS.get(&self.db()?, conversation)
    }

    /// The conversation of a chat that a manager has started.
    pub fn opened(&self, chat: &KommoChatId) -> Result<Option<Conversation>, StoreError> {
        OPENED.get(&self.db()?, chat)
    }
}

/// Records a chat that a manager has started.
pub(super) fn begin(batch: &mut Batch, conversation: &Conversation, chat: &Chat, now: UnixMillis) {
    let opening = ManagerInitiated { chat: chat.clone(), begun_at: now };
    OPENINGS.put(batch, conversation, &opening);
    OPENED.put(batch, &chat.chat, conversation);
}

/// Records that the customer has answered in `chat`, which a manager had started; a later chat stays open. The
/// conversation of `chat` stays known.
pub(super) fn answer(
    db: &Db,
    batch: &mut Batch,
    conversation: &Conversation,
    chat: &KommoChatId,
) -> Result<(), StoreError> {
    if OPENINGS.get(db, conversation)?.is_some_and(|opening| opening.chat.chat == *chat) {
        OPENINGS.remove(batch, conversation);
    }
    Ok(())
}
