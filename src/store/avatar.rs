//! How customers look, by the bot that was told.

use crate::{
    domain::{
        address::{BotId, ContactId},
        avatar::Avatar,
    },
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::Batch,
        index::Index,
        tables::AVATARS,
    },
};

impl Store {
    /// What a bot was told of a customer's picture.
    pub fn avatar(&self, bot: BotId, customer: ContactId) -> Result<Option<Avatar>, StoreError> {
        AVATARS.get(&self.db()?, &format!("{bot}:{customer}"))
    }

    /// Remembers what a bot was told of a customer's picture, in place of what it was told before. It is little and
    /// stays.
    pub async fn remember_avatar(&self, bot: BotId, customer: ContactId, avatar: &Avatar) -> Result<(), StoreError> {
        self.db()?;
        let avatar = avatar.clone();
        let plan = move |_: &mut WriteTxn| {
            let mut batch = Batch::default();
            AVATARS.put(&mut batch, &format!("{bot}:{customer}"), &avatar);
            Ok(Commit { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
