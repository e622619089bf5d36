//! How customers look, by the bot that was told.

use crate::{
    domain::{
        address::{BotId, ContactId},
        portrait::Portrait,
    },
    store::{
        Store, StoreError,
        committer::{Book, Planned},
        db::Batch,
        index::Index,
        keys, rows,
    },
};

impl Store {
    /// What a bot was told of a customer's picture.
    ///
    /// # Errors
    /// If the store fails.
    pub fn portrait(&self, bot: BotId, customer: ContactId) -> Result<Option<Portrait>, StoreError> {
        rows::get(&self.db()?, &keys::portrait(bot, customer))
    }

    /// Remembers what a bot was told of a customer's picture, in place of what it was told before. It is little and stays.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remember_portrait(
        &self,
        bot: BotId,
        customer: ContactId,
        portrait: &Portrait,
    ) -> Result<(), StoreError> {
        self.db()?;
        let (key, row) = (keys::portrait(bot, customer), rows::write(portrait));
        let plan = move |_: &mut Book| {
            let mut batch = Batch::default();
            batch.insert(key, row);
            Ok(Planned { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
