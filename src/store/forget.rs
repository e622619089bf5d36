//! Forgetting a person: rows that say who they are are removed, and rows that keep messages from being doubled or lost
//! stay.

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
        tables::{AVATARS, NUMBERS, OWNERS, QUESTIONS, SYNCED_PROFILES},
    },
};

impl Store {
    /// Forgets a person or a group: their phone number, their names and pictures by any bot, and the names that were
    /// recorded in Kommo in any conversation with them. Returns whether anything was stored.
    ///
    /// Ids of chats, messages and arrivals stay, so that nothing is accepted twice and answers find their recipient.
    /// Waiting and parked messages stay as well: they are not delivered yet. A customer who was asked for their number
    /// is not asked again.
    pub async fn forget(&self, contact: ContactId) -> Result<bool, StoreError> {
        // The tables are scanned outside the commit, and the commit reads only the rows that were found.
        let Found { mut removed, profiles } = self.0.reader.spawn_blocking(move |db| find(db, contact)).await?;
        let plan = move |txn: &mut WriteTxn| {
            if let ContactId::Person(person) = contact {
                removed.extend(NUMBERS.get(&txn.db, &person)?.map(|number| OWNERS.key(&number.phone)));
                removed.push(NUMBERS.key(&person));
            }
            let (mut batch, mut is_changed) = (Batch::default(), false);
            for key in removed {
                is_changed |= txn.db.contains_key(&key)?;
                batch.remove(key);
            }
            for key in profiles {
                let Some(value) = txn.db.get(&key)? else { continue };
                let profile: Option<SyncedProfile> = rows::read(&key, &value);
                // Tags that a manager has removed since must not come back.
                let left =
                    SyncedProfile { username: None, username_field: None, ..profile.clone().unwrap_or_default() };
                is_changed |= profile.is_none_or(|profile| profile != left);
                batch.insert(key, rows::write(&left));
            }
            Ok(Commit { batch: is_changed.then_some(batch), answer: is_changed, then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}

/// The rows that say who a person or a group is.
struct Found {
    /// Rows that are removed.
    removed: Vec<Vec<u8>>,
    /// Profiles, of which the names are removed.
    profiles: Vec<Vec<u8>>,
}

fn find(db: &Db, contact: ContactId) -> Result<Found, StoreError> {
    let keys_of = |table: &[u8], is_theirs: &dyn Fn(&[u8]) -> bool| -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = scan(db, table).filter(|row| row.as_ref().map_or(true, |(key, _)| is_theirs(key)));
        rows.map(|row| Ok(row?.0.to_vec())).collect()
    };
    let name = format!(":{contact}");
    let is_theirs = |conversation: Option<Conversation>| conversation.is_some_and(|it| it.contact() == contact);
    Ok(Found {
        removed: [
            keys_of(&AVATARS.prefix, &|key| key.ends_with(name.as_bytes()))?,
            keys_of(&QUESTIONS.prefix, &|key| is_theirs(QUESTIONS.read_key(key)))?,
        ]
        .concat(),
        profiles: keys_of(&SYNCED_PROFILES.prefix, &|key| is_theirs(SYNCED_PROFILES.read_key(key)))?,
    })
}
