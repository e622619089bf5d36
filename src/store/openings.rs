//! Chats that managers have begun, and the phone numbers by which they do.
//!
//! A number and its owner are noted both ways, each once: who shares a number takes it from whoever had it before.

use sled::Batch;

use crate::{
    domain::address::{Conversation, KommoChatId, UserId},
    store::{
        Chat, Store, StoreError,
        committer::{Book, Planned},
        index::Index,
        keys, rows,
    },
};

impl Store {
    /// The own phone number of a customer: digits alone.
    ///
    /// # Errors
    /// If the store fails.
    pub fn phone_of(&self, customer: UserId) -> Result<Option<String>, StoreError> {
        rows::get(&self.db()?, &keys::phone_of(customer))
    }

    /// The customer whose own phone number this is: digits alone.
    ///
    /// # Errors
    /// If the store fails.
    pub fn owner_of(&self, phone: &str) -> Result<Option<UserId>, StoreError> {
        rows::get(&self.db()?, &keys::owner_of(phone))
    }

    /// Remembers that a phone number is a customer's own. It is little and stays.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remember_phone(&self, customer: UserId, phone: &str) -> Result<(), StoreError> {
        self.db()?;
        let phone = phone.to_owned();
        let plan = move |book: &mut Book| {
            let (of_customer, of_phone) = (keys::phone_of(customer), keys::owner_of(&phone));
            let before = rows::get::<String>(&book.db, &of_customer)?;
            let mut batch = None;
            if before.as_ref() != Some(&phone) {
                let changes = batch.insert(Batch::default());
                if let Some(before) = before {
                    changes.remove(keys::owner_of(&before));
                }
                if let Some(owner) = rows::get::<UserId>(&book.db, &of_phone)? {
                    changes.remove(keys::phone_of(owner));
                }
                changes.insert(of_customer, rows::write(&phone));
                changes.insert(of_phone, rows::write(&customer));
            }
            Ok(Planned { batch, answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }

    /// The chat that a manager has begun with the customer of a conversation, until the customer's next words are in it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn opening(&self, conversation: &Conversation) -> Result<Option<Chat>, StoreError> {
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

/// Notes what a manager has begun; `None` if it has become one with the conversation. Which conversation it is stays known.
pub(super) fn write(batch: &mut Batch, conversation: &Conversation, opening: Option<&Chat>) {
    match opening {
        Some(opening) => {
            batch.insert(keys::opening(conversation), rows::write(opening));
            batch.insert(keys::opened(&opening.chat), rows::write(conversation));
        }
        None => batch.remove(keys::opening(conversation)),
    }
}
