//! Forgetting a person: what says who they are goes, and what keeps messages from being doubled or lost stays.

use crate::{
    domain::{
        address::{ContactId, Conversation},
        crm::SyncedProfile,
    },
    store::{
        Store, StoreError,
        committer::{Commit, WriteTxn},
        db::{Batch, Db},
        index::Index,
        rows,
        scan::scan,
        tables::{AVATARS, NUMBERS, OWNERS, QUESTIONS, TOLD},
    },
};

impl Store {
    /// Forgets a person or a group: their own phone number, what any bot was told of how they are called and look, and
    /// what Kommo was told of their name in any conversation with them. Says whether anything was known.
    ///
    /// Ids stay: of chats, of messages and of what was taken, so that nothing is taken twice and answers find their
    /// way. So does what waits or is parked, which is not delivered yet. Whoever was asked for their number is not
    /// asked again.
    pub async fn forget(&self, contact: ContactId) -> Result<bool, StoreError> {
        // The tables are looked through beside what is written, and only what was found there is looked at again.
        let Found { mut known, told } = self.0.reader.apart(move |db| find(db, contact)).await?;
        let plan = move |txn: &mut WriteTxn| {
            if let ContactId::Person(person) = contact {
                known.extend(NUMBERS.get(&txn.db, &person)?.map(|number| OWNERS.key(&number.phone)));
                known.push(NUMBERS.key(&person));
            }
            let (mut batch, mut is_known) = (Batch::default(), false);
            for key in known {
                is_known |= txn.db.contains_key(&key)?;
                batch.remove(key);
            }
            for key in told {
                let Some(value) = txn.db.get(&key)? else { continue };
                let told: Option<SyncedProfile> = rows::read(&key, &value);
                // Tags that a person has taken away since must not come back.
                let kept = SyncedProfile { username: None, username_field: None, ..told.clone().unwrap_or_default() };
                is_known |= told.is_none_or(|told| told != kept);
                batch.insert(key, rows::write(&kept));
            }
            Ok(Commit { batch: is_known.then_some(batch), answer: is_known, then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}

/// The rows that say who a person or a group is.
struct Found {
    /// Those that go.
    known: Vec<Vec<u8>>,
    /// Those of which something stays.
    told: Vec<Vec<u8>>,
}

fn find(db: &Db, contact: ContactId) -> Result<Found, StoreError> {
    let keys_of = |table: &[u8], is_theirs: &dyn Fn(&[u8]) -> bool| -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = scan(db, table).filter(|row| row.as_ref().map_or(true, |(key, _)| is_theirs(key)));
        rows.map(|row| Ok(row?.0.to_vec())).collect()
    };
    let name = format!(":{contact}");
    let is_theirs = |conversation: Option<Conversation>| conversation.is_some_and(|it| it.contact() == contact);
    Ok(Found {
        known: [
            keys_of(&AVATARS.prefix, &|key| key.ends_with(name.as_bytes()))?,
            keys_of(&QUESTIONS.prefix, &|key| is_theirs(QUESTIONS.read_key(key)))?,
        ]
        .concat(),
        told: keys_of(&TOLD.prefix, &|key| is_theirs(TOLD.read_key(key)))?,
    })
}
