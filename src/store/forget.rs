//! Forgetting a person: what says who they are goes, and what keeps messages from being doubled or lost stays.

use sled::Batch;

use crate::{
    domain::{
        address::{BotId, ContactId, Conversation},
        guest::Told,
    },
    store::{
        Store, StoreError,
        committer::{Book, Planned},
        index::Index,
        keys,
        openings::OwnNumber,
        rows,
    },
};

impl Store {
    /// Forgets who is behind a conversation: their own phone number, what `bots` were told of how they are called and look, and
    /// what Kommo was told of them in `conversations`. Says whether anything was known.
    ///
    /// Ids stay: of chats, of messages and of what was taken, so that nothing is taken twice and answers find their way. So does
    /// what waits or is parked, which is not delivered yet. Whoever was asked for their number is not asked again.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(
        &self,
        contact: ContactId,
        bots: Vec<BotId>,
        conversations: Vec<Conversation>,
    ) -> Result<bool, StoreError> {
        self.db()?;
        let plan = move |book: &mut Book| {
            let mut known = bots.into_iter().map(|bot| keys::portrait(bot, contact)).collect::<Vec<_>>();
            if let ContactId::Person(person) = contact {
                let number: Option<OwnNumber> = rows::get(&book.db, &keys::number_of(person))?;
                known.extend(number.map(|number| keys::owner_of(&number.phone)));
                known.push(keys::number_of(person));
            }
            let (mut batch, mut is_known) = (Batch::default(), false);
            for key in known {
                is_known |= book.db.contains_key(&key)?;
                batch.remove(key);
            }
            for key in conversations.iter().map(keys::told) {
                let Some(told) = rows::get::<Told>(&book.db, &key)? else { continue };
                let kept = Told { asked_phone: told.asked_phone, ..Told::default() };
                is_known |= told != kept;
                batch.insert(key, rows::write(&kept));
            }
            Ok(Planned { batch: is_known.then_some(batch), answer: is_known, then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
