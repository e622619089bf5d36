//! Which account the bridge serves, if the account itself had to be asked.

use serde::{Deserialize, Serialize};

use crate::store::{
    Store, StoreError,
    committer::{Book, Planned},
    db::Batch,
    index::Index,
    keys, rows,
};

/// The account at an address.
#[derive(Debug, Serialize, Deserialize)]
struct AccountRow {
    url: String,
    id: String,
}

impl Store {
    /// The id in the Chats API of the account at `url`, if it was asked for once.
    ///
    /// # Errors
    /// If the store fails.
    pub fn account(&self, url: &str) -> Result<Option<String>, StoreError> {
        let row: Option<AccountRow> = rows::get(&self.db()?, keys::ACCOUNT)?;
        Ok(row.filter(|row| row.url == url).map(|row| row.id))
    }

    /// Remembers the id of the account at `url`, in place of any other.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remember_account(&self, url: &str, id: &str) -> Result<(), StoreError> {
        self.db()?;
        let row = AccountRow { url: url.to_owned(), id: id.to_owned() };
        let plan = move |_: &mut Book| {
            let mut batch = Batch::default();
            batch.insert(keys::ACCOUNT, rows::write(&row));
            Ok(Planned { batch: Some(batch), answer: (), then: Box::new(|_: &mut Index| ()) })
        };
        self.0.committer.write(plan).await
    }
}
