//! Forgetting a person: what says who they are goes, and what keeps messages from being doubled or lost stays.

use sled::Batch;

use crate::{
    domain::{address::ContactId, guest::Told},
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
    /// Forgets a person or a group: their own phone number, what any bot was told of how they are called and look, and what
    /// Kommo was told of their name in any conversation with them. Says whether anything was known.
    ///
    /// Ids stay: of chats, of messages and of what was taken, so that nothing is taken twice and answers find their way. So does
    /// what waits or is parked, which is not delivered yet. Whoever was asked for their number is not asked again.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget(&self, contact: ContactId) -> Result<bool, StoreError> {
        self.db()?;
        let plan = move |book: &mut Book| {
            let portraits = book.db.scan_prefix(keys::PORTRAITS).keys().filter(|key| !is_elses(key, contact));
            let mut known = portraits.map(|key| Ok(key?.to_vec())).collect::<Result<Vec<_>, StoreError>>()?;
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
            for row in book.db.scan_prefix(keys::TOLD) {
                let (key, value) = row?;
                if keys::told_of(&key).is_none_or(|conversation| conversation.contact() != contact) {
                    continue;
                }
                let told: Told = rows::read(&key, &value)?;
                // Tags that a person has taken away since must not come back.
                let kept = Told { username: None, username_field: None, ..told.clone() };
                is_known |= told != kept;
                batch.insert(key, rows::write(&kept));
            }
            Ok(Planned { batch: is_known.then_some(batch), answer: is_known, then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}

/// Whether the key of a picture is another's.
fn is_elses(key: &Result<sled::IVec, sled::Error>, contact: ContactId) -> bool {
    key.as_ref().is_ok_and(|key| !key.ends_with(format!(":{contact}").as_bytes()))
}
