//! Avatars of customers, by bot.

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
    /// The avatar of a customer, as a bot sees it.
    pub fn avatar(&self, bot: BotId, customer: ContactId) -> Result<Option<Avatar>, StoreError> {
        AVATARS.get(&self.db()?, &format!("{bot}:{customer}"))
    }

    /// Stores the avatar of a customer, as a bot sees it. The rows are small and do not expire.
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
